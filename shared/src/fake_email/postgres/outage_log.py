"""What the log is told of a database that is away, has no room, waits for its replica, or is not heard."""

import math
import time
from collections import defaultdict

import structlog

log = structlog.get_logger()

_TELL_AGAIN_SECONDS = 60.0


class OutageLog:
    """An outage is told once, not for everybody who meets it."""

    def __init__(self) -> None:
        self._is_away = False
        self._told_at: defaultdict[str, float] = defaultdict(lambda: -math.inf)

    def away(self, reason: str) -> None:
        """Nobody is answered."""
        if not self._is_away:
            self._is_away = True
            log.warning("database_away", reason=reason)

    def back(self) -> None:
        """Somebody is."""
        if self._is_away:
            self._is_away = False
            log.info("database_back")

    def full(self) -> None:
        """There is no room for what is written."""
        self._tell_once_in_a_while("database_full")

    def replica_away(self) -> None:
        """What is committed waits for a replica that does not come."""
        self._tell_once_in_a_while("replica_away")

    def stalled(self) -> None:
        """A connection carries nothing any more, and the database is there; each of them is told."""
        log.warning("database_connection_stalled")

    def _tell_once_in_a_while(self, event: str) -> None:
        # What is read goes on, so there is no clear end to be told.
        now = time.monotonic()
        if now - self._told_at[event] > _TELL_AGAIN_SECONDS:
            self._told_at[event] = now
            log.error(event)
