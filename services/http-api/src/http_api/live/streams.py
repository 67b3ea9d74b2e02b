"""The open streams of a worker process, and the comments that keep idle ones open."""

import asyncio
from typing import Protocol

from fake_email.metrics.numbers import Histogram
from fake_email.postgres.pool import Database
from http_api.live.shared_reads import SharedReads
from http_api.live.shares import Shares
from http_api.live.stream_slots import StreamSlots
from http_api.live.waiters import Waiters

# Proxies and browsers close a connection on which nothing is sent.
_COMMENT_SECONDS = 15.0
# One group after another gets its comment: all streams at once would delay a message by as long as that takes.
_GROUPS = 150
# Of the seconds from the statement that stores a message to its event.
DELIVERY_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Commented(Protocol):
    """An open stream."""

    def comment(self) -> None:
        """Send a comment."""


class Streams:
    """The open streams, and what they share."""

    def __init__(
        self,
        database: Database,
        waiters: Waiters,
        stream_slots: StreamSlots,
        shares: Shares,
        tasks: asyncio.TaskGroup,
        *,
        stall_seconds: float,
    ) -> None:
        self.database = database
        self.waiters = waiters
        self.stream_slots = stream_slots
        self.shares = shares
        self.tasks = tasks
        self.shared_reads = SharedReads(database, shares.stream_connections, tasks)
        self.stall_seconds = stall_seconds
        self._groups: list[set[Commented]] = [set() for _ in range(_GROUPS)]
        self._opened = 0
        self.delivery_seconds = Histogram(DELIVERY_BOUNDS)

    def __len__(self) -> int:
        return sum(len(group) for group in self._groups)

    def next_group(self) -> set[Commented]:
        """The group that the next stream to open joins."""
        self._opened += 1
        return self._groups[self._opened % _GROUPS]

    async def keep_open(self) -> None:
        """Send every stream a comment now and then, until cancelled."""
        now = asyncio.get_running_loop().time
        due_at = now()
        while True:
            for group in self._groups:
                due_at = max(due_at + _COMMENT_SECONDS / _GROUPS, now())
                await asyncio.sleep(due_at - now())
                for stream in tuple(group):
                    stream.comment()
