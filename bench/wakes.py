"""The delay until a waiting call returns a message, compared with an event on a stream, in milliseconds.

250: from smtp-ingest's reply 250. dot: from the final dot of the message. p50/stream: the ratio of a row's p50 from the
final dot to that of the stream.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

import uvloop
from support.harness import Pair
from support.smtp_client import SmtpClient

from bench import calls
from bench.figures import Lost, make_mailboxes, percentile, row
from bench.mail import message
from bench.streams import open_streams

_MESSAGES = 200
_WAITING = {"wait": "/api/inbox/wait?timeout=30", "poll": "/api/inbox/poll?wait=30"}

# Seconds of the monotonic clock, one for each message.
Moments = Mapping[str, Sequence[float]]


def measure(pair: Pair) -> Iterator[str]:
    """A table of milliseconds; from the reply 250 they may be negative, so the ratio is taken from the final dot."""
    moments = uvloop.run(_observe(pair, make_mailboxes(pair, 1)[0]))
    yield row(f"ms to response, {_MESSAGES} messages", "250, p50", "250, p99", "dot, p50", "dot, p99", "p50/stream")
    of_stream = _percentiles(moments, "dot", "stream")[0]
    for name in ("stream", *_WAITING):
        from_dot = _percentiles(moments, "dot", name)
        yield row(name, *_percentiles(moments, "250", name), *from_dot, from_dot[0] / of_stream)


def _percentiles(moments: Moments, begun: str, ended: str) -> list[float]:
    spans = [(end - begin) * 1_000 for begin, end in zip(moments[begun], moments[ended], strict=True)]
    return [percentile(spans, percent) for percent in (50, 99)]


async def _observe(pair: Pair, address: str) -> Moments:
    moments: dict[str, list[float]] = {"dot": [], "250": [], "stream": [], **{name: [] for name in _WAITING}}
    streamed: asyncio.Queue[float] = asyncio.Queue()
    streams = await open_streams(pair, [address], lambda _address, _seq: streamed.put_nowait(time.monotonic()))
    async with SmtpClient.connect(pair.smtp_port) as client, asyncio.timeout(60):
        for seq in range(_MESSAGES):
            waiting = {
                name: asyncio.ensure_future(_call(pair, f"{path}&address={quote(address)}&since={seq}"))
                for name, path in _WAITING.items()
            }
            await client.begin(address)
            moments["dot"].append(time.monotonic())
            await client.send(message(seq) + b".\r\n")
            reply = await client.reply()
            moments["250"].append(time.monotonic())
            if reply.code != 250:
                raise Lost(f"{reply} instead of 250")
            moments["stream"].append(await streamed.get())
            for name, response in waiting.items():
                moments[name].append(await response)
    for stream in streams:
        stream.close()
    return moments


async def _call(pair: Pair, path: str) -> float:
    """The time when the response was complete, on the monotonic clock."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(pair.environ["HTTP_PORT"]))
    await calls.get(reader, writer, path)
    responded_at = time.monotonic()
    writer.close()
    return responded_at
