"""The live sessions of the daemon: which connections are admitted, and how sessions end when the daemon stops.

Python 3.11's Server.wait_closed returns at once and abort_clients is new in 3.13, so the daemon keeps its own set.
"""

import asyncio
from collections import Counter
from typing import Protocol

import msgspec

from fake_email import client_network
from fake_email.settings import Settings
from smtp_ingest.client_limits import ClientLimits
from smtp_ingest.deadlines import Deadlines
from smtp_ingest.session_limits import Limit


class LiveSession(Protocol):
    """A session as far as LiveSessions ends it."""

    peer: str
    deadlines: Deadlines

    @property
    def is_idle(self) -> bool:
        """True when the session could end now without losing anything."""

    def end_for_new_client(self) -> None:
        """End now, so that another client gets the slot."""

    def drain(self) -> None:
        """End now when idle, else after the transaction in flight."""

    def abort(self) -> None:
        """End now."""


class _Client(msgspec.Struct, frozen=True):
    """The client of a session: its network, and the network that its limits count; None when it has no limits."""

    network: int | None
    limited_network: int | None


class LiveSessions:
    """Admits sessions within the limits, in all and for one client, and drains them."""

    def __init__(self, settings: Settings) -> None:
        self._max_sessions = settings.smtp_max_sessions
        self._clients = ClientLimits(settings)
        self._live: dict[LiveSession, _Client] = {}
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self.is_draining = False

    def __len__(self) -> int:
        return len(self._live)

    def admit(self, session: LiveSession, own_address: str | None, now: float) -> Limit | None:
        """Add `session`, or return the limit that it would exceed.

        `own_address` is the address of this host that the client connected to: a client on this host connects from the
        same address, and has no limit of its own.
        """
        limited = self._clients.network(session.peer) if own_address and own_address != session.peer else None
        client = _Client(client_network.network_of(session.peer), limited)
        if limited is not None and (limit := self._clients.admit(limited, now)):
            return limit
        if len(self._live) >= self._max_sessions and not self._end_idle_session_for(client.network):
            if limited is not None:
                self._clients.release(limited)
            return "smtp_max_sessions"
        self._live[session] = client
        self._is_empty.clear()
        return None

    def limited_network(self, session: LiveSession) -> int | None:
        """The network that limits count a session for; None when they do not apply to it, or when it has ended."""
        client = self._live.get(session)
        return None if client is None else client.limited_network

    def remove(self, session: LiveSession) -> None:
        """Remove a session that was admitted."""
        client = self._live.pop(session)
        if client.limited_network is not None:
            self._clients.release(client.limited_network)
        if not self._live:
            self._is_empty.set()

    def _end_idle_session_for(self, network: int | None) -> bool:
        """End the longest idle session of a client with several, when the client of `network` has none.

        False when no session is ended.
        """
        sessions = Counter(client.network for client in self._live.values())
        idle = [each for each, client in self._live.items() if each.is_idle and sessions[client.network] > 1]
        if sessions[network] or not idle:
            return False
        min(idle, key=lambda session: session.deadlines.waiting_since).end_for_new_client()
        return True

    async def drain(self, seconds: float) -> None:
        """End idle sessions, let transactions in flight finish, and abort the remaining sessions after `seconds`."""
        self.is_draining = True
        for session in list(self._live):
            session.drain()
        try:
            async with asyncio.timeout(seconds):
                await self._is_empty.wait()
        except TimeoutError:
            for session in list(self._live):
                session.abort()
