"""Open streams, as lean as a reader can be."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from urllib.parse import quote

from harness import Pair

_OPEN = b"retry: 1000\n\n"
_EVENT = re.compile(rb"event: message\nid: ([0-9]+)\n")


class Stream(asyncio.Protocol):
    """A reader of a mailbox's stream; `arrived` gets the seq of each event the moment it is whole."""

    def __init__(self, address: str, arrived: Callable[[str, int], None]) -> None:
        self._address = address
        self._arrived = arrived
        self._transport: asyncio.BaseTransport | None = None
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

    def close(self) -> None:
        if self._transport:
            self._transport.close()


async def open_streams(pair: Pair, addresses: Iterable[str], arrived: Callable[[str, int], None]) -> Sequence[Stream]:
    """A stream for each of `addresses`, all of them begun; raises TimeoutError."""
    loop = asyncio.get_running_loop()
    streams = []
    async with asyncio.timeout(30):
        for address in addresses:
            _, stream = await loop.create_connection(
                partial(Stream, address, arrived), "127.0.0.1", int(pair.environ["HTTP_PORT"])
            )
            await stream.is_open.wait()
            streams.append(stream)
    return streams
