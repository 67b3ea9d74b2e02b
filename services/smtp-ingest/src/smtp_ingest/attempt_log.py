"""Attempts that were not stored, on their way into the timelines of their mailboxes, beside the commits of mail."""

import asyncio
import time
from collections import Counter, deque
from contextlib import suppress
from functools import partial
from itertools import islice

import msgspec
import psycopg
import structlog

from fake_email import client_network
from fake_email.errors import DatabaseAway, DatabaseFull
from fake_email.once_a_minute import OnceAMinute
from fake_email.postgres.pool import Database
from fake_email.storage import attempts
from fake_email.storage.attempts import Attempt

MAX_WAITING = 2_000
# Of one client, so that no client drops the attempts of others.
MAX_CLIENT_WAITING = 200
_BATCH_ATTEMPTS = 200
# Attempts that end together are written together, and appear in their mailboxes a moment later.
_GATHER_SECONDS = 0.1
_RETRY_SECONDS = 1.0
_LAST_SECONDS = 2.0

log = structlog.get_logger()


class _Waiting(msgspec.Struct, frozen=True):
    attempt: Attempt
    network: int | None
    at: float


class AttemptLog:
    """Writes attempts in batches of its own, which delay no reply; those past its bounds are counted in `dropped`."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._by_network: Counter[int | None] = Counter()
        self._is_filled, self._is_empty = asyncio.Event(), asyncio.Event()
        self._is_empty.set()
        self._dropped = 0
        self.dropped = 0
        self._once = OnceAMinute()
        self._key = b""

    @property
    def waiting(self) -> int:
        """The number of attempts that wait to be written."""
        return len(self._waiting)

    def add(self, attempt: Attempt) -> None:
        """Write the attempt, which has just ended, soon."""
        network = client_network.network_of(attempt.client_address)
        if len(self._waiting) >= MAX_WAITING or self._by_network[network] >= MAX_CLIENT_WAITING:
            self._drop()
            return
        self._by_network[network] += 1
        self._waiting.append(_Waiting(attempt, network, time.monotonic()))
        self._is_filled.set()
        self._is_empty.clear()

    async def run(self, database: Database) -> None:
        """Write until cancelled; while the database is away, attempts wait."""
        while True:
            await self._is_filled.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            while self._waiting:
                if not await self._write_batch(database):
                    await asyncio.sleep(_RETRY_SECONDS)
            self._is_filled.clear()
            self._is_empty.set()

    async def written(self) -> None:
        """Return when nothing waits any more, or after a moment: the daemon stops."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await self._is_empty.wait()

    async def _write_batch(self, database: Database) -> bool:
        """Write the oldest attempts; False when the database has no answer at the moment."""
        batch = [*islice(self._waiting, _BATCH_ATTEMPTS)]
        try:
            if not self._key:
                self._key = await database.run(attempts.fetch_key)
            now = time.monotonic()
            ages = [now - each.at for each in batch]
            store = partial(attempts.store, attempts=[each.attempt for each in batch], ages=ages, key=self._key)
            await database.write(store)
        except (DatabaseAway, DatabaseFull):
            return False
        except psycopg.Error as error:
            log.warning("attempts_not_stored", attempts=len(batch), error=type(error).__name__)
        for each in batch:
            self._waiting.popleft()
            self._by_network[each.network] -= 1
            if not self._by_network[each.network]:
                del self._by_network[each.network]
        return True

    def _drop(self) -> None:
        self.dropped += 1
        self._dropped += 1
        if self._once.is_due(time.monotonic()):
            log.warning("attempts_dropped", attempts=self._dropped)
            self._dropped = 0
