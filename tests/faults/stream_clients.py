"""Cheap clients of streams, some of which stop reading."""

import asyncio
import socket
from urllib.parse import quote

_STALLED_BUFFER_OCTETS = 4_096


class StreamClient(asyncio.Protocol):
    """A client of a stream; one that `is_stalled` reads the head of the response and no more."""

    def __init__(self, request: bytes, *, is_stalled: bool) -> None:
        self._request = request
        self.is_stalled = is_stalled
        self._transport: asyncio.Transport | None = None
        self.is_open = asyncio.Event()
        self.is_disconnected = False
        self.octets = 0

    # A TCP transport can read and write; uvloop's does not inherit from asyncio's, so isinstance cannot check it.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        transport.write(self._request)

    def data_received(self, octets: bytes) -> None:
        self.octets += len(octets)
        self.is_open.set()
        if self.is_stalled and self._transport:
            self._transport.pause_reading()

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_disconnected = True
        self.is_open.set()


async def open_stream(host: str, port: int, address: str, *, client: str, is_stalled: bool) -> StreamClient:
    """Open a stream as a proxy does for its `client`; raises OSError."""
    request = (
        f"GET /api/inbox/stream?address={quote(address)} HTTP/1.1\r\nHost: hostile.test\r\n"
        f"X-Forwarded-For: {client}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    connection = socket.socket()
    connection.setblocking(False)
    if is_stalled:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _STALLED_BUFFER_OCTETS)
    await loop.sock_connect(connection, (host, port))
    _, stream_client = await loop.create_connection(
        lambda: StreamClient(request.encode(), is_stalled=is_stalled), sock=connection
    )
    await stream_client.is_open.wait()
    return stream_client
