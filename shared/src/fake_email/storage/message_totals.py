"""The messages ever stored, and where they went: counted by each mailbox, and added up when somebody asks."""

import datetime

import msgspec
from psycopg.rows import class_row

from fake_email.postgres.connection import Connection

# One statement, so that all numbers are of one snapshot. `last_seq` is the number of messages stored in a mailbox,
# `message_count` the number of those that were neither deleted nor dropped; the rows of the mailboxes that have not
# expired are counted, and everything else is a sum. The purge deletes rows of expired mailboxes only.
_FETCH = """
    SELECT counted_since, now() AS counted_at, kept.stored + past.expired + past.deleted + past.dropped AS stored,
        there, kept.expired + past.expired AS expired, kept.deleted + past.deleted AS deleted,
        kept.dropped + past.dropped AS dropped
    FROM past_message_count AS past, (
        SELECT coalesce(sum(last_seq), 0)::bigint AS stored,
            coalesce(sum(message_count) FILTER (WHERE expires_at <= now()), 0)::bigint AS expired,
            coalesce(sum(last_seq - message_count - dropped), 0)::bigint AS deleted,
            coalesce(sum(dropped), 0)::bigint AS dropped
        FROM mailbox
    ) AS kept, (
        SELECT count(*) AS there
        FROM message
        JOIN mailbox ON mailbox.id = message.mailbox_id
        WHERE mailbox.expires_at > now()
    ) AS present
"""


class MessageTotals(msgspec.Struct, frozen=True, kw_only=True):
    """The messages stored since `counted_since`, also in the mailboxes that were there then.

    `stored` is the sum of the other numbers: `there` can be read, `expired` were in a mailbox that has expired or was
    deleted, `deleted` by a reader or the operator, `dropped` to make space for newer ones.
    """

    counted_since: datetime.datetime
    counted_at: datetime.datetime
    stored: int
    there: int
    expired: int
    deleted: int
    dropped: int

    @property
    def missing(self) -> int:
        """The messages that are gone and that nothing has removed: 0, unless there is a fault."""
        return self.stored - self.there - self.expired - self.deleted - self.dropped


async def fetch(connection: Connection) -> MessageTotals:
    """The numbers of this moment; it takes time in proportion to the messages that are there."""
    async with connection.cursor(row_factory=class_row(MessageTotals)) as cursor:
        await cursor.execute(_FETCH)
        [totals] = await cursor.fetchall()
        return totals
