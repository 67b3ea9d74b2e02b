"""Clients that say an octet now and then, and so never come to an end."""

import asyncio

import msgspec

from faults.smtp_session import Dialogue, connect

_OCTET_SECONDS = 1.0
_AGAIN_SECONDS = 0.5
_DATA = (b"EHLO slow.test\r\n", b"MAIL FROM:<>\r\n", b"RCPT TO:<%b>\r\n", b"DATA\r\n")
_POST = (
    b"POST /api/temporary-address HTTP/1.1\r\nHost: slow.test\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
)


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Of slow clients: the lines it says as everybody does, each at a reply, and what it says slowly then."""

    is_http: bool
    lines: tuple[bytes, ...] = ()
    rest: bytes


KINDS = (
    Kind(is_http=False, rest=b"NOOP " + b"x" * 1_000),
    Kind(is_http=False, rest=b"NOOP\r\n" * 200),
    Kind(is_http=False, lines=_DATA, rest=b"Subject: slow\r\n\r\n" + b"word by word " * 100),
    Kind(is_http=True, rest=b"GET /api/health HTTP/1.1\r\nHost: slow.test\r\nX-Slow: " + b"x" * 1_000),
    Kind(is_http=True, rest=_POST + b'{"username": "' + b"x" * 1_000),
)


async def be_slow(kind: Kind, host: str, port: int, *, source: str, address: str) -> None:
    """One of that kind, until cancelled; when it is cut off it comes again."""
    while True:
        try:
            conversation = await connect(host, port, _open(kind, address), source=source)
        except OSError:
            await asyncio.sleep(_AGAIN_SECONDS)
            continue
        await conversation.is_over.wait()
        for octet in kind.rest:
            if conversation.is_lost:
                break
            conversation.say(bytes((octet,)))
            await asyncio.sleep(_OCTET_SECONDS)
        conversation.close()
        await asyncio.sleep(_AGAIN_SECONDS)


def _open(kind: Kind, address: str) -> Dialogue:
    if not kind.is_http:
        yield ()  # the greeting
    for line in kind.lines:
        yield (line.replace(b"%b", address.encode()),)
