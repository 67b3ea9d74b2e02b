"""Content to IncomingMessage; long content is parsed in a thread beside the event loop, fairly by client."""

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import Executor

import msgspec

from fake_email import client_network, parse
from fake_email.fair_turns import FairTurns
from fake_email.storage.incoming_message import Delivery, IncomingMessage, Trace

# Up to this size, parsing takes less time than handing the content to a thread.
_INLINE_OCTETS = 32_768
# Above this size, parsing may take a tenth of a second; shorter content does not wait for it.
_LONG_OCTETS = 524_288
# Compiling the searches for codes and links takes a tenth of a second. A start does not wait for that; mail that comes
# before these seconds have passed compiles them when they are first used.
PREPARE_SECONDS = 2.0
EXAMPLE = b"""\
Subject: Sign in
Content-Type: text/html

<p>Your code is 482913. Enter it within ten minutes, and do not share it with anyone.</p>
<p>We saw a new device. <a href="https://example.com/verify">It is me</a></p>
"""


class ParserThreads(msgspec.Struct, frozen=True, kw_only=True):
    """The threads that parse content: one for short content, one for long content; each has turns of its own."""

    short: Executor
    long: Executor
    short_turns: FairTurns = msgspec.field(default_factory=FairTurns)
    long_turns: FairTurns = msgspec.field(default_factory=FairTurns)


async def prepare(threads: ParserThreads) -> None:
    """Compile the searches of the parser soon after the start, beside the event loop."""
    await asyncio.sleep(PREPARE_SECONDS)
    await asyncio.get_running_loop().run_in_executor(threads.long, parse.parse, EXAMPLE)


async def make_incoming(
    threads: ParserThreads, *, reverse_path: str, deliveries: Sequence[Delivery], trace: Trace, content: bytes
) -> IncomingMessage:
    """The incoming message with `content`, parsed in one of `threads` unless the content is very short."""
    if len(content) <= _INLINE_OCTETS:
        return _make(reverse_path, deliveries, trace, content)
    is_long = len(content) > _LONG_OCTETS
    thread, turns = (threads.long, threads.long_turns) if is_long else (threads.short, threads.short_turns)
    async with turns.turn(client_network.network_of(trace.client_address)):
        return await asyncio.get_running_loop().run_in_executor(thread, _make, reverse_path, deliveries, trace, content)


def _make(reverse_path: str, deliveries: Sequence[Delivery], trace: Trace, content: bytes) -> IncomingMessage:
    return IncomingMessage(
        reverse_path=reverse_path,
        content=content,
        staged_id=None,
        octets=len(content),
        content_sha256=hashlib.sha256(content).digest(),
        parsed=parse.parse(content),
        deliveries=tuple(deliveries),
        trace=trace,
    )
