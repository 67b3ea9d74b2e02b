"""Which connections become sessions: those within the limits on sessions, in all and for one client."""

from fake_email.settings import Settings
from smtp_ingest.client_limits import ClientLimits
from smtp_ingest.live_sessions import Drainable, LiveSessions
from smtp_ingest.session_limits import Limit


class Admission:
    """Adds connections to the live sessions, and removes them."""

    def __init__(self, settings: Settings, sessions: LiveSessions) -> None:
        self._max_sessions = settings.smtp_max_sessions
        self._clients = ClientLimits(settings)
        self._sessions = sessions
        # The key of the client that each session counts for, unless no limit of its own holds for the client.
        self._counted: dict[Drainable, int] = {}

    def admit(self, session: Drainable, own_address: str | None, now: float) -> Limit | None:
        """Add `session`, or return the limit that is in the way.

        `own_address` is the address of this host that the client connected to: this host itself connects from it.
        """
        client = self._clients.key(session.peer) if own_address and own_address != session.peer else None
        if client is not None and (limit := self._clients.admit(client, now)):
            return limit
        if len(self._sessions) >= self._max_sessions and not self._sessions.make_room(session.peer):
            if client is not None:
                self._clients.leave(client)
            return "smtp_max_sessions"
        if client is not None:
            self._counted[session] = client
        self._sessions.add(session)
        return None

    def leave(self, session: Drainable) -> None:
        """Remove a session that was admitted."""
        self._sessions.remove(session)
        client = self._counted.pop(session, None)
        if client is not None:
            self._clients.leave(client)
