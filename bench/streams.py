"""Open event streams with readers that use as little CPU time as possible."""

import asyncio
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from urllib.parse import quote

from support.harness import Pair

_AT_ONCE = 20
_PER_SOURCE_ADDRESS = 5_000
_LAST_SECONDS = 120
_EVENT = re.compile(rb'event: message\nid: [^\n]+\ndata: [^\n]*?"seq":([0-9]+)')


class Stream(asyncio.Protocol):
    """A reader of the stream with this query; it calls `arrived` with the seq of each event that is complete."""

    def __init__(self, query: str, arrived: Callable[[int], None]) -> None:
        self._query = query
        self._arrived = arrived
        self._transport: asyncio.Transport | None = None
        self._octets = b""
        self.is_open = asyncio.Event()

    # A TCP transport is always a Transport; uvloop's does not inherit from asyncio's, so isinstance cannot narrow it.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        target = f"/api/inbox/stream?{self._query}"
        transport.write(f"GET {target} HTTP/1.1\r\nHost: bench.test\r\n\r\n".encode())

    def data_received(self, octets: bytes) -> None:
        *complete, self._octets = (self._octets + octets).split(b"\n\n")
        for each in complete:
            if event := _EVENT.search(each):
                self._arrived(int(event[1]))
            else:
                self.is_open.set()

    def pause(self) -> None:
        """Stop reading."""
        if self._transport:
            self._transport.pause_reading()

    def close(self) -> None:
        if self._transport:
            self._transport.close()


async def open_streams(pair: Pair, addresses: Iterable[str], arrived: Callable[[str, int], None]) -> Sequence[Stream]:
    """Open a stream for each of `addresses`, and return when all have begun; raises TimeoutError."""
    return await open_queries(pair, ((f"address={quote(each)}", partial(arrived, each)) for each in addresses))


async def open_queries(pair: Pair, queries: Iterable[tuple[str, Callable[[int], None]]]) -> Sequence[Stream]:
    """Open a stream for each query, with what it calls for each event; returns when all have begun."""
    streams: list[Stream] = []
    async with asyncio.timeout(_LAST_SECONDS):
        remaining = iter(queries)
        while batch := list(itertools.islice(remaining, _AT_ONCE)):
            # One source address has about 28,000 ephemeral ports, so the streams use several from 127.0.0.0/8.
            source = f"127.0.0.{2 + len(streams) // _PER_SOURCE_ADDRESS}"
            streams += await asyncio.gather(*(_open(pair, source, query, arrived) for query, arrived in batch))
    return streams


async def _open(pair: Pair, source: str, query: str, arrived: Callable[[int], None]) -> Stream:
    _, stream = await asyncio.get_running_loop().create_connection(
        partial(Stream, query, arrived),
        "127.0.0.1",
        int(pair.environ["HTTP_PORT"]),
        local_addr=(source, 0),
    )
    await stream.is_open.wait()
    return stream
