"""Turns for the readers of large messages."""

import asyncio
import itertools

from smtp_ingest.read_turns import ReadTurns


async def test_between_two_turns_all_other_tasks_run() -> None:
    turns = ReadTurns()
    done: list[str] = []

    async def read_large_message(name: str) -> None:
        for _ in range(3):
            await turns.wait()
            done.append(name)

    async def other_work() -> None:
        while len(done) < 6 + done.count("-"):
            await asyncio.sleep(0)
            done.append("-")

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for run in (read_large_message("a"), read_large_message("b"), other_work()):
            tasks.create_task(run)

    assert all("-" in pair for pair in itertools.pairwise(done) if pair[0] != pair[1] or pair[0] != "-")
    assert [each for each in done if each != "-"] == ["a", "b"] * 3
