"""The shares of the resources that one call holds, until its client has taken the response or has left.

A response is sent in pieces: Granian takes a few of them, and keeps them in memory, before it waits for the client.
"""

import asyncio
from collections.abc import Awaitable, Coroutine

from litestar.types import Message, Receive, Scope, Send

from http_api.live.fair_shares import TURN_SECONDS
from http_api.live.share import Share
from http_api.live.shares import Shares
from http_api.live.until_disconnect import until_disconnect
from http_api.protocol.client_address import Client

STATE_KEY = "call_shares"
PIECE_OCTETS = 16_384
# A body up to this size goes out whole: the kernel's buffer takes most of it.
WHOLE_OCTETS = 65_536


class CallShares:
    """The shares of one call, which `send`s its response."""

    __slots__ = ("_call", "_send", "_shares", "_task", "answer", "client", "receive", "was_revoked")

    def __init__(self, shares: Shares, client: Client, call: Share, receive: Receive, send: Send) -> None:
        self._shares = shares
        self._call = call
        self.receive = receive
        self._send = send
        self.answer: Share | None = None
        self._task = asyncio.current_task()
        self.client = client
        self.was_revoked = False

    async def hold(self, octets: int, *, seconds: float = TURN_SECONDS) -> Share:
        """Take a share of the memory for answers, which the call holds until its end; raises Overloaded.

        While others wait for memory, the call is cancelled if its client takes nothing of the answer.
        """
        if self.answer is None:
            self.answer = self._shares.take_memory_now(self.client, octets) or await self._unless_left(
                self._shares.memory_for(octets).take(self.client, octets, seconds=seconds)
            )
            self.answer.allow_revoking(self._revoke)
        return self.answer

    async def _unless_left(self, taking: Coroutine[None, None, Share]) -> Share:
        """The share; cancels the wait for it and raises ClientDisconnected when the client leaves."""
        # A waiting call, which holds no such share any more, is watched as a whole.
        return await (until_disconnect(self, taking) if self._call.units else taking)

    def release_call(self) -> None:
        """Count no longer as a call in progress: the call waits, and holds a slot for that."""
        self._call.release()

    def release(self) -> None:
        """Release all that the call holds."""
        self._call.release()
        self.release_answer()

    def release_answer(self) -> None:
        """Release the share of `hold`."""
        if self.answer:
            self.answer.release()
            self.answer = None

    def send(self, message: Message) -> Awaitable[None]:
        """Send a part of the response, a large body in pieces."""
        if message["type"] == "http.response.body" and (self.answer or len(message["body"]) > WHOLE_OCTETS):
            return self._send_pieces(message["body"], more_body=message["more_body"])
        return self._send(message)

    async def _send_pieces(self, body: bytes, *, more_body: bool) -> None:
        now = asyncio.get_running_loop().time
        for start in range(0, len(body) or 1, PIECE_OCTETS):
            more = more_body or start + PIECE_OCTETS < len(body)
            if self.answer:
                self.answer.stalled_since = now()
            await self._send(
                {"type": "http.response.body", "body": body[start : start + PIECE_OCTETS], "more_body": more}
            )
            if self.answer:
                self.answer.stalled_since = None

    def _revoke(self) -> None:
        self.was_revoked = True
        if self._task:
            self._task.cancel()


def of(scope: Scope) -> CallShares:
    """The shares of the call with this scope."""
    shares: CallShares = scope["state"][STATE_KEY]
    return shares
