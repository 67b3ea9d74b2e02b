"""The live sessions of the daemon, and how they end when it stops.

Python 3.11's Server.wait_closed returns at once and abort_clients is new in 3.13, so the daemon counts for itself.
"""

import asyncio
from collections import Counter
from typing import Protocol

from smtp_ingest.deadlines import Deadlines


class Drainable(Protocol):
    """A session that can be asked to end, and made to."""

    peer: str
    deadlines: Deadlines

    @property
    def is_idle(self) -> bool:
        """Whether it could end now and nothing would be lost."""

    def give_way(self) -> None:
        """End for the sake of another client."""

    def drain(self) -> None:
        """End now when idle, else after the transaction in flight."""

    def abort(self) -> None:
        """End now."""


class LiveSessions:
    """The set of live sessions."""

    def __init__(self) -> None:
        self._live: set[Drainable] = set()
        self._none_left = asyncio.Event()
        self._none_left.set()
        self.draining = False

    def __len__(self) -> int:
        return len(self._live)

    def add(self, session: Drainable) -> None:
        self._live.add(session)
        self._none_left.clear()

    def remove(self, session: Drainable) -> None:
        self._live.discard(session)
        if not self._live:
            self._none_left.set()

    def make_room(self, peer: str) -> bool:
        """Whether a client that has no session got the place of one that has several and leaves one idle."""
        clients = Counter(session.peer for session in self._live)
        idle = [session for session in self._live if session.is_idle and clients[session.peer] > 1]
        if clients[peer] or not idle:
            return False
        min(idle, key=lambda session: session.deadlines.waiting_since).give_way()
        return True

    async def drain(self, seconds: float) -> None:
        """Let transactions in flight finish, end the idle, and after `seconds` cut what is left."""
        self.draining = True
        for session in list(self._live):
            session.drain()
        try:
            async with asyncio.timeout(seconds):
                await self._none_left.wait()
        except TimeoutError:
            for session in list(self._live):
                session.abort()
