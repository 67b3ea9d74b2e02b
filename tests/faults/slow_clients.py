"""Slow clients: they send one octet a second, and so hold a connection for long."""

import asyncio

import msgspec

from faults.smtp_session import Dialogue, connect

_OCTET_SECONDS = 1.0
_RECONNECT_SECONDS = 0.5
_DATA = (b"EHLO slow.test\r\n", b"MAIL FROM:<>\r\n", b"RCPT TO:<%b>\r\n", b"DATA\r\n")
_POST = (
    b"POST /api/temporary-address HTTP/1.1\r\nHost: slow.test\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
)


class SlowClient(msgspec.Struct, frozen=True, kw_only=True):
    """A slow client: it sends the lines at ordinary speed, each after a reply, and then `slow_octets` slowly."""

    is_http: bool
    lines: tuple[bytes, ...] = ()
    slow_octets: bytes


SLOW_CLIENTS = (
    SlowClient(is_http=False, slow_octets=b"NOOP " + b"x" * 1_000),
    SlowClient(is_http=False, slow_octets=b"NOOP\r\n" * 200),
    SlowClient(is_http=False, lines=_DATA, slow_octets=b"Subject: slow\r\n\r\n" + b"word by word " * 100),
    SlowClient(is_http=True, slow_octets=b"GET /api/health HTTP/1.1\r\nHost: slow.test\r\nX-Slow: " + b"x" * 1_000),
    SlowClient(is_http=True, slow_octets=_POST + b'{"username": "' + b"x" * 1_000),
)


async def run_slow_client(client: SlowClient, host: str, port: int, *, local_address: str, address: str) -> None:
    """Run the client until the task is cancelled; it reconnects when it is disconnected."""
    while True:
        try:
            session = await connect(host, port, _dialogue(client, address), local_address=local_address)
        except OSError:
            await asyncio.sleep(_RECONNECT_SECONDS)
            continue
        await session.is_over.wait()
        for octet in client.slow_octets:
            if session.is_disconnected:
                break
            session.send(bytes((octet,)))
            await asyncio.sleep(_OCTET_SECONDS)
        session.close()
        await asyncio.sleep(_RECONNECT_SECONDS)


def _dialogue(client: SlowClient, address: str) -> Dialogue:
    if not client.is_http:
        yield ()  # the greeting
    for line in client.lines:
        yield (line.replace(b"%b", address.encode()),)
