"""The log events of a database that is away, is full, waits for its replica, or has lost a connection."""

import time
from collections import defaultdict

import structlog

from fake_email.once_a_minute import OnceAMinute

log = structlog.get_logger()


class OutageLog:
    """Logs each outage once, however many callers it affects."""

    def __init__(self) -> None:
        self.is_away = False
        self._repeated: defaultdict[str, OnceAMinute] = defaultdict(OnceAMinute)

    def away(self, reason: str) -> None:
        """The database answers no caller."""
        if not self.is_away:
            self.is_away = True
            log.warning("database_away", reason=reason)

    def back(self) -> None:
        """The database answered a caller."""
        if self.is_away:
            self.is_away = False
            log.info("database_back")

    def full(self) -> None:
        """The database has no disk space for a write."""
        self._log_once_a_minute("database_full")

    def replica_away(self) -> None:
        """Commits wait for a replica that does not answer."""
        self._log_once_a_minute("replica_away")

    def stalled(self) -> None:
        """The network has swallowed the traffic of one connection; each such connection is logged."""
        log.warning("database_connection_stalled")

    def _log_once_a_minute(self, event: str) -> None:
        # Reads still work, so there is no clear moment at which to log the end.
        if self._repeated[event].is_due(time.monotonic()):
            log.error(event)
