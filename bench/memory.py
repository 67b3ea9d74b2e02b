"""The resident memory (VmRSS) of each process at rest, and with a thousand open streams that receive no events."""

import asyncio
import itertools
from collections.abc import Iterator, Mapping

import psutil
import uvloop
from support.harness import Pair

from bench.figures import make_mailboxes, row
from bench.streams import open_streams

_STREAMS = 1_000
_MAILBOXES = 50
_SETTLE_SECONDS = 1.0
_MB = 1_000_000


def measure(pair: Pair) -> Iterator[str]:
    """A table of MB, with the difference in MB and in KB for each stream."""
    addresses = make_mailboxes(pair, _MAILBOXES)
    processes = _processes(pair)
    idle, streaming = uvloop.run(_open(pair, addresses, processes))
    yield row("resident memory, MB", "idle", f"{_STREAMS} streams", "difference", "KB/stream")
    for name in processes:
        yield row(name, idle[name] / _MB, streaming[name] / _MB)
    more = sum(streaming.values()) - sum(idle.values())
    yield row("total", sum(idle.values()) / _MB, sum(streaming.values()) / _MB, more / _MB, more / _STREAMS / 1_000)


def _processes(pair: Pair) -> Mapping[str, psutil.Process]:
    """smtp-ingest, http-api and the workers of http-api, by their names in the table."""
    smtp, http = (psutil.Process(service.pid) for service in pair.services)
    workers = {f"http-api, worker {number}": worker for number, worker in enumerate(http.children(recursive=True), 1)}
    return {"smtp-ingest": smtp, "http-api": http} | workers


async def _open(
    pair: Pair, addresses: list[str], processes: Mapping[str, psutil.Process]
) -> tuple[dict[str, int], dict[str, int]]:
    await asyncio.sleep(_SETTLE_SECONDS)
    idle = _resident(processes)
    streams = await open_streams(
        pair, itertools.islice(itertools.cycle(addresses), _STREAMS), lambda _address, _seq: None
    )
    await asyncio.sleep(_SETTLE_SECONDS)
    streaming = _resident(processes)
    for stream in streams:
        stream.close()
    return idle, streaming


def _resident(processes: Mapping[str, psutil.Process]) -> dict[str, int]:
    return {name: process.memory_info().rss for name, process in processes.items()}
