"""Mailboxes in Postgres: made, looked up, and gone for everybody the moment they expire."""

import datetime
import hmac
from collections.abc import Sequence

import msgspec
from psycopg.rows import class_row, scalar_row

from fake_email.errors import AddressTaken, MailboxNotFound, OperatorsMailbox
from fake_email.postgres.connection import Connection
from fake_email.postgres.notifications import Gone
from fake_email.settings import MAX_TTL_SECONDS

# When an operator's mailbox expires. Not Postgres' infinity, which is no time in Python; any time zone has this one.
NEVER = datetime.datetime(9000, 1, 1, tzinfo=datetime.UTC)

_CREATE = """
    INSERT INTO mailbox (address, token_sha256, expires_at)
    VALUES (%(address)s, %(token_sha256)s, now() + make_interval(secs => %(ttl_seconds)s))
    ON CONFLICT ON CONSTRAINT mailbox_address_key DO NOTHING
    RETURNING expires_at
"""

_IS_BURIED = "SELECT EXISTS (SELECT FROM tombstone WHERE address_sha256 = sha256(convert_to(%(address)s, 'UTF8')))"

# Nobody else can have this token, so whoever comes with it made the mailbox, and did not hear so. The lock has this
# commit wait for a replica, as the one that made it may not have.
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

_FETCH_MANY = """
    SELECT id, address, token_sha256, expires_at, last_seq, nullif(last_received_at, '-infinity') AS last_received_at
    FROM mailbox
    WHERE address = ANY(%(addresses)s) AND expires_at > now()
"""

_DESCRIBE = """
    SELECT created_at, expires_at, last_seq, message_count, stored_octets,
        nullif(last_received_at, '-infinity') AS last_received_at,
        (SELECT count(*) FROM message WHERE mailbox_id = mailbox.id AND NOT seen) AS unseen_count
    FROM mailbox
    WHERE id = %(id)s AND expires_at > now()
"""

_PROLONG = """
    UPDATE mailbox
    SET expires_at = least(
        now() + make_interval(secs => %(ttl_seconds)s), created_at + make_interval(secs => %(most_seconds)s)
    )
    WHERE id = %(id)s AND expires_at > now()
"""

_FIND_RECIPIENTS = """
    SELECT address, id AS mailbox_id, message_count, stored_octets
    FROM mailbox
    WHERE address = ANY(%(addresses)s) AND expires_at > now()
"""

_NEWEST = "SELECT id, last_seq FROM mailbox WHERE id = ANY(%(ids)s) AND expires_at > now()"

_SECONDS_LEFT = """
    SELECT id, extract(epoch FROM expires_at - now())::double precision AS seconds
    FROM mailbox
    WHERE id = ANY(%(ids)s) AND expires_at > now()
"""

# The row is what everybody looks at, and deleting 100 MB behind it takes half a second, so that is left to the purge.
# Not now(): a statement that began before this one, and waits for the row, would still find that in its future.
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
    WHERE id = %(id)s AND (SELECT count(*) FROM notified) >= 0 -- always; Postgres runs no SELECT that nothing reads
"""


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """A live mailbox; `last_seq` is that of its newest message, 0 when there was none."""

    id: int
    token_sha256: bytes | None
    expires_at: datetime.datetime
    last_seq: int


class MailboxState(Mailbox, frozen=True, kw_only=True):
    """A live mailbox and when its newest message came; None when it never had one."""

    address: str
    last_received_at: datetime.datetime | None


class MailboxDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a live mailbox; `last_received_at` is None when it never had a message."""

    created_at: datetime.datetime
    expires_at: datetime.datetime
    last_seq: int
    message_count: int
    stored_octets: int
    last_received_at: datetime.datetime | None
    unseen_count: int


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """A live mailbox as RCPT sees it."""

    address: str
    mailbox_id: int
    message_count: int
    stored_octets: int


class _Newest(msgspec.Struct, frozen=True):
    id: int
    last_seq: int


class _TimeLeft(msgspec.Struct, frozen=True):
    id: int
    seconds: float


async def create(
    connection: Connection, *, address: str, ttl_seconds: int, token_sha256: bytes | None
) -> datetime.datetime:
    """Make a mailbox and return when it expires; to make a private one again with its own token changes nothing.

    Raises AddressTaken when the address has a mailbox, or had one that was deleted in the last 90 days.
    """
    wanted = {"address": address, "ttl_seconds": ttl_seconds, "token_sha256": token_sha256}
    async with connection.transaction(), connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_CREATE, wanted)
        expires_at: datetime.datetime | None = await cursor.fetchone()
        if expires_at is None:
            await cursor.execute(_FIND_OWN, wanted)
            expires_at = await cursor.fetchone()
        # Afterwards, in a statement of its own: the one above may have waited for the purge of this very address, and
        # the tombstone that came of it is not in its snapshot. Now that the row is ours, there can be no later one.
        if expires_at is None or await _is_buried(connection, address):
            raise AddressTaken
    return expires_at


async def _is_buried(connection: Connection, address: str) -> bool:
    cursor = await connection.execute(_IS_BURIED, {"address": address})
    return await cursor.fetchone() == (True,)


async def fetch(connection: Connection, *, address: str, token_sha256: bytes | None) -> Mailbox:
    """The live mailbox of `address`; raises MailboxNotFound when there is none or it wants another token."""
    async with connection.cursor(row_factory=class_row(Mailbox)) as cursor:
        await cursor.execute(_FETCH, {"address": address})
        mailbox = await cursor.fetchone()
    if mailbox is None or not may_read(mailbox.token_sha256, token_sha256):
        raise MailboxNotFound
    return mailbox


async def fetch_many(connection: Connection, addresses: Sequence[str]) -> dict[str, MailboxState]:
    """Those of `addresses` that have a live mailbox, by address; who may read it is not looked at."""
    async with connection.cursor(row_factory=class_row(MailboxState)) as cursor:
        await cursor.execute(_FETCH_MANY, {"addresses": list(addresses)})
        return {each.address: each for each in await cursor.fetchall()}


async def describe(connection: Connection, mailbox_id: int) -> MailboxDetail:
    """What is known of the mailbox; raises MailboxNotFound when it has gone."""
    async with connection.cursor(row_factory=class_row(MailboxDetail)) as cursor:
        await cursor.execute(_DESCRIBE, {"id": mailbox_id})
        detail = await cursor.fetchone()
    if detail is None:
        raise MailboxNotFound
    return detail


async def extend(connection: Connection, mailbox: Mailbox, *, ttl_seconds: int) -> None:
    """Let the mailbox expire so many seconds from now, at most MAX_TTL_SECONDS after it was made; it may be sooner.

    Raises OperatorsMailbox for one that operators.create made.
    """
    if mailbox.expires_at == NEVER:
        raise OperatorsMailbox
    await connection.execute(_PROLONG, {"id": mailbox.id, "ttl_seconds": ttl_seconds, "most_seconds": MAX_TTL_SECONDS})


def may_read(mailbox_token_sha256: bytes | None, token_sha256: bytes | None) -> bool:
    """Whether a mailbox is open, or the token is its own; takes as long for a wrong token as for the right one."""
    return mailbox_token_sha256 is None or hmac.compare_digest(mailbox_token_sha256, token_sha256 or b"")


async def find_recipients(connection: Connection, addresses: Sequence[str]) -> dict[str, Recipient]:
    """Those of `addresses` that have a live mailbox, by address."""
    async with connection.cursor(row_factory=class_row(Recipient)) as cursor:
        await cursor.execute(_FIND_RECIPIENTS, {"addresses": list(addresses)})
        return {recipient.address: recipient async for recipient in cursor}


async def newest_seqs(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """The last_seq of each mailbox in `ids` that is still live, by id."""
    async with connection.cursor(row_factory=class_row(_Newest)) as cursor:
        await cursor.execute(_NEWEST, {"ids": list(ids)})
        return {each.id: each.last_seq for each in await cursor.fetchall()}


async def seconds_left(connection: Connection, ids: Sequence[int]) -> dict[int, float]:
    """How long each mailbox in `ids` that is live will be so, by the database's clock, by id."""
    async with connection.cursor(row_factory=class_row(_TimeLeft)) as cursor:
        await cursor.execute(_SECONDS_LEFT, {"ids": list(ids)})
        return {each.id: each.seconds for each in await cursor.fetchall()}


async def delete(connection: Connection, mailbox_id: int) -> None:
    """Have a mailbox and its mail gone for everybody, and tell who listens; the purge takes the octets away.

    One that is gone already stays so. Raises OperatorsMailbox for one that operators.create made.
    """
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_DELETE, {"id": mailbox_id, "never": NEVER, "channel": Gone.CHANNEL})
        is_operators: bool | None = await cursor.fetchone()
    if is_operators:
        raise OperatorsMailbox
