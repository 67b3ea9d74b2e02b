"""The deadlines of one session: how long its client may be silent, and how long the session may last."""

import math
import time

from fake_email.settings import Settings
from smtp_ingest.session_limits import Limit


class Deadlines:
    """Begin with the session; `waiting_since` is a time of time.monotonic.

    While they `are_suspended`, no deadline ends the session, since the client waits for the server.
    """

    def __init__(self, settings: Settings) -> None:
        now = time.monotonic()
        self._idle_seconds = settings.smtp_idle_seconds
        self._ends_at = now + settings.smtp_session_seconds
        self.waiting_since = now
        self.are_suspended = False

    def wait(self) -> None:
        """Begin to wait for the client."""
        self.waiting_since = time.monotonic()

    def wait_for_handshake(self) -> None:
        """Begin a TLS handshake, which has its own time-out: until the next `wait`, the client may be silent."""
        self.waiting_since = math.inf

    def seconds_left(self) -> float:
        """The seconds until the first deadline; negative once that deadline has passed."""
        return min(self.waiting_since + self._idle_seconds, self._ends_at) - time.monotonic()

    def passed_limit(self) -> Limit:
        """The limit whose deadline has passed."""
        return "smtp_session_seconds" if self._ends_at <= time.monotonic() else "smtp_idle_seconds"
