"""The backlog of the database: the purge and the queue of notifications."""

from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import open_database
from fake_email.storage import backlog
from fake_email.storage.backlog import Backlog

EXPIRED = """
    INSERT INTO mailbox (address, expires_at)
    VALUES ('a@mx.test', now() - interval '90 seconds'), ('b@mx.test', now() - interval '5 seconds'),
        ('c@mx.test', 'epoch'), ('d@mx.test', now() + interval '1 hour')
"""


async def test_the_backlog_has_the_age_of_the_oldest_expired_mailbox(database_url: str) -> None:
    async def fetch(connection: Connection) -> tuple[Backlog, Backlog]:
        before = await backlog.fetch(connection)
        async with connection.transaction():
            await connection.execute(EXPIRED)
            return before, await backlog.fetch(connection)

    async with open_database(database_url, connections=1) as database:
        before, after = await database.run(fetch)

    assert before == Backlog()
    assert after == Backlog(purge_lag_seconds=90)
