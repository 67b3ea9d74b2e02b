"""Whether the daemon can take more mail, so that it says no before the mail is sent rather than after."""

import asyncio
from typing import Literal

from smtp_ingest.group_commit import GroupCommit
from smtp_ingest.memory_budget import MemoryBudget

Reason = Literal["loop_lags", "database_slow", "queue_full", "no_room"]

_TICK_SECONDS = 0.25
# A loop this late answers nobody in time; on a busy host it is late by tenths of it.
_LAG_SECONDS = 2.0
# A commit takes milliseconds; behind one that takes this long the next ones would only pile up.
_SLOW_SECONDS = 3.0


class Overload:
    """Watches the event loop and what waits for the database; one that is away is noticed at RCPT."""

    def __init__(self, committer: GroupCommit, room: MemoryBudget) -> None:
        self._committer = committer
        self._room = room
        self._lag_seconds = 0.0

    def refuse(self, octets: int) -> Reason | None:
        """Why a message of that size could not be taken now."""
        if self._lag_seconds > _LAG_SECONDS:
            return "loop_lags"
        if self._committer.busy_seconds(octets) > _SLOW_SECONDS:
            return "database_slow"
        if self._committer.is_full(octets):
            return "queue_full"
        return None if self._room.has(octets) else "no_room"

    async def run(self) -> None:
        """Until cancelled, measure how late the loop is."""
        loop = asyncio.get_running_loop()
        while True:
            due_at = loop.time() + _TICK_SECONDS
            await asyncio.sleep(_TICK_SECONDS)
            self._lag_seconds = loop.time() - due_at
