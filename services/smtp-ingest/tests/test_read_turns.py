"""Much to do, piece by piece."""

import asyncio
import itertools

from smtp_ingest.read_turns import ReadTurns


async def test_between_two_pieces_of_much_work_everybody_else_has_a_turn() -> None:
    turns = ReadTurns()
    done: list[str] = []

    async def do_much(name: str) -> None:
        for _ in range(3):
            await turns.take()
            done.append(name)

    async def do_little() -> None:
        while len(done) < 6 + done.count("-"):
            await asyncio.sleep(0)
            done.append("-")

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for run in (do_much("a"), do_much("b"), do_little()):
            tasks.create_task(run)

    assert all("-" in pair for pair in itertools.pairwise(done) if pair[0] != pair[1] or pair[0] != "-")
    assert [each for each in done if each != "-"] == ["a", "b"] * 3
