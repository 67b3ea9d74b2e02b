"""The deadline for the body of a request: a client that never sends it holds a call open no longer."""

import asyncio

from litestar.types import HTTPReceiveMessage, Receive, WebSocketReceiveMessage

from http_api.protocol.errors import BodyTooSlow

# As long as Granian waits for a header.
BODY_SECONDS = 10.0


class BodyDeadline:
    """A `receive` that raises BodyTooSlow when the whole body does not arrive in time."""

    __slots__ = ("_deadline", "_is_whole", "_receive")

    def __init__(self, receive: Receive, *, seconds: float = BODY_SECONDS) -> None:
        self._receive = receive
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._is_whole = False

    async def __call__(self) -> HTTPReceiveMessage | WebSocketReceiveMessage:
        if self._is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow from None
        self._is_whole = message["type"] != "http.request" or not message.get("more_body")
        return message
