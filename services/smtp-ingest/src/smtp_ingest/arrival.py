"""From the octets of DATA to what the table keeps."""

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import Executor

from fake_email import mime
from fake_email.messages import Arrival, Delivery, Trace

# Up to here parsing takes less time than a thread's start and return.
_INLINE_OCTETS = 32_768


async def make_arrival(
    parser: Executor, *, reverse_path: str, deliveries: Sequence[Delivery], trace: Trace, content: bytes
) -> Arrival:
    """The Arrival of `content`, made by `parser` beside the event loop when it is long."""
    if len(content) <= _INLINE_OCTETS:
        return _make(reverse_path, deliveries, trace, content)
    return await asyncio.get_running_loop().run_in_executor(parser, _make, reverse_path, deliveries, trace, content)


def _make(reverse_path: str, deliveries: Sequence[Delivery], trace: Trace, content: bytes) -> Arrival:
    return Arrival(
        reverse_path=reverse_path,
        content=content,
        staged_id=None,
        octets=len(content),
        content_sha256=hashlib.sha256(content).digest(),
        parsed=mime.parse(content),
        deliveries=tuple(deliveries),
        trace=trace,
    )
