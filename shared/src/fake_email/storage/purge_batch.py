"""One batch of the purge: the statements that delete what has expired, in one transaction."""

import msgspec
from psycopg.rows import class_row, scalar_row

from fake_email.postgres.connection import Connection
from fake_email.postgres.notifications import IDS_PER_PAYLOAD, Gone
from fake_email.storage import attempts, staging

BATCH_MAILBOXES = IDS_PER_PAYLOAD  # which one payload holds
BATCH_MESSAGES = 500
BATCH_OCTETS = 8 * 1_048_576
BATCH_TOMBSTONES = 1_000
BATCH_TICKETS = 1_000
BATCH_EARLY_ATTEMPTS = 1_000
_FULL_DISK_MESSAGES = 20  # each may be as large as the largest message
_ADVISORY_LOCK = 0x70757267  # "purg"

_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%(key)s)"

# LATERAL and an array of ids make Postgres use an index for both, whatever row counts its planner expects.
_DELETE_MESSAGES = """
    WITH expired AS (
        SELECT id
        FROM mailbox
        WHERE expires_at <= now()
        ORDER BY expires_at
        LIMIT %(mailboxes)s
        FOR UPDATE SKIP LOCKED
    ), candidate AS (
        SELECT message.id, sum(message.octets) OVER (ROWS UNBOUNDED PRECEDING) - message.octets AS octets_before
        FROM expired
        CROSS JOIN LATERAL (
            SELECT id, octet_length(content) AS octets
            FROM message
            WHERE mailbox_id = expired.id
            ORDER BY seq
            LIMIT %(messages)s
        ) AS message
        LIMIT %(messages)s
    ), deleted AS (
        DELETE FROM message
        WHERE id = ANY(ARRAY(SELECT id FROM candidate WHERE octets_before < %(octets)s))
        RETURNING mailbox_id, octet_length(content) AS octets
    )
    SELECT ARRAY(SELECT id FROM expired) AS expired_ids, ARRAY(SELECT DISTINCT mailbox_id FROM deleted) AS shrunk_ids,
        count(*) AS messages, coalesce(sum(octets), 0)::bigint AS octets
    FROM deleted
"""

# A statement of its own: in the snapshot of _DELETE_MESSAGES the messages that it deletes still exist. `marked` are the
# mailboxes that have further messages: a transaction that began before the expiry and waits for such a row must not
# extend it. An address may have a tombstone already, since the release before gave addresses out again.
_DELETE_MAILBOXES = """
    WITH gone AS (
        DELETE FROM mailbox
        WHERE id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM message WHERE message.mailbox_id = mailbox.id)
        RETURNING id, address
    ), marked AS (
        UPDATE mailbox
        SET expires_at = 'epoch'
        WHERE id = ANY(%(shrunk_ids)s) AND EXISTS (SELECT FROM message WHERE message.mailbox_id = mailbox.id)
    ), tombstoned AS (
        INSERT INTO tombstone (address_sha256)
        SELECT sha256(convert_to(address, 'UTF8'))
        FROM gone
        ON CONFLICT ON CONSTRAINT tombstone_pkey DO UPDATE SET ended_at = excluded.ended_at
    ), notified AS (
        SELECT pg_notify(%(channel)s, string_agg(id::text, ' '))
        FROM gone
        HAVING count(*) > 0
    )
    SELECT count(*)
    FROM gone
    WHERE (SELECT count(*) FROM notified) >= 0 -- always true; Postgres skips a CTE that nothing reads
"""

# This statement neither marks nor locks the mailboxes. A minute after the expiry, no transaction that began before it
# is running and could extend the mailbox.
_DELETE_MESSAGES_ONLY = """
    DELETE FROM message
    WHERE id = ANY(ARRAY(
        SELECT message.id
        FROM mailbox
        CROSS JOIN LATERAL (
            SELECT id
            FROM message
            WHERE mailbox_id = mailbox.id
            ORDER BY seq
            LIMIT %(messages)s
        ) AS message
        WHERE expires_at <= now() - interval '1 minute'
        ORDER BY expires_at
        LIMIT %(messages)s
    ))
    RETURNING octet_length(content)
"""

_DELETE_TOMBSTONES = """
    DELETE FROM tombstone
    WHERE address_sha256 = ANY(ARRAY(
        SELECT address_sha256
        FROM tombstone
        WHERE ended_at < now() - interval '90 days'
        ORDER BY ended_at
        LIMIT %(tombstones)s
    ))
"""

_DELETE_TICKETS = """
    DELETE FROM ticket
    WHERE ticket_sha256 = ANY(ARRAY(
        SELECT ticket_sha256
        FROM ticket
        WHERE expires_at <= now()
        ORDER BY expires_at
        LIMIT %(tickets)s
    ))
"""


class _DeletedMessages(msgspec.Struct, frozen=True, kw_only=True):
    """The expired mailboxes of a batch, those of them whose messages were deleted, and how much was deleted."""

    expired_ids: list[int]
    shrunk_ids: list[int]
    messages: int
    octets: int


class Purged(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of deleted rows; `octets` are those of the messages, `staged` contents of messages never stored."""

    mailboxes: int = 0
    messages: int = 0
    octets: int = 0
    staged: int = 0
    tombstones: int = 0
    tickets: int = 0
    early_attempts: int = 0

    def __add__(self, other: "Purged") -> "Purged":
        return Purged(
            mailboxes=self.mailboxes + other.mailboxes,
            messages=self.messages + other.messages,
            octets=self.octets + other.octets,
            staged=self.staged + other.staged,
            tombstones=self.tombstones + other.tombstones,
            tickets=self.tickets + other.tickets,
            early_attempts=self.early_attempts + other.early_attempts,
        )


NOTHING = Purged()


async def delete(connection: Connection) -> Purged:
    """Delete one batch, in one transaction, and notify of the deleted mailboxes; nothing while another process purges.

    At most BATCH_MAILBOXES, BATCH_MESSAGES, BATCH_TOMBSTONES, BATCH_TICKETS, BATCH_EARLY_ATTEMPTS, and BATCH_OCTETS,
    which the last message may exceed. A locked mailbox is left for a later batch.
    """
    async with connection.transaction():
        if not await _try_lock(connection):
            return NOTHING
        async with connection.cursor(row_factory=class_row(_DeletedMessages)) as rows:
            await rows.execute(
                _DELETE_MESSAGES, {"mailboxes": BATCH_MAILBOXES, "messages": BATCH_MESSAGES, "octets": BATCH_OCTETS}
            )
            [deleted] = await rows.fetchall()
        async with connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(
                _DELETE_MAILBOXES,
                {"ids": deleted.expired_ids, "shrunk_ids": deleted.shrunk_ids, "channel": Gone.CHANNEL},
            )
            [mailboxes] = await cursor.fetchall()
        tombstones = await connection.execute(_DELETE_TOMBSTONES, {"tombstones": BATCH_TOMBSTONES})
        tickets = await connection.execute(_DELETE_TICKETS, {"tickets": BATCH_TICKETS})
        return Purged(
            mailboxes=mailboxes,
            messages=deleted.messages,
            octets=deleted.octets,
            staged=await staging.drop_abandoned(connection),
            tombstones=tombstones.rowcount,
            tickets=tickets.rowcount,
            early_attempts=await attempts.delete_early(connection, limit=BATCH_EARLY_ATTEMPTS),
        )


async def delete_messages_only(connection: Connection) -> Purged:
    """As `delete`, of messages and staged content alone."""
    async with connection.transaction():
        if not await _try_lock(connection):
            return NOTHING
        async with connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(_DELETE_MESSAGES_ONLY, {"messages": _FULL_DISK_MESSAGES})
            octets: list[int] = await cursor.fetchall()
        staged = await staging.drop_abandoned(connection)
        return Purged(messages=len(octets), octets=sum(octets), staged=staged)


async def _try_lock(connection: Connection) -> bool:
    """Lock out the other purges until the end of the transaction; False when another process purges."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_TRY_LOCK, {"key": _ADVISORY_LOCK})
        return bool(await cursor.fetchone())
