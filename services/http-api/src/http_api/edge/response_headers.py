"""Headers that are added to a response on its way out, and the response to HEAD, which has no content."""

import asyncio
from collections.abc import Awaitable, Callable

from litestar.types import HTTPReceiveMessage, Message, Receive, Send, WebSocketReceiveMessage

from http_api.edge.cors import Headers
from http_api.edge.edge_counts import EdgeCounts
from http_api.edge.rate_limits import WINDOW_SECONDS, Count

_POLICY = b"content-security-policy"
_FRAMES = (b"x-frame-options", b"DENY")
# A response that has one of these keeps its own.
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (_POLICY, b"default-src 'none'; frame-ancestors 'none'"),
    # Web pages of listed origins use CORS, which this leaves alone; no other web page gets mail into its process.
    (b"cross-origin-resource-policy", b"same-origin"),
    _FRAMES,
)
_NO_STORE = (b"cache-control", b"no-store")
_SECURITY_NAMES = frozenset(name for name, _ in _SECURITY)
_WINDOW = b";w=%d" % WINDOW_SECONDS


class AddHeaders:
    """A `send` that counts a response and adds its headers; `settle` turns the status into the count that they show.

    When that count is refused, `refuse` responds instead.
    """

    __slots__ = ("_count", "_edge", "_is_replaced", "_refuse", "_send", "_settle")

    def __init__(
        self,
        edge: EdgeCounts,
        send: Send,
        count: Count,
        settle: Callable[[int], Count] | None = None,
        refuse: Callable[[Count], Awaitable[None]] | None = None,
    ) -> None:
        self._edge = edge
        self._send = send
        self._count = count
        self._settle = settle
        self._refuse = refuse
        self._is_replaced = False

    def __call__(self, message: Message) -> Awaitable[None]:
        if self._is_replaced:
            return _drop()
        if message["type"] == "http.response.start":
            if self._settle:
                self._count = self._settle(message["status"])
                if self._refuse and self._count.is_refused:
                    self._is_replaced = True
                    return self._refuse(self._count)
            self._edge.responses[message["status"] // 100] += 1
            # A stream keeps this object for hours, and with it all that these two refer to.
            self._settle = self._refuse = None
            message["headers"] = self._complete([*message["headers"]])
        return self._send(message)

    def _complete(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        given = {name.lower(): value for name, value in headers}
        if given.keys().isdisjoint(_SECURITY_NAMES):
            headers += _SECURITY
        else:
            own_frames = b"frame-ancestors" in given.get(_POLICY, b"")
            headers += [each for each in _SECURITY if each[0] not in given and not (own_frames and each is _FRAMES)]
        if b"cache-control" not in given:
            headers.append(_NO_STORE)
        if b"allow" in given:
            headers = [(name, _with_head(value) if name.lower() == b"allow" else value) for name, value in headers]
        if given.get(b"content-type", b"").startswith(b"text/event-stream"):
            return headers  # an EventSource shows no headers, and Granian keeps each in memory while the stream lasts
        count = self._count
        number = b"%d" % count.limit.number
        return [
            *headers,
            (b"ratelimit-limit", number),
            (b"ratelimit-remaining", b"%d" % count.remaining),
            (b"ratelimit-reset", b"%d" % count.seconds),
            (b"ratelimit-policy", number + _WINDOW),
        ]


class AddCorsHeaders:
    """A `send` that adds the headers of CORS to a response."""

    __slots__ = ("_headers", "_send")

    def __init__(self, send: Send, headers: Headers) -> None:
        self._send = send
        self._headers = headers

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *self._headers]
        return self._send(message)


class HeadOnly:
    """The `send` and `receive` of a HEAD request: once the head is sent, the client counts as disconnected."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._is_sent = False

    async def send(self, message: Message) -> None:
        if not self._is_sent and message["type"] == "http.response.start":
            self._is_sent = True
            await self._send(message)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await asyncio.sleep(0)  # a response in pieces goes on, and may take many

    async def receive(self) -> HTTPReceiveMessage | WebSocketReceiveMessage:
        return {"type": "http.disconnect"} if self._is_sent else await self._receive()


def _with_head(allowed: bytes) -> bytes:
    """The methods of Allow (RFC 9110 §10.2.1), with HEAD where there is GET."""
    methods = {method.strip() for method in allowed.split(b",")}
    return b", ".join(sorted(methods | {b"HEAD"} if b"GET" in methods else methods))


async def _drop() -> None:
    """Send nothing, in place of a part of a response that was replaced."""
