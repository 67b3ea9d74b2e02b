"""What many idle streams on one worker cost: memory, and how long a message to one more of them takes."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence

import psutil
import uvloop
from support.harness import Pair, SmtpClient

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
    """When the events of the one mailbox that gets mail arrived, in seconds of the monotonic clock."""

    def __init__(self) -> None:
        self.arrived: dict[int, float] = {}
        self.came = asyncio.Event()

    def note(self, _address: str, seq: int) -> None:
        if seq in self.arrived:
            raise Lost(f"event {seq} came twice")
        self.arrived[seq] = time.monotonic()
        self.came.set()


def measure(pair: Pair) -> Iterator[str]:
    """A table of KB of VmRSS and of milliseconds; raises Lost when an event does not come, or comes twice."""
    address, *others = make_mailboxes(pair, _MAILBOXES + 1)
    [worker] = psutil.Process(pair.services[1].pid).children()
    resident, waits = uvloop.run(_observe(pair, worker, address, others))
    yield row("idle streams on one worker", f"{_FEW}", f"{_MANY}", "ratio")
    more = (resident[1] - resident[0]) / (_MANY - _FEW) / 1_000
    yield f"  KB of resident memory for each: {more:.1f}"
    for percent in (50, 99):
        few, many = (percentile(each, percent) for each in waits)
        yield row(f"250 to the event, ms, p{percent}", few, many, many / few)


async def _observe(
    pair: Pair, worker: psutil.Process, address: str, others: Sequence[str]
) -> tuple[list[int], list[list[float]]]:
    """Resident octets and milliseconds, with few streams and with many."""
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
    """How many milliseconds after its 250 a message was there; at once where it was there before."""
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
            raise Lost(f"message {seq} was acknowledged, and its event did not come") from None
    return max(0.0, follower.arrived[seq] - acknowledged) * 1_000
