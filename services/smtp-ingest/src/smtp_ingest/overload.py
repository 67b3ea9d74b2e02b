"""Overload: the daemon defers mail at MAIL, before the client sends content that could not be stored."""

import asyncio
from typing import Literal

from smtp_ingest.group_commit import GroupCommit
from smtp_ingest.memory_budget import MemoryBudget

Reason = Literal["loop_lags", "database_slow", "queue_full", "no_room"]

_TICK_SECONDS = 0.25
# On a busy host the event loop is late by tenths of a second; a loop this late serves no client in time.
_LAG_SECONDS = 2.0
# A commit takes milliseconds; behind a commit that takes this long, further messages would only pile up.
_SLOW_SECONDS = 3.0


class Overload:
    """Watches the event loop, the commits and the memory; RCPT notices a database that is away."""

    def __init__(self, group_commit: GroupCommit, memory: MemoryBudget) -> None:
        self._group_commit = group_commit
        self._memory = memory
        self.lag_seconds = 0.0

    def reason_to_defer(self, octets: int) -> Reason | None:
        """The reason why a message of that size could not be stored now."""
        if self.lag_seconds > _LAG_SECONDS:
            return "loop_lags"
        if self._group_commit.busy_seconds(octets) > _SLOW_SECONDS:
            return "database_slow"
        if self._group_commit.is_full(octets):
            return "queue_full"
        return None if self._memory.has(octets) else "no_room"

    async def run(self) -> None:
        """Measure how late the event loop is, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_at = loop.time() + _TICK_SECONDS
            await asyncio.sleep(_TICK_SECONDS)
            self.lag_seconds = loop.time() - due_at
