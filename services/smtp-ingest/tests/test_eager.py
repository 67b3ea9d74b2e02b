"""Coroutines that begin without a task."""

import asyncio

import pytest

from smtp_ingest import eager


async def test_work_that_waits_for_nothing_ends_at_once() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("ended")

    assert eager.begin(work()) is None
    assert done == ["ended"]


async def test_work_that_waits_goes_on_in_the_task_that_awaits_its_rest() -> None:
    done: list[object] = []
    future = asyncio.get_running_loop().create_future()

    async def work() -> None:
        done.append(await future)
        await asyncio.sleep(0)
        done.append("ended")

    rest = eager.begin(work())
    assert rest is not None
    future.set_result("waited")
    await asyncio.create_task(rest)

    assert done == ["waited", "ended"]


def test_an_exception_before_the_first_wait_is_raised_at_once() -> None:
    async def work() -> None:
        raise ValueError("spoilt")

    with pytest.raises(ValueError, match="spoilt"):
        eager.begin(work())


async def test_an_exception_after_the_first_wait_is_raised_where_the_rest_is_awaited() -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise ValueError("spoilt")

    rest = eager.begin(work())

    assert rest is not None
    with pytest.raises(ValueError, match="spoilt"):
        await rest


async def test_a_cancelled_rest_cancels_the_work() -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    rest = eager.begin(work())
    assert rest is not None
    task = asyncio.create_task(rest)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert seen == ["cancelled"]
    assert task.cancelled()
