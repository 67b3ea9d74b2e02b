"""The body of one stream's response: octets in pieces, and how long its reader has taken nothing."""

import asyncio

from litestar.types import Send

from http_api.live.call_shares import PIECE_OCTETS
from http_api.live.share import Share

_DISCONNECT_SECONDS = 0.2


class StreamOutput:
    """Sends once `send` is set, until it `is_over`; the `share` of memory learns how long a send has been stalled."""

    __slots__ = ("_sending_since", "_stall_seconds", "is_over", "send", "share")

    def __init__(self, *, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._sending_since: float | None = None
        self.send: Send | None = None
        self.share: Share | None = None
        self.is_over = False

    async def write(self, octets: bytes) -> None:
        """Send the octets, unless the response ends meanwhile."""
        await self._write(octets, is_last=False)

    async def end(self, octets: bytes = b"") -> None:
        """End the response; Granian then reports that the reader has disconnected."""
        self.is_over = True
        await self._write(octets, is_last=True)

    def release_share(self) -> None:
        if self.share:
            self.share.release()
            self.share = None

    @property
    def stalled_seconds(self) -> float:
        """The seconds since a send began that has not returned; 0 when there is none."""
        return 0 if self._sending_since is None else asyncio.get_running_loop().time() - self._sending_since

    @property
    def is_stalled(self) -> bool:
        """True for a reader that takes nothing; the kernel cuts it off later, since buffers fill first."""
        return self.stalled_seconds > self._stall_seconds / 4

    async def _write(self, octets: bytes, *, is_last: bool) -> None:
        if self.send is None:
            return
        for start in range(0, len(octets) or 1, PIECE_OCTETS):
            piece = octets[start : start + PIECE_OCTETS]
            more = not is_last or start + PIECE_OCTETS < len(octets)
            self._set_sending(asyncio.get_running_loop().time())
            try:
                await self.send({"type": "http.response.body", "body": piece, "more_body": more})
            except RuntimeError:
                self.is_over = True  # Granian raises it when the response is over
            if self.is_stalled:
                # The send also ends when the reader was cut off; the stream is closed a moment later.
                await asyncio.sleep(_DISCONNECT_SECONDS)
            if self.is_over and not is_last:
                break
            self._set_sending(None)

    def _set_sending(self, since: float | None) -> None:
        self._sending_since = since
        if self.share:
            self.share.stalled_since = since
