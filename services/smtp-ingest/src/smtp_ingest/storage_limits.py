"""The limits on stored octets: of all mail together, and of one client in a day. Both are off unless set."""

import asyncio
from contextlib import suppress

import psycopg

from fake_email.errors import DatabaseAway, DatabaseFull
from fake_email.once_a_minute import OnceAMinute
from fake_email.postgres.pool import Database
from fake_email.settings import Settings
from fake_email.storage import mailboxes
from smtp_ingest.client_limits import ClientOctets
from smtp_ingest.session_limits import Limit

_READ_SECONDS = 2.0
# A sum over very many mailboxes takes long; reading it takes at most a twentieth of the time.
_IDLE_SHARE = 20.0
_ANSWER_SECONDS = 20.0


class StorageLimits:
    """Counts stored octets. The sum of all mail is read every few seconds, so other daemons count with a delay."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._max_octets = settings.max_stored_octets
        self._clients = ClientOctets(settings.smtp_max_client_octets_per_day)
        self._read_octets = 0
        self._octets_since = 0
        self._once = OnceAMinute()

    def reached(self, network: int | None, octets: int, now: float) -> Limit | None:
        """The limit that a message of that size would exceed; `network` is None for a client without limits."""
        if self._max_octets is not None:
            stored = self._read_octets + self._octets_since
            if stored + max(octets, 1) > self._max_octets:  # 0 means an unknown size
                return "max_stored_octets"
        if network is not None and not self._clients.has_space(network, octets, now):
            return "smtp_max_client_octets_per_day"
        return None

    def is_to_be_logged(self, limit: Limit, network: int | None, now: float) -> bool:
        """True once a minute for a limit, and for each client that exceeds its own."""
        if limit == "smtp_max_client_octets_per_day" and network is not None:
            return self._clients.is_to_be_logged(network, now)
        return self._once.is_due(now)

    def count(self, network: int | None, octets: int, now: float) -> None:
        """Count the octets of a message before its commit; a negative number when it was not stored."""
        self._octets_since += octets
        if network is not None:
            self._clients.count(network, octets, now)

    async def run(self) -> None:
        """Read the sum of all mail again and again until cancelled; without a limit on it, return at once."""
        if self._max_octets is None:
            return
        loop = asyncio.get_running_loop()
        while True:
            began_at, known = loop.time(), self._octets_since
            with suppress(DatabaseAway, DatabaseFull, psycopg.Error):  # the last sum holds on
                self._read_octets = await self._database.run(
                    mailboxes.sum_stored_octets, answer_seconds=_ANSWER_SECONDS
                )
                self._octets_since -= known
            await asyncio.sleep(max(_READ_SECONDS, _IDLE_SHARE * (loop.time() - began_at)))
