"""From the octets of DATA to what the table keeps."""

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import Executor

import msgspec

from fake_email import parse
from fake_email.storage.store import Delivery, IncomingMessage, Trace

# Up to here parsing takes less time than a thread's start and return.
_INLINE_OCTETS = 32_768
# From here on it may take a tenth of a second, for which what is shorter does not wait.
_LONG_OCTETS = 524_288


class Parsers(msgspec.Struct, frozen=True, kw_only=True):
    """Where content is parsed beside the event loop: what is long has a row of its own."""

    short: Executor
    long: Executor


async def make_incoming(
    parsers: Parsers, *, reverse_path: str, deliveries: Sequence[Delivery], trace: Trace, content: bytes
) -> IncomingMessage:
    """The Arrival of `content`, made by one of `parsers` beside the event loop when it is long."""
    if len(content) <= _INLINE_OCTETS:
        return _make(reverse_path, deliveries, trace, content)
    parser = parsers.long if len(content) > _LONG_OCTETS else parsers.short
    return await asyncio.get_running_loop().run_in_executor(parser, _make, reverse_path, deliveries, trace, content)


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
