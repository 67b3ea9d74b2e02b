"""One stream of 50 mailboxes, with a ticket, beside 50 streams of one mailbox each.

KB: the resident memory of http-api for 50 mailboxes while nothing arrives. CPU: its milliseconds to open them, and its
microseconds for each event when a message arrives in every mailbox. Each column has an http-api of its own.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
import uvloop
from support.content import message
from support.database import store
from support.harness import Pair, running_http

from bench.figures import Lost, make_mailboxes, row
from bench.streams import open_queries

_MAILBOXES = 50
_SETS = 10
_SETTLE_SECONDS = 2.0
_EVENTS_SECONDS = 60.0


def measure(pair: Pair) -> Iterator[str]:
    """A table of KB and microseconds, and the ratio of both; raises Lost when an event does not arrive."""
    addresses = make_mailboxes(pair, _MAILBOXES * _SETS)
    sets = [addresses[start : start + _MAILBOXES] for start in range(0, len(addresses), _MAILBOXES)]
    one = _costs(pair, addresses, [f"ticket={_ticket(pair, each)}&since=now" for each in sets])
    many = _costs(pair, addresses, [f"address={quote(each)}&since=now" for each in addresses])
    yield row(f"{_MAILBOXES} mailboxes", "one stream", f"{_MAILBOXES} streams", "one/many")
    labels = ("KB of memory", "ms of CPU to open", "µs of CPU for an event")
    for label, with_one, with_many in zip(labels, one, many, strict=True):
        yield row(label, with_one, with_many, with_one / with_many)


def _ticket(pair: Pair, addresses: Sequence[str]) -> str:
    asked = {"mailboxes": [{"address": each} for each in addresses]}
    made = httpx.post(f"{pair.http_url}/api/tickets", json=asked, timeout=30).raise_for_status()
    return str(made.json()["ticket"])


def _costs(pair: Pair, addresses: Sequence[str], queries: Sequence[str]) -> tuple[float, float, float]:
    """The KB and the milliseconds for 50 mailboxes, and the microseconds for an event."""
    with tempfile.TemporaryDirectory() as directory, running_http(pair.database_url, Path(directory)) as service:
        [worker] = psutil.Process(service.services[-1].pid).children()
        return uvloop.run(_observe(service, worker, addresses, queries))


async def _observe(
    service: Pair, worker: psutil.Process, addresses: Sequence[str], queries: Sequence[str]
) -> tuple[float, float, float]:
    left = len(addresses)
    are_told = asyncio.Event()

    def note(_seq: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            are_told.set()

    await asyncio.sleep(_SETTLE_SECONDS)
    before, began = worker.memory_info().rss, _cpu_seconds(worker)
    streams = await open_queries(service, ((query, note) for query in queries))
    await asyncio.sleep(_SETTLE_SECONDS)
    kilobytes = (worker.memory_info().rss - before) / 1_000 / _SETS
    milliseconds = 1e3 * (_cpu_seconds(worker) - began) / _SETS
    began = _cpu_seconds(worker)
    # Stored here, since smtp-ingest would take most of the processors.
    for address in addresses:
        await store(service.database_url, address, message(str(time.monotonic_ns())))
    try:
        await asyncio.wait_for(are_told.wait(), _EVENTS_SECONDS)
    except TimeoutError:
        raise Lost(f"{left} events did not arrive") from None
    microseconds = 1e6 * (_cpu_seconds(worker) - began) / len(addresses)
    for stream in streams:
        stream.close()
    return kilobytes, milliseconds, microseconds


def _cpu_seconds(worker: psutil.Process) -> float:
    times = worker.cpu_times()
    return times.user + times.system
