"""What is over goes: expired mailboxes and their mail, content that was staged for nothing, tombstones of long ago.

It goes in batches, each a short transaction, by one process at a time. Between two of them is a rest as long as
the last one took, so that storing and reading find a database that is at most half busy with it.
"""

import asyncio

import msgspec
import psycopg
import structlog
from psycopg.rows import class_row

from fake_email.errors import DatabaseAway, DatabaseFull
from fake_email.postgres.connection import Connection
from fake_email.postgres.notifications import IDS_PER_PAYLOAD, Gone
from fake_email.postgres.pool import Database
from fake_email.storage import staging

log = structlog.get_logger()

INTERVAL_SECONDS = 5.0
BATCH_MAILBOXES = IDS_PER_PAYLOAD  # which one payload holds
BATCH_MESSAGES = 500
BATCH_OCTETS = 8 * 1_048_576
BATCH_TOMBSTONES = 1_000
_BATCH_OF_MAIL = 20  # each as large as a message may be
# A batch takes milliseconds; a slow disk is no reason to begin it again and again.
_ANSWER_SECONDS = 20.0
_ADVISORY_LOCK = 0x70757267  # "purg"

_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%(key)s)"

# With LATERAL, and an array of ids, both looked up in an index whatever the planner believes of how much there is.
_DELETE_MESSAGES = """
    WITH expired AS (
        SELECT id
        FROM mailbox
        WHERE expires_at <= now()
        ORDER BY expires_at
        LIMIT %(mailboxes)s
        FOR UPDATE SKIP LOCKED
    ), found AS (
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
        WHERE id = ANY(ARRAY(SELECT id FROM found WHERE octets_before < %(octets)s))
        RETURNING mailbox_id, octet_length(content) AS octets
    )
    SELECT ARRAY(SELECT id FROM expired) AS expired_ids, ARRAY(SELECT DISTINCT mailbox_id FROM deleted) AS begun_ids,
        count(*) AS messages, coalesce(sum(octets), 0)::bigint AS octets
    FROM deleted
"""

# A statement of its own, since what the one before it deleted is still there for that one. Where a part is left, who
# began before the expiry and waits for the row must not have it live on. A tombstone may be there already where the
# release before, which looks for none, gave an address out again.
_DELETE_MAILBOXES = """
    WITH gone AS (
        DELETE FROM mailbox
        WHERE id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM message WHERE message.mailbox_id = mailbox.id)
        RETURNING id, address
    ), ended AS (
        UPDATE mailbox
        SET expires_at = 'epoch'
        WHERE id = ANY(%(begun_ids)s) AND EXISTS (SELECT FROM message WHERE message.mailbox_id = mailbox.id)
    ), buried AS (
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
    WHERE (SELECT count(*) FROM notified) >= 0 -- always; Postgres runs no SELECT that nothing reads
"""

# The mailboxes stay as they are and have no lock, so a statement that began before one's end, and has it live on,
# must not be under way any more.
_DELETE_MAIL = """
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


class _Mail(msgspec.Struct, frozen=True, kw_only=True):
    """How much mail went of the expired mailboxes; `begun_ids` are the mailboxes that it lay in."""

    expired_ids: list[int]
    begun_ids: list[int]
    messages: int
    octets: int


class Purged(msgspec.Struct, frozen=True, kw_only=True):
    """How much went: mailboxes, messages and the octets of their content, staged contents, tombstones."""

    mailboxes: int = 0
    messages: int = 0
    octets: int = 0
    staged: int = 0
    tombstones: int = 0

    def __add__(self, other: "Purged") -> "Purged":
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Purged(**dict(zip(self.__struct_fields__, map(sum, pairs), strict=True)))


_NOTHING = Purged()


async def run(database: Database) -> None:
    """Purge every few seconds, until cancelled; what fails is tried again the next time."""
    while True:
        try:
            await clear(database)
        except (DatabaseAway, DatabaseFull):
            pass  # Database says so
        except psycopg.Error as error:
            log.warning("purge_failed", error=type(error).__name__)  # the text may quote a row
        except Exception:  # the edge: mail comes and is read all the same
            log.exception("purge_failed")
        await asyncio.sleep(INTERVAL_SECONDS)


async def clear(database: Database) -> Purged:
    """Purge batch by batch until nothing is left to go, or another process is at it; what went."""
    loop = asyncio.get_running_loop()
    total = _NOTHING
    began_at = loop.time()
    try:
        while True:
            batch_began_at = loop.time()
            purged = await _purge(database)
            if purged == _NOTHING:
                return total
            total += purged
            await asyncio.sleep(loop.time() - batch_began_at)
    finally:
        if total != _NOTHING:
            log.info("mailboxes_purged", **msgspec.structs.asdict(total), seconds=round(loop.time() - began_at, 3))


async def _purge(database: Database) -> Purged:
    try:
        return await database.write(batch, answer_seconds=_ANSWER_SECONDS)
    except DatabaseFull:
        # A tombstone takes room. To delete takes none, and makes it; what is left of the mailbox is as good as one.
        return await database.write(_batch_of_mail, answer_seconds=_ANSWER_SECONDS)


async def batch(connection: Connection) -> Purged:
    """One transaction's worth of what is over; nothing while another process is at it.

    At most BATCH_MAILBOXES, BATCH_MESSAGES, BATCH_TOMBSTONES, and BATCH_OCTETS but for the last message, of any
    size. A mailbox that somebody has locked is left for the next time. Who listens hears of the mailboxes that went.
    """
    async with connection.transaction():
        cursor = await connection.execute(_TRY_LOCK, {"key": _ADVISORY_LOCK})
        if await cursor.fetchone() == (False,):
            return _NOTHING
        async with connection.cursor(row_factory=class_row(_Mail)) as mail_cursor:
            await mail_cursor.execute(
                _DELETE_MESSAGES, {"mailboxes": BATCH_MAILBOXES, "messages": BATCH_MESSAGES, "octets": BATCH_OCTETS}
            )
            [mail] = await mail_cursor.fetchall()
        cursor = await connection.execute(
            _DELETE_MAILBOXES, {"ids": mail.expired_ids, "begun_ids": mail.begun_ids, "channel": Gone.CHANNEL}
        )
        [(mailboxes,)] = await cursor.fetchall()
        cursor = await connection.execute(_DELETE_TOMBSTONES, {"tombstones": BATCH_TOMBSTONES})
        return Purged(
            mailboxes=mailboxes,
            messages=mail.messages,
            octets=mail.octets,
            staged=await staging.drop_abandoned(connection),
            tombstones=cursor.rowcount,
        )


async def _batch_of_mail(connection: Connection) -> Purged:
    """The same, of mail and of staged content alone."""
    async with connection.transaction():
        cursor = await connection.execute(_TRY_LOCK, {"key": _ADVISORY_LOCK})
        if await cursor.fetchone() == (False,):
            return _NOTHING
        cursor = await connection.execute(_DELETE_MAIL, {"messages": _BATCH_OF_MAIL})
        octets = [each for (each,) in await cursor.fetchall()]
        staged_contents = await staging.drop_abandoned(connection)
        return Purged(messages=len(octets), octets=sum(octets), staged=staged_contents)
