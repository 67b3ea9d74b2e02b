"""1, 2 and 4 processes of smtp-ingest and of http-api on one Postgres, as several hosts have them.

Mail to 1,000 mailboxes, with 48 sessions spread over the processes of smtp-ingest. Each column is a number of
processes. slowest/fastest: the fewest messages that one of them took, in relation to the most. Streams at 10 of the
mailboxes are open at each http-api, and the run fails when one of them misses a message or shows one twice. All run on
this machine, so that its cores limit the rates.
"""

import asyncio
import statistics
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg
import uvloop
from support.harness import Pair

from bench import contestants, turns
from bench.figures import Lost, make_mailboxes, row
from bench.limits import LIMITS
from bench.load import Order, Result
from bench.streams import Stream, open_streams

_COUNTS = (1, 2, 4)
_SESSIONS = 48
_MAILBOXES = 1_000
_FOLLOWED = 10
_ROUNDS = 3
_SECONDS = 2.0
_EVENT_SECONDS = 20.0
_NEWEST = "SELECT address, last_seq FROM mailbox WHERE address = ANY(%(addresses)s)"


class Reader:
    """The newest seq of each mailbox that the streams at one http-api have shown."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def note(self, address: str, seq: int) -> None:
        if seq != self.seen[address] + 1:
            raise Lost(f"event {seq} came after event {self.seen[address]}")
        self.seen[address] = seq


def measure(pair: Pair) -> Iterator[str]:
    """A table; raises Lost when mail is lost, or when a reader misses a message or sees one twice."""
    addresses = make_mailboxes(pair, _MAILBOXES - _FOLLOWED)
    followed: list[str] = []
    acknowledged = 0
    rates, shares = [], []
    with ExitStack() as stack:
        hosts = [pair, *(_another(stack, pair) for _ in range(max(_COUNTS) - 1))]
        loads = [stack.enter_context(contestants.program(contestants.module("bench.load"))) for _ in hosts]
        for count in _COUNTS:
            rounds = []
            for _ in range(_ROUNDS):
                followed += make_mailboxes(pair, _FOLLOWED)
                rounds.append(uvloop.run(_round(hosts[:count], loads[:count], followed[-_FOLLOWED:], addresses)))
            acknowledged += sum(each.acknowledged for results in rounds for each in results)
            rates.append(statistics.median(sum(each.per_second for each in results) for results in rounds))
            shares.append(
                statistics.median(
                    min(each.per_second for each in results) / max(each.per_second for each in results)
                    for results in rounds
                )
            )
    yield row("processes of each service", *map(str, _COUNTS))
    yield row("messages a second", *rates)
    yield row("in relation to one process", *(rate / rates[0] for rate in rates))
    yield row("slowest/fastest", *shares)
    yield f"  each of {_FOLLOWED} mailboxes was seen whole, once and in order at each http-api"
    yield turns.counted(pair, followed + addresses, acknowledged)


def _another(stack: ExitStack, pair: Pair) -> Pair:
    """Both services once more, on the same database."""
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
    other = Pair(pair.database_url, directory, **LIMITS)
    stack.callback(other.end)
    other.start_smtp()
    other.start_http()
    return other


async def _round(
    hosts: Sequence[Pair],
    loads: Sequence[subprocess.Popen[str]],
    followed: Sequence[str],
    others: Sequence[str],
) -> Sequence[Result]:
    addresses = (*followed, *others)
    readers = [Reader() for _ in hosts]
    streams: list[Stream] = []
    for host, reader in zip(hosts, readers, strict=True):
        streams += await open_streams(host, followed, reader.note)
    for number, (host, load) in enumerate(zip(hosts, loads, strict=True)):
        # Each load counts its messages from 1, and the same message in the same mailbox would be a duplicate.
        first = number * _MAILBOXES // max(_COUNTS)
        order = Order(
            port=host.smtp_port,
            sessions=_SESSIONS // len(hosts),
            closes_after_message=False,
            seconds=_SECONDS,
            recipients=(*addresses[first:], *addresses[:first]),
        )
        turns.begin(load, order)
    results = await asyncio.gather(*(asyncio.to_thread(turns.end, load) for load in loads))
    await _see_all(readers, Counter(_newest(hosts[0], followed)))
    for stream in streams:
        stream.close()
    return results


async def _see_all(readers: Sequence[Reader], newest: Counter[str]) -> None:
    try:
        async with asyncio.timeout(_EVENT_SECONDS):
            while any(reader.seen != newest for reader in readers):  # noqa: ASYNC110  # other processes change it
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise Lost("a reader has not seen all messages") from None


def _newest(pair: Pair, addresses: Sequence[str]) -> dict[str, int]:
    with psycopg.connect(pair.database_url) as connection:
        return dict(connection.execute(_NEWEST, {"addresses": list(addresses)}).fetchall())
