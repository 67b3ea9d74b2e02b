"""Readers of streams as cheap as they can be, some of whom read nothing."""

import asyncio
import socket
from urllib.parse import quote

_DEAF_BUFFER_OCTETS = 4_096


class Listener(asyncio.Protocol):
    """A reader of a stream; one that `is_deaf` reads the head of the answer and no more."""

    def __init__(self, request: bytes, *, is_deaf: bool) -> None:
        self._request = request
        self.is_deaf = is_deaf
        self._transport: asyncio.Transport | None = None
        self.is_open = asyncio.Event()
        self.is_cut = False
        self.octets = 0

    # TCP's transport is a whole one; that of uvloop does not inherit from asyncio's, so isinstance would not tell.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        transport.write(self._request)

    def data_received(self, octets: bytes) -> None:
        self.octets += len(octets)
        self.is_open.set()
        if self.is_deaf and self._transport:
            self._transport.pause_reading()

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_cut = True
        self.is_open.set()


async def listen(host: str, port: int, address: str, *, client: str, is_deaf: bool) -> Listener:
    """A stream that is open, as a proxy asks for it for its `client`; raises OSError."""
    request = (
        f"GET /api/inbox/stream?address={quote(address)} HTTP/1.1\r\nHost: neighbour.test\r\n"
        f"X-Forwarded-For: {client}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    connection = socket.socket()
    connection.setblocking(False)
    if is_deaf:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _DEAF_BUFFER_OCTETS)
    await loop.sock_connect(connection, (host, port))
    _, listener = await loop.create_connection(lambda: Listener(request.encode(), is_deaf=is_deaf), sock=connection)
    await listener.is_open.wait()
    return listener
