"""Turns that are fair by client."""

import asyncio
from collections.abc import Sequence

import pytest
from support.waiting import DEADLINE_SECONDS

from fake_email.fair_turns import FairTurns


async def served(clients: Sequence[str], *, at_a_time: int = 1) -> list[str]:
    """The clients in the order of their turns, when all callers ask in this order before the first turn ends."""
    turns = FairTurns(at_a_time)
    order: list[str] = []
    all_ask = asyncio.Event()

    async def work(client: str) -> None:
        async with turns.turn(client):
            order.append(client)
            await all_ask.wait()

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as tasks:
        for client in clients:
            tasks.create_task(work(client))
            await asyncio.sleep(0)
        all_ask.set()
    return order


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ("aaaaab", "abaaaa"),
        ("aaabbbc", "abcabab"),
        ("abcabc", "abcabc"),
        ("a", "a"),
    ],
)
async def test_the_clients_that_wait_have_turns_one_after_the_other(asked: str, order: str) -> None:
    assert "".join(await served(asked)) == order


async def test_several_turns_are_had_at_a_time() -> None:
    assert "".join(await served("aaaab", at_a_time=2)) == "aabaa"


@pytest.mark.parametrize("is_granted", [False, True])
async def test_the_turn_of_a_cancelled_caller_goes_to_the_next(*, is_granted: bool) -> None:
    turns = FairTurns()
    order: list[str] = []

    async def work(client: str) -> None:
        async with turns.turn(client):
            order.append(client)

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as tasks:
        async with turns.turn("first"):
            cancelled = tasks.create_task(work("cancelled"))
            tasks.create_task(work("last"))
            await asyncio.sleep(0)
            if not is_granted:
                cancelled.cancel()
                await asyncio.sleep(0)
        cancelled.cancel()

    async with asyncio.timeout(DEADLINE_SECONDS):
        await work("later")
    assert order == ["last", "later"]
