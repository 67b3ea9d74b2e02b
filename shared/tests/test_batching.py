"""How single items become batches, and how each gets its own answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from fake_email.batching import Batcher, QueueFull, WorkFailed
from fake_email.errors import DatabaseAway, ServiceError


class Press:
    """Work that stands still until it is released, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.fails_with: list[Exception] = []
        self._begun = asyncio.Semaphore(0)
        self._released = asyncio.Semaphore(0)

    async def work(self, items: Sequence[str]) -> list[str | ServiceError]:
        self.batches.append(list(items))
        self._begun.release()
        await self._released.acquire()
        if self.fails_with:
            raise self.fails_with.pop(0)
        return [DatabaseAway(item) if item.startswith("bad") else item.upper() for item in items]

    async def has_begun(self) -> None:
        await self._begun.acquire()

    def release(self, batches: int) -> None:
        for _ in range(batches):
            self._released.release()


@asynccontextmanager
async def gathering(
    press: Press, *, batch_items: int = 100, batch_weight: int = 100, queue_items: int = 100, queue_weight: int = 100
) -> AsyncIterator[tuple[Batcher[str, str], asyncio.TaskGroup]]:
    """A Gatherer at work, and a group for those who ask; the group has ended after the block."""
    gatherer = Batcher(
        press.work,
        batch_items=batch_items,
        batch_weight=batch_weight,
        queue_items=queue_items,
        queue_weight=queue_weight,
    )
    async with asyncio.timeout(20), asyncio.TaskGroup() as helpers:
        running = helpers.create_task(gatherer.run())
        async with asyncio.TaskGroup() as asking:
            yield gatherer, asking
        running.cancel()


async def ask(gatherer: Batcher[str, str], item: str, weight: int = 1) -> str:
    """The answer to `item`, or the name of the error that came instead."""
    try:
        return await gatherer.submit(item, weight)
    except ServiceError as error:
        return type(error).__name__


async def test_a_lone_item_waits_for_no_other() -> None:
    press = Press()

    async with gathering(press) as (gatherer, asking):
        asked = asking.create_task(ask(gatherer, "one"))
        await press.has_begun()
        batches = list(press.batches)
        press.release(1)

    assert batches == [["one"]]
    assert asked.result() == "ONE"


async def test_what_comes_while_work_is_in_flight_goes_together_in_the_next_batch() -> None:
    press = Press()

    async with gathering(press) as (gatherer, asking):
        asking.create_task(ask(gatherer, "first"))
        await press.has_begun()
        crowd = [asking.create_task(ask(gatherer, item)) for item in ("a", "b", "c")]
        press.release(2)

    assert press.batches == [["first"], ["a", "b", "c"]]
    assert [asked.result() for asked in crowd] == ["A", "B", "C"]


async def test_a_batch_is_bounded_in_items() -> None:
    press = Press()
    press.release(10)

    async with gathering(press, batch_items=2) as (gatherer, asking):
        for item in ("a", "b", "c", "d", "e"):
            asking.create_task(ask(gatherer, item))

    assert press.batches == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_batch_is_bounded_in_weight() -> None:
    press = Press()
    press.release(10)

    async with gathering(press, batch_weight=10) as (gatherer, asking):
        for item, weight in (("a", 4), ("b", 6), ("c", 1), ("d", 10), ("e", 9)):
            asking.create_task(ask(gatherer, item, weight))

    assert press.batches == [["a", "b"], ["c"], ["d"], ["e"]]


async def test_an_item_heavier_than_a_batch_goes_alone() -> None:
    press = Press()
    press.release(10)

    async with gathering(press, batch_weight=10) as (gatherer, asking):
        for item, weight in (("a", 1), ("heavy", 50), ("b", 1)):
            asking.create_task(ask(gatherer, item, weight))

    assert press.batches == [["a"], ["heavy"], ["b"]]


async def test_an_item_too_many_finds_the_queue_full() -> None:
    press = Press()

    async with gathering(press, queue_items=2) as (gatherer, asking):
        held = [asking.create_task(ask(gatherer, item)) for item in ("a", "b")]
        await press.has_begun()
        with pytest.raises(QueueFull):
            await gatherer.submit("c", 1)
        press.release(2)

    assert [asked.result() for asked in held] == ["A", "B"]


async def test_an_item_too_heavy_for_what_is_left_finds_the_queue_full() -> None:
    press = Press()

    async with gathering(press, queue_weight=10) as (gatherer, asking):
        held = asking.create_task(ask(gatherer, "a", 6))
        await press.has_begun()
        with pytest.raises(QueueFull):
            await gatherer.submit("b", 5)
        fits = asking.create_task(ask(gatherer, "c", 4))
        press.release(2)

    assert [held.result(), fits.result()] == ["A", "C"]


async def test_an_item_heavier_than_the_queue_is_taken_when_nothing_else_waits() -> None:
    press = Press()
    press.release(1)

    async with gathering(press, queue_weight=10) as (gatherer, asking):
        asked = asking.create_task(ask(gatherer, "heavy", 11))

    assert asked.result() == "HEAVY"


async def test_a_full_queue_has_room_again_once_its_items_are_answered() -> None:
    press = Press()
    press.release(10)

    async with gathering(press, queue_items=1, queue_weight=1) as (gatherer, _):
        answers = [await ask(gatherer, item) for item in ("a", "bad", "b")]

    assert answers == ["A", "DatabaseAway", "B"]


async def test_what_was_answered_weighs_no_more() -> None:
    press = Press()

    async with gathering(press, queue_weight=10) as (gatherer, asking):
        press.release(1)
        await ask(gatherer, "a", 6)
        asking.create_task(ask(gatherer, "b", 1))
        await asyncio.sleep(0)  # let it ask
        press.release(2)
        answer = await ask(gatherer, "c", 9)

    assert answer == "C"


async def test_the_error_of_an_item_reaches_only_who_asked_for_it() -> None:
    press = Press()
    press.release(10)

    async with gathering(press) as (gatherer, asking):
        asked = [asking.create_task(ask(gatherer, item)) for item in ("a", "bad", "b")]

    assert press.batches == [["a", "bad", "b"]]
    assert [each.result() for each in asked] == ["A", "DatabaseAway", "B"]


async def test_whoever_is_gone_does_not_stop_the_others() -> None:
    press = Press()

    async with gathering(press) as (gatherer, asking):
        in_flight = [asking.create_task(ask(gatherer, item)) for item in ("a", "b")]
        await press.has_begun()
        waiting = [asking.create_task(ask(gatherer, item)) for item in ("c", "d")]
        await asyncio.sleep(0)  # let them ask
        for gone in (in_flight[0], waiting[0]):
            gone.cancel()
        press.release(2)

    assert [in_flight[1].result(), waiting[1].result()] == ["B", "D"]


async def test_what_was_asked_is_worked_on_though_whoever_asked_is_gone() -> None:
    press = Press()

    async with gathering(press) as (gatherer, asking):
        asking.create_task(ask(gatherer, "first"))
        await press.has_begun()
        gone = asking.create_task(ask(gatherer, "second"))
        await asyncio.sleep(0)  # let it ask
        gone.cancel()
        press.release(2)
        await press.has_begun()

    assert press.batches == [["first"], ["second"]]


async def test_work_that_fails_fails_all_of_its_batch() -> None:
    press = Press()
    press.fails_with = [DatabaseAway("down")]
    press.release(10)

    async with gathering(press) as (gatherer, asking):
        asked = [asking.create_task(ask(gatherer, item)) for item in ("a", "b")]

    assert [each.result() for each in asked] == ["DatabaseAway", "DatabaseAway"]


async def test_the_batch_after_one_that_failed_is_worked_on() -> None:
    press = Press()
    press.fails_with = [DatabaseAway("down")]
    press.release(10)

    async with gathering(press) as (gatherer, _):
        answers = [await ask(gatherer, item) for item in ("a", "b")]

    assert answers == ["DatabaseAway", "B"]


async def test_an_error_that_nobody_foresaw_fails_its_batch_and_no_other() -> None:
    press = Press()
    press.fails_with = [KeyError("surprise")]
    press.release(10)

    async with gathering(press) as (gatherer, asking):
        asked = [asking.create_task(ask(gatherer, item)) for item in ("a", "b")]
        await asyncio.gather(*asked)
        after = await ask(gatherer, "c")

    assert [each.result() for each in asked] == [WorkFailed.__name__] * 2
    assert after == "C"
