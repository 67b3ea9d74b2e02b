"""Begins a coroutine at once: one that waits for nothing needs no task (Python 3.12 has eager tasks). Pure."""

from collections.abc import Coroutine, Generator
from contextlib import suppress
from types import coroutine

Rest = Coroutine[object, object, None]


def begin(work: Rest) -> Rest | None:
    """Run `work` until it waits; returns the rest, to be awaited, or None when `work` has ended.

    Until then `work` runs in no task, so it must not use what belongs to a task, as asyncio.timeout does.
    """
    try:
        waits_for = work.send(None)
    except StopIteration:
        return None
    return _go_on(work, waits_for)


@coroutine
def _go_on(work: Rest, waits_for: object) -> Generator[object, object, None]:
    with suppress(StopIteration):
        while True:
            thrown: BaseException | None = None
            try:
                sent = yield waits_for
            except BaseException as error:  # noqa: BLE001  # `await` passes on whatever is thrown, also a cancellation
                thrown = error
            waits_for = work.send(sent) if thrown is None else work.throw(thrown)
