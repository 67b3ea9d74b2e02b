"""The shares of a resource that are revoked, while other clients wait, because their own client takes nothing."""

import asyncio
from collections.abc import Callable

from http_api.live.share import Share


class StalledShares:
    """The `revocable` shares; while a client is short of units, one that was stalled for `stall_seconds` is revoked.

    `is_wanted` tells whether any client waits, `is_short` whether one waits that is within its own bound.
    """

    def __init__(self, stall_seconds: float, *, is_wanted: Callable[[], bool], is_short: Callable[[], bool]) -> None:
        self._stall_seconds = stall_seconds
        self._is_wanted = is_wanted
        self._is_short = is_short
        self._again: asyncio.TimerHandle | None = None
        self.revocable: set[Share] = set()

    def revoke(self) -> None:
        """Revoke the shares that were stalled for longest until no client waits for others; look again later."""
        if self._again:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        for share in sorted(self.revocable, key=lambda share: share.stalled_seconds(now), reverse=True):
            if share.stalled_seconds(now) < self._stall_seconds or not self._is_short():
                break
            when_revoked = share.when_revoked
            share.release()
            if when_revoked:
                when_revoked()
        if self.revocable and self._is_wanted():
            self._again = loop.call_later(self._stall_seconds / 4, self._look_again)

    def _look_again(self) -> None:
        self._again = None
        self.revoke()
