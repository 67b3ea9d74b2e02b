"""The cost of many idle streams on one worker: its memory, and the delay of an event on one more stream.

Each column is a number of idle streams. The delay is the time from smtp-ingest's reply 250 to the event, in ms.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence

import psutil
import uvloop
from support.harness import Pair
from support.smtp_client import SmtpClient

from bench.figures import Lost, make_mailboxes, percentile, row
from bench.mail import message
from bench.streams import Stream, open_streams

_FEW, _MANY = 50, 10_000
_MAILBOXES = 50
_MESSAGES = 300
_INTERVAL_SECONDS = 0.03
_SETTLE_SECONDS = 2.0
_EVENT_SECONDS = 10.0


class Follower:
    """The arrival times of the events of the mailbox that gets mail, in seconds of the monotonic clock."""

    def __init__(self) -> None:
        self.arrived: dict[int, float] = {}
        self.came = asyncio.Event()

    def note(self, _address: str, seq: int) -> None:
        if seq in self.arrived:
            raise Lost(f"event {seq} arrived twice")
        self.arrived[seq] = time.monotonic()
        self.came.set()


def measure(pair: Pair) -> Iterator[str]:
    """A table of KB (VmRSS) and milliseconds; raises Lost when an event does not arrive, or arrives twice."""
    address, *others = make_mailboxes(pair, _MAILBOXES + 1)
    [worker] = psutil.Process(pair.services[1].pid).children()
    resident, waits = uvloop.run(_observe(pair, worker, address, others))
    yield row("idle streams on one worker", f"{_FEW}", f"{_MANY}", "ratio")
    more = (resident[1] - resident[0]) / (_MANY - _FEW) / 1_000
    yield f"  KB of resident memory for each stream: {more:.1f}"
    for percent in (50, 99):
        few, many = (percentile(each, percent) for each in waits)
        yield row(f"reply 250 to event, ms, p{percent}", few, many, many / few)


async def _observe(
    pair: Pair, worker: psutil.Process, address: str, others: Sequence[str]
) -> tuple[list[int], list[list[float]]]:
    """The resident octets and the delays in milliseconds, with few streams and with many."""
    follower = Follower()
    resident, waits = [], []
    streams: list[Stream] = []
    async with SmtpClient.connect(pair.smtp_port) as client:
        streams += await open_streams(pair, [address], follower.note)
        for count in (_FEW, _MANY):
            idle = itertools.islice(itertools.cycle(others), count - len(streams))
            streams += await open_streams(pair, idle, lambda _address, _seq: None)
            await asyncio.sleep(_SETTLE_SECONDS)
            resident.append(worker.memory_info().rss)
            waits.append([await _wait(client, address, follower) for _ in range(_MESSAGES)])
    for stream in streams:
        stream.close()
    return resident, waits


async def _wait(client: SmtpClient, address: str, follower: Follower) -> float:
    """Send a message; the milliseconds from its reply 250 to its event, 0 when the event came first."""
    await asyncio.sleep(_INTERVAL_SECONDS)
    seq = len(follower.arrived) + 1
    follower.came.clear()
    reply = await client.deliver(message(seq), address)
    acknowledged = time.monotonic()
    if reply.code != 250:
        raise Lost(str(reply))
    if seq not in follower.arrived:
        try:
            async with asyncio.timeout(_EVENT_SECONDS):
                await follower.came.wait()
        except TimeoutError:
            raise Lost(f"message {seq} was acknowledged, but its event did not arrive") from None
    return max(0.0, follower.arrived[seq] - acknowledged) * 1_000
