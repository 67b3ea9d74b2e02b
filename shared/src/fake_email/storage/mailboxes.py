"""Mailboxes in Postgres: create, look up, extend, delete; an expired mailbox counts as deleted at once."""

import datetime
import hmac
from collections.abc import Sequence

import msgspec
from psycopg import sql
from psycopg.rows import class_row, scalar_row

from fake_email.errors import AddressTaken, MailboxNotFound, OperatorsMailbox
from fake_email.postgres import prepared
from fake_email.postgres.connection import Connection
from fake_email.postgres.notifications import Gone
from fake_email.settings import MAX_TTL_SECONDS

# An operator's mailbox expires then. Python has no value for Postgres' infinity; this one is valid in any time zone.
NEVER = datetime.datetime(9000, 1, 1, tzinfo=datetime.UTC)

_CREATE = """
    INSERT INTO mailbox (address, token_sha256, expires_at, authentication)
    VALUES (%(address)s, %(token_sha256)s, now() + make_interval(secs => %(ttl_seconds)s), %(authentication)s)
    ON CONFLICT ON CONSTRAINT mailbox_address_key DO NOTHING
    RETURNING expires_at
"""

# An exact name counts for a new mailbox only: its own mailbox is the one that the row in exact_name comes from.
_WAS_GIVEN_OUT = """
    SELECT EXISTS (SELECT FROM tombstone WHERE address_sha256 = wanted.sha256)
        OR (%(is_new)s AND EXISTS (SELECT FROM exact_name WHERE address_sha256 = wanted.sha256))
    FROM (SELECT sha256(convert_to(%(address)s, 'UTF8'))) AS wanted (sha256)
"""

_KEEP_NAME = "INSERT INTO exact_name (address_sha256) VALUES (sha256(convert_to(%(address)s, 'UTF8')))"

# A caller with the mailbox's own token created it before, and lost the result. The lock makes this transaction write,
# so that its commit waits for the replica; the commit that created the mailbox may not have waited.
_FIND_OWN = """
    SELECT expires_at
    FROM mailbox
    WHERE address = %(address)s AND token_sha256 = %(token_sha256)s AND expires_at > now()
    FOR NO KEY UPDATE
"""

_FETCH = """
    SELECT id, token_sha256, expires_at, last_seq
    FROM mailbox
    WHERE address = %(address)s AND expires_at > now()
"""

# Each transaction that changes what a list of messages shows also updates the row of their mailbox, so the row has its
# number as `xmin`. A server that takes over after a loss may use the numbers of lost transactions again, but it was
# started at another time.
REVISION = """
    concat_ws('-', mailbox.id, mailbox.xmin, extract(epoch FROM pg_postmaster_start_time())) AS revision
"""

# In the forms of JSON, from which prepared.rows makes the values.
_FETCH_MANY = prepared.statement(
    "fetch_mailboxes",
    """
    SELECT id, address, encode(token_sha256, 'base64') AS token_sha256, last_seq, stored_octets,
        to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS expires_at,
        to_char(
            nullif(last_received_at, '-infinity') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
        ) AS last_received_at,
        {revision}
    FROM mailbox
    WHERE address = ANY({addresses}) AND expires_at > now()
    """,
    values={},
    arrays={"addresses": "text"},
    parts={"revision": sql.SQL(REVISION)},
)

_FETCH_DETAIL = """
    SELECT created_at, expires_at, last_seq, message_count, stored_octets, changes,
        nullif(last_received_at, '-infinity') AS last_received_at,
        (SELECT count(*) FROM message WHERE mailbox_id = mailbox.id AND NOT seen) AS unseen_count
    FROM mailbox
    WHERE id = %(id)s AND expires_at > now()
"""

_EXTEND = """
    UPDATE mailbox
    SET expires_at = least(
        now() + make_interval(secs => %(ttl_seconds)s), created_at + make_interval(secs => %(max_seconds)s)
    )
    WHERE id = %(id)s AND expires_at > now()
"""

_SUM_STORED_OCTETS = "SELECT coalesce(sum(stored_octets), 0)::bigint FROM mailbox"

# Every reader checks this row, so the messages can wait for the purge: deleting 100 MB of them takes half a second.
# Not now(): to a statement that began earlier and waits for the row, the expiry would still be in the future.
_DELETE = """
    WITH gone AS (
        UPDATE mailbox
        SET expires_at = 'epoch'
        WHERE id = %(id)s AND expires_at > now() AND expires_at < %(never)s
        RETURNING id
    ), notified AS (
        SELECT pg_notify(%(channel)s, id::text)
        FROM gone
    )
    SELECT expires_at = %(never)s
    FROM mailbox
    WHERE id = %(id)s AND (SELECT count(*) FROM notified) >= 0 -- always true; Postgres skips a CTE that nothing reads
"""


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """A live mailbox; `last_seq` is the seq of its newest message, 0 when it has never had one."""

    id: int
    token_sha256: bytes | None
    expires_at: datetime.datetime
    last_seq: int


class MailboxState(Mailbox, frozen=True, kw_only=True):
    """A live mailbox, the octets in it, and the time of its newest message, None when it has never had one.

    `revision` changes with each change of what a list of its messages shows, and never comes back.
    """

    address: str
    last_received_at: datetime.datetime | None
    stored_octets: int
    revision: str


class MailboxDetail(msgspec.Struct, frozen=True, kw_only=True):
    """The times and counters of a live mailbox; `last_received_at` is None when it has never had a message.

    `changes` counts the messages that readers deleted or marked.
    """

    created_at: datetime.datetime
    expires_at: datetime.datetime
    last_seq: int
    message_count: int
    stored_octets: int
    changes: int
    last_received_at: datetime.datetime | None
    unseen_count: int


async def create(
    connection: Connection,
    *,
    address: str,
    ttl_seconds: int,
    token_sha256: bytes | None,
    is_exact: bool = False,
    authentication: bool = True,
) -> datetime.datetime:
    """Create a mailbox and return when it expires; creating a private one again with its own token changes nothing.

    `authentication`: the senders of its messages are checked.

    Raises AddressTaken when the address has a mailbox, had one that was deleted in the last 90 days, or ever had one
    with an exact name.
    """
    mailbox = {
        "address": address,
        "ttl_seconds": ttl_seconds,
        "token_sha256": token_sha256,
        "authentication": authentication,
    }
    async with connection.transaction(), connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_CREATE, mailbox)
        expires_at: datetime.datetime | None = await cursor.fetchone()
        is_new = expires_at is not None
        if expires_at is None:
            await cursor.execute(_FIND_OWN, mailbox)
            expires_at = await cursor.fetchone()
        if expires_at is None:
            raise AddressTaken
        # The INSERT may have waited for the purge of this address, whose tombstone is not in its snapshot. A later
        # statement sees that tombstone, and while this transaction holds the row, there can be no other.
        await cursor.execute(_WAS_GIVEN_OUT, {"address": address, "is_new": is_new})
        if await cursor.fetchone():
            raise AddressTaken
        if is_new and is_exact:
            await cursor.execute(_KEEP_NAME, {"address": address})
    return expires_at


async def fetch(connection: Connection, *, address: str, token_sha256: bytes | None) -> Mailbox:
    """The live mailbox of `address`; raises MailboxNotFound when there is none, or it has another token."""
    async with connection.cursor(row_factory=class_row(Mailbox)) as cursor:
        await cursor.execute(_FETCH, {"address": address})
        mailbox = await cursor.fetchone()
    if mailbox is None or not may_read(mailbox.token_sha256, token_sha256):
        raise MailboxNotFound
    return mailbox


async def fetch_many(connection: Connection, addresses: Sequence[str]) -> dict[str, MailboxState]:
    """The live mailboxes of `addresses`, by address; the caller checks the token."""
    result = await prepared.execute(connection, _FETCH_MANY, {}, {"addresses": addresses})
    return {each.address: each for each in prepared.rows(result, MailboxState)}


async def fetch_detail(connection: Connection, mailbox_id: int) -> MailboxDetail:
    """The times and counters of a live mailbox; raises MailboxNotFound when it has expired or was deleted."""
    async with connection.cursor(row_factory=class_row(MailboxDetail)) as cursor:
        await cursor.execute(_FETCH_DETAIL, {"id": mailbox_id})
        detail = await cursor.fetchone()
    if detail is None:
        raise MailboxNotFound
    return detail


async def extend(connection: Connection, mailbox: Mailbox, *, ttl_seconds: int) -> None:
    """Move the expiry to so many seconds from now, earlier or later, at most MAX_TTL_SECONDS after the creation.

    Raises OperatorsMailbox for a mailbox of role_mailboxes.create.
    """
    if mailbox.expires_at == NEVER:
        raise OperatorsMailbox
    await connection.execute(_EXTEND, {"id": mailbox.id, "ttl_seconds": ttl_seconds, "max_seconds": MAX_TTL_SECONDS})


def may_read(mailbox_token_sha256: bytes | None, token_sha256: bytes | None) -> bool:
    """True when the mailbox is open or the token is its own; takes the same time for a wrong token as for its own."""
    return mailbox_token_sha256 is None or hmac.compare_digest(mailbox_token_sha256, token_sha256 or b"")


async def sum_stored_octets(connection: Connection) -> int:
    """The octets of all messages, also of mailboxes that have expired and are not purged yet."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SUM_STORED_OCTETS)
        [octets] = await cursor.fetchall()
        return int(octets)


async def delete(connection: Connection, mailbox_id: int) -> None:
    """Let a mailbox expire at once, and notify of its end; the purge deletes its rows later.

    A mailbox that has expired stays as it is. Raises OperatorsMailbox for a mailbox of role_mailboxes.create.
    """
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_DELETE, {"id": mailbox_id, "never": NEVER, "channel": Gone.CHANNEL})
        is_operators: bool | None = await cursor.fetchone()
    if is_operators:
        raise OperatorsMailbox
