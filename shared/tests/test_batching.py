"""Items that are worked on in batches: the bounds of batches and queue, errors, and cancelled callers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from fake_email.batching import Batcher, QueueFull, WorkFailed
from fake_email.errors import DatabaseAway, ServiceError


class Press:
    """Work that waits until a test releases it, and records its batches."""

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
async def running(
    press: Press,
    *,
    batch_items: int = 100,
    batch_weight: int = 100,
    queue_items: int = 100,
    queue_weight: int = 100,
    runs: int = 1,
) -> AsyncIterator[tuple[Batcher[str, str], asyncio.TaskGroup]]:
    """A running Batcher, and a group for its callers; the block ends when all callers have ended."""
    batcher = Batcher(
        press.work,
        batch_items=batch_items,
        batch_weight=batch_weight,
        queue_items=queue_items,
        queue_weight=queue_weight,
    )
    async with asyncio.timeout(20), asyncio.TaskGroup() as helpers:
        tasks = [helpers.create_task(batcher.run()) for _ in range(runs)]
        async with asyncio.TaskGroup() as callers:
            yield batcher, callers
        for task in tasks:
            task.cancel()


async def submit(batcher: Batcher[str, str], item: str, weight: int = 1) -> str:
    """The outcome of `item`, or the name of the error that was raised."""
    try:
        return await batcher.submit(item, weight)
    except ServiceError as error:
        return type(error).__name__


async def test_a_single_item_is_worked_on_at_once() -> None:
    press = Press()

    async with running(press) as (batcher, callers):
        submitted = callers.create_task(submit(batcher, "one"))
        await press.has_begun()
        batches = list(press.batches)
        press.release(1)

    assert batches == [["one"]]
    assert submitted.result() == "ONE"


async def test_items_submitted_during_a_batch_share_the_next_batch() -> None:
    press = Press()

    async with running(press) as (batcher, callers):
        callers.create_task(submit(batcher, "first"))
        await press.has_begun()
        together = [callers.create_task(submit(batcher, item)) for item in ("a", "b", "c")]
        press.release(2)

    assert press.batches == [["first"], ["a", "b", "c"]]
    assert [submitted.result() for submitted in together] == ["A", "B", "C"]


async def test_two_runs_work_on_two_batches_while_the_next_items_gather() -> None:
    press = Press()

    async with running(press, runs=2) as (batcher, callers):
        before = batcher.busy_seconds()
        for item in ("first", "second"):
            callers.create_task(submit(batcher, item))
            await press.has_begun()
        later = [callers.create_task(submit(batcher, item)) for item in ("a", "b")]
        await asyncio.sleep(0)
        batches, busy_seconds = list(press.batches), batcher.busy_seconds()
        press.release(3)

    assert batches == [["first"], ["second"]]
    assert before == 0.0 < busy_seconds
    assert sorted(press.batches[2]) == ["a", "b"]
    assert sorted(each.result() for each in later) == ["A", "B"]
    assert batcher.busy_seconds() == 0.0


async def test_the_number_of_items_in_a_batch_is_bounded() -> None:
    press = Press()
    press.release(10)

    async with running(press, batch_items=2) as (batcher, callers):
        for item in ("a", "b", "c", "d", "e"):
            callers.create_task(submit(batcher, item))

    assert press.batches == [["a", "b"], ["c", "d"], ["e"]]


async def test_the_weight_of_a_batch_is_bounded() -> None:
    press = Press()
    press.release(10)

    async with running(press, batch_weight=10) as (batcher, callers):
        for item, weight in (("a", 4), ("b", 6), ("c", 1), ("d", 10), ("e", 9)):
            callers.create_task(submit(batcher, item, weight))

    assert press.batches == [["a", "b"], ["c"], ["d"], ["e"]]


async def test_an_item_heavier_than_a_batch_is_a_batch_of_its_own() -> None:
    press = Press()
    press.release(10)

    async with running(press, batch_weight=10) as (batcher, callers):
        for item, weight in (("a", 1), ("heavy", 50), ("b", 1)):
            callers.create_task(submit(batcher, item, weight))

    assert press.batches == [["a"], ["heavy"], ["b"]]


async def test_an_item_beyond_the_queues_length_is_refused() -> None:
    press = Press()

    async with running(press, queue_items=2) as (batcher, callers):
        accepted = [callers.create_task(submit(batcher, item)) for item in ("a", "b")]
        await press.has_begun()
        with pytest.raises(QueueFull):
            await batcher.submit("c", 1)
        press.release(2)

    assert [submitted.result() for submitted in accepted] == ["A", "B"]


async def test_an_item_beyond_the_queues_weight_is_refused() -> None:
    press = Press()

    async with running(press, queue_weight=10) as (batcher, callers):
        accepted = callers.create_task(submit(batcher, "a", 6))
        await press.has_begun()
        with pytest.raises(QueueFull):
            await batcher.submit("b", 5)
        fits = callers.create_task(submit(batcher, "c", 4))
        press.release(2)

    assert [accepted.result(), fits.result()] == ["A", "C"]


async def test_an_item_heavier_than_the_queue_is_accepted_when_the_queue_is_empty() -> None:
    press = Press()
    press.release(1)

    async with running(press, queue_weight=10) as (batcher, callers):
        submitted = callers.create_task(submit(batcher, "heavy", 11))

    assert submitted.result() == "HEAVY"


async def test_a_full_queue_accepts_items_again_once_its_items_have_outcomes() -> None:
    press = Press()
    press.release(10)

    async with running(press, queue_items=1, queue_weight=1) as (batcher, _):
        outcomes = [await submit(batcher, item) for item in ("a", "bad", "b")]

    assert outcomes == ["A", "DatabaseAway", "B"]


async def test_an_item_with_an_outcome_no_longer_counts_in_the_queues_weight() -> None:
    press = Press()

    async with running(press, queue_weight=10) as (batcher, callers):
        press.release(1)
        await submit(batcher, "a", 6)
        callers.create_task(submit(batcher, "b", 1))
        await asyncio.sleep(0)  # let it submit
        press.release(2)
        outcome = await submit(batcher, "c", 9)

    assert outcome == "C"


async def test_the_error_of_an_item_is_raised_only_at_its_own_caller() -> None:
    press = Press()
    press.release(10)

    async with running(press) as (batcher, callers):
        submitted = [callers.create_task(submit(batcher, item)) for item in ("a", "bad", "b")]

    assert press.batches == [["a", "bad", "b"]]
    assert [each.result() for each in submitted] == ["A", "DatabaseAway", "B"]


async def test_a_cancelled_caller_does_not_affect_the_others() -> None:
    press = Press()

    async with running(press) as (batcher, callers):
        in_flight = [callers.create_task(submit(batcher, item)) for item in ("a", "b")]
        await press.has_begun()
        waiting = [callers.create_task(submit(batcher, item)) for item in ("c", "d")]
        await asyncio.sleep(0)  # let them submit
        for cancelled in (in_flight[0], waiting[0]):
            cancelled.cancel()
        press.release(2)

    assert [in_flight[1].result(), waiting[1].result()] == ["B", "D"]


async def test_an_item_is_worked_on_even_when_its_caller_was_cancelled() -> None:
    press = Press()

    async with running(press) as (batcher, callers):
        callers.create_task(submit(batcher, "first"))
        await press.has_begun()
        cancelled = callers.create_task(submit(batcher, "second"))
        await asyncio.sleep(0)  # let it submit
        cancelled.cancel()
        press.release(2)
        await press.has_begun()

    assert press.batches == [["first"], ["second"]]


async def test_an_error_of_the_work_is_raised_at_every_caller_of_the_batch() -> None:
    press = Press()
    press.fails_with = [DatabaseAway("down")]
    press.release(10)

    async with running(press) as (batcher, callers):
        submitted = [callers.create_task(submit(batcher, item)) for item in ("a", "b")]

    assert [each.result() for each in submitted] == ["DatabaseAway", "DatabaseAway"]


async def test_the_batch_after_a_failed_batch_is_worked_on() -> None:
    press = Press()
    press.fails_with = [DatabaseAway("down")]
    press.release(10)

    async with running(press) as (batcher, _):
        outcomes = [await submit(batcher, item) for item in ("a", "b")]

    assert outcomes == ["DatabaseAway", "B"]


async def test_an_unexpected_exception_fails_its_batch_and_no_other() -> None:
    press = Press()
    press.fails_with = [KeyError("surprise")]
    press.release(10)

    async with running(press) as (batcher, callers):
        submitted = [callers.create_task(submit(batcher, item)) for item in ("a", "b")]
        await asyncio.gather(*submitted)
        after = await submit(batcher, "c")

    assert [each.result() for each in submitted] == [WorkFailed.__name__] * 2
    assert after == "C"
