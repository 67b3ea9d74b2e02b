"""Waiting for a condition, with a deadline."""

import asyncio
import time
from collections.abc import Callable, Iterator

DEADLINE_SECONDS = 20.0


def deadline(seconds: float = DEADLINE_SECONDS) -> Iterator[None]:
    """Yield every 10 ms until the deadline, for a loop that waits for a condition."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        yield
        time.sleep(0.01)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until the condition holds, while other tasks run; raises TimeoutError at the deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not is_so():  # noqa: ASYNC110  # another process changes it
            await asyncio.sleep(0.01)
