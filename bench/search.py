"""Searches of a mailbox with 100 MB of text, and another client's slowest poll meanwhile.

seconds: of a search that finds nothing, so that all of the mailbox is read. CPU: seconds of http-api and of Postgres;
on an idle machine, a search takes about their sum. slowest: the slowest poll of an empty mailbox by another client, in
milliseconds; the row above the searches has it without them.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Iterator
from urllib.parse import quote

import psutil
import uvloop
from support.database import make_mailbox, store
from support.harness import Pair

from bench import calls, rivals
from bench.calls import Served
from bench.figures import row

_MESSAGES = 100
_MESSAGE_CHARACTERS = 1_000_000
_ROUNDS = 3
_OTHER = "127.0.0.9"
_QUERIES = {
    "a word": "nowhere",
    "a word and a phrase": 'nowhere -"not there"',
    "a regular expression": "/code is [0-9]{9}/",
    "a column": "larger:20M",
    "a word of the subject": "subject:nowhere",
}


def measure(pair: Pair) -> Iterator[str]:
    """A table of seconds and milliseconds; each row is the median of its searches."""
    full, empty = make_mailbox(pair.database_url), make_mailbox(pair.database_url)
    asyncio.run(_fill(pair, full))
    poll = f"/api/inbox/poll?address={quote(empty)}"
    postmaster = rivals.postgres(pair)
    yield row("search of 100 MB", "seconds", "http-api CPU", "Postgres CPU", "slowest, ms")
    yield row("none", 0.0, 0.0, 0.0, 1_000 * uvloop.run(_idle(calls.ours(pair), poll)))
    for label, query in _QUERIES.items():
        path = f"/api/inbox/messages?address={quote(full)}&query={quote(query)}"
        rounds = [uvloop.run(_search(calls.ours(pair), postmaster, path, poll)) for _ in range(_ROUNDS)]
        *seconds, slowest = (statistics.median(each) for each in zip(*rounds, strict=True))
        yield row(label, *seconds, 1_000 * slowest)


async def _fill(pair: Pair, address: str) -> None:
    words = [random.Random(each).randbytes(4).hex() for each in range(20_000)]
    for number in range(_MESSAGES):
        chosen = random.Random(number).choices(words, k=_MESSAGE_CHARACTERS // 9)
        text = "\r\n".join(" ".join(chosen[start : start + 8]) for start in range(0, len(chosen), 8))
        await store(pair.database_url, address, f"Subject: Message {number}\r\n\r\n{text}\r\n".encode())


async def _search(
    server: Served, postmaster: psutil.Process, path: str, poll: str
) -> tuple[float, float, float, float]:
    """The seconds of the search, those of CPU time, and those of the other client's slowest poll meanwhile."""
    is_over = asyncio.Event()
    other = asyncio.create_task(_slowest(server, poll, is_over))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    before = server.cpu_seconds(), rivals.cpu_seconds(postmaster)
    began = time.monotonic()
    await calls.get(reader, writer, path)
    seconds = time.monotonic() - began
    after = server.cpu_seconds(), rivals.cpu_seconds(postmaster)
    is_over.set()
    writer.close()
    return seconds, after[0] - before[0], after[1] - before[1], await other


async def _idle(server: Served, poll: str) -> float:
    is_over = asyncio.Event()
    asyncio.get_running_loop().call_later(1, is_over.set)
    return await _slowest(server, poll, is_over)


async def _slowest(server: Served, poll: str, is_over: asyncio.Event) -> float:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=(_OTHER, 0))
    slowest = 0.0
    while not is_over.is_set():
        began = time.monotonic()
        await calls.get(reader, writer, poll)
        slowest = max(slowest, time.monotonic() - began)
        await asyncio.sleep(0.005)
    writer.close()
    return slowest
