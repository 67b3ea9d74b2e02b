"""The memory of a worker whose 500 streams read nothing while mail keeps arriving for them.

due: the size of the events that the streams should have received by then. KB/stream: the memory for each stream.
"""

import asyncio
import itertools
from collections.abc import Iterator, Sequence

import psutil
import uvloop
from support.harness import Pair
from support.smtp_client import SmtpClient

from bench.figures import Lost, make_mailboxes, row
from bench.streams import open_streams

_STREAMS = 500
_MAILBOXES = 50
# For each mailbox: the total is many times the size of all buffers on the way.
_MESSAGES = 40
_TEXT = ("x" * 76 + "\r\n") * 800
_SETTLE_SECONDS = 1.0


def measure(pair: Pair) -> Iterator[str]:
    """A table of MB (VmRSS of the worker), and of KB for each stream; raises Lost when a message is rejected."""
    addresses = make_mailboxes(pair, _MAILBOXES)
    [worker] = psutil.Process(pair.services[1].pid).children()
    idle, half, full = uvloop.run(_observe(pair, worker, addresses))
    sent = _STREAMS * _MESSAGES * len(_TEXT) / 1_000_000
    yield row(f"{_STREAMS} stalled streams", "idle", f"{sent / 2:.0f} MB due", f"{sent:.0f} MB due", "KB/stream")
    yield row(
        "resident memory, MB", *(each / 1_000_000 for each in (idle, half, full)), (full - idle) / _STREAMS / 1_000
    )


async def _observe(pair: Pair, worker: psutil.Process, addresses: Sequence[str]) -> list[int]:
    """The resident octets while the streams are idle, and after each half of the mail."""
    streams = await open_streams(
        pair, itertools.islice(itertools.cycle(addresses), _STREAMS), lambda _address, _seq: None
    )
    for stream in streams:
        stream.pause()
    resident = [await _settled(worker)]
    async with SmtpClient.connect(pair.smtp_port) as client:
        for numbers in (range(_MESSAGES // 2), range(_MESSAGES // 2, _MESSAGES)):
            for number, address in itertools.product(numbers, addresses):
                reply = await client.deliver(f"Subject: {number}\r\n\r\n{_TEXT}".encode(), address)
                if reply.code != 250:
                    raise Lost(str(reply))
            resident.append(await _settled(worker))
    for stream in streams:
        stream.close()
    return resident


async def _settled(worker: psutil.Process) -> int:
    await asyncio.sleep(_SETTLE_SECONDS)
    return int(worker.memory_info().rss)
