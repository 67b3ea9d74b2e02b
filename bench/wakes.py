"""How soon a held call has its message, beside a stream: from the 250, and from the final dot, to the answer."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

import uvloop
from support.harness import Pair, SmtpClient

from bench import calls
from bench.figures import Lost, make_mailboxes, percentile, row
from bench.mail import message
from bench.streams import open_streams

_MESSAGES = 200
_HELD = {"wait": "/api/inbox/wait?timeout=30", "poll": "/api/inbox/poll?wait=30"}

# Seconds of the monotonic clock, one for each message.
Moments = Mapping[str, Sequence[float]]


def measure(pair: Pair) -> Iterator[str]:
    """A table of milliseconds; from the 250 they may be below 0, so the ratio is that from the final dot."""
    moments = uvloop.run(_observe(pair, make_mailboxes(pair, 1)[0]))
    yield row(f"ms to the answer, {_MESSAGES} messages", "250, p50", "250, p99", "dot, p50", "dot, p99", "p50/stream")
    of_stream = _percentiles(moments, "dot", "stream")[0]
    for name in ("stream", *_HELD):
        from_dot = _percentiles(moments, "dot", name)
        yield row(name, *_percentiles(moments, "250", name), *from_dot, from_dot[0] / of_stream)


def _percentiles(moments: Moments, begun: str, ended: str) -> list[float]:
    spans = [(end - begin) * 1_000 for begin, end in zip(moments[begun], moments[ended], strict=True)]
    return [percentile(spans, percent) for percent in (50, 99)]


async def _observe(pair: Pair, address: str) -> Moments:
    moments: dict[str, list[float]] = {"dot": [], "250": [], "stream": [], **{name: [] for name in _HELD}}
    streamed: asyncio.Queue[float] = asyncio.Queue()
    streams = await open_streams(pair, [address], lambda _address, _seq: streamed.put_nowait(time.monotonic()))
    async with SmtpClient.connect(pair.smtp_port) as client, asyncio.timeout(60):
        for seq in range(_MESSAGES):
            held = {
                name: asyncio.ensure_future(_hold(pair, f"{path}&address={quote(address)}&since={seq}"))
                for name, path in _HELD.items()
            }
            await client.begin(address)
            moments["dot"].append(time.monotonic())
            await client.send(message(seq) + b".\r\n")
            reply = await client.reply()
            moments["250"].append(time.monotonic())
            if reply.code != 250:
                raise Lost(f"{reply} where a 250 should be")
            moments["stream"].append(await streamed.get())
            for name, answered_at in held.items():
                moments[name].append(await answered_at)
    for stream in streams:
        stream.close()
    return moments


async def _hold(pair: Pair, path: str) -> float:
    """When the answer was there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(pair.environ["HTTP_PORT"]))
    await calls.answer(reader, writer, path)
    answered_at = time.monotonic()
    writer.close()
    return answered_at
