"""Open streams, as lean as a reader can be."""

import asyncio
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from urllib.parse import quote

from support.harness import Pair

_AT_ONCE = 20
_EACH_SOURCE = 5_000
_LAST_SECONDS = 120
_EVENT = re.compile(rb"event: message\nid: ([0-9]+)\n")


class Stream(asyncio.Protocol):
    """A reader of a mailbox's stream; `arrived` gets the seq of each event the moment it is whole."""

    def __init__(self, address: str, arrived: Callable[[str, int], None]) -> None:
        self._address = address
        self._arrived = arrived
        self._transport: asyncio.Transport | None = None
        self._octets = b""
        self.is_open = asyncio.Event()

    # TCP's transport is a whole one; that of uvloop does not inherit from asyncio's, so isinstance would not tell.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        target = f"/api/inbox/stream?address={quote(self._address)}"
        transport.write(f"GET {target} HTTP/1.1\r\nHost: bench.test\r\n\r\n".encode())

    def data_received(self, octets: bytes) -> None:
        *whole, self._octets = (self._octets + octets).split(b"\n\n")
        for each in whole:
            if found := _EVENT.search(each):
                self._arrived(self._address, int(found[1]))
            else:
                self.is_open.set()

    def pause(self) -> None:
        """Read nothing any more."""
        if self._transport:
            self._transport.pause_reading()

    def close(self) -> None:
        if self._transport:
            self._transport.close()


async def open_streams(pair: Pair, addresses: Iterable[str], arrived: Callable[[str, int], None]) -> Sequence[Stream]:
    """A stream for each of `addresses`, all of them begun; raises TimeoutError."""
    streams: list[Stream] = []
    async with asyncio.timeout(_LAST_SECONDS):
        remaining = iter(addresses)
        while batch := list(itertools.islice(remaining, _AT_ONCE)):
            # Towards one port there are some 28,000 connections from one address; 127.0.0.0/8 is all ours.
            source = f"127.0.0.{2 + len(streams) // _EACH_SOURCE}"
            streams += await asyncio.gather(*(_open(pair, source, address, arrived) for address in batch))
    return streams


async def _open(pair: Pair, source: str, address: str, arrived: Callable[[str, int], None]) -> Stream:
    _, stream = await asyncio.get_running_loop().create_connection(
        partial(Stream, address, arrived),
        "127.0.0.1",
        int(pair.environ["HTTP_PORT"]),
        local_addr=(source, 0),
    )
    await stream.is_open.wait()
    return stream
