"""The backlog of the database, read now and then for the metrics."""

import asyncio
from contextlib import suppress

import psycopg

from fake_email.errors import DatabaseAway, DatabaseFull
from fake_email.postgres.pool import Database
from fake_email.storage import backlog
from fake_email.storage.backlog import Backlog

_READ_SECONDS = 10.0


class BacklogWatch:
    """Knows the last backlog that was read."""

    def __init__(self) -> None:
        self.last = Backlog()

    async def run(self, database: Database) -> None:
        """Read until cancelled; while the database is away, the last backlog stays."""
        while True:
            with suppress(DatabaseAway, DatabaseFull, psycopg.Error):
                self.last = await database.run(backlog.fetch)
            await asyncio.sleep(_READ_SECONDS)
