"""The backlog of Postgres: mailboxes to purge, and notifications that a listener has not read."""

import msgspec
from psycopg.rows import class_row

from fake_email.postgres.connection import Connection

# The index of the ends of mailboxes answers this without a read of the table.
_FETCH = """
    SELECT pg_notification_queue_usage()::float8 AS notify_queue,
        coalesce(extract(epoch FROM now() - min(expires_at)), 0)::float8 AS purge_lag_seconds
    FROM mailbox
    WHERE expires_at <= now() AND expires_at > 'epoch'
"""


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """The share of the queue of notifications that is full, 0 to 1; the age of the oldest expired mailbox."""

    notify_queue: float = 0.0
    purge_lag_seconds: float = 0.0


async def fetch(connection: Connection) -> Backlog:
    """The backlog now, without the mailboxes that the purge has begun to delete: it has set their end to 1970."""
    async with connection.cursor(row_factory=class_row(Backlog)) as rows:
        await rows.execute(_FETCH)
        [backlog] = await rows.fetchall()
        return backlog
