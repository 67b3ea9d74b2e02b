"""Mailboxes in Postgres: made, looked up, and gone for everybody the moment they expire."""

import datetime
import hmac
from collections.abc import Sequence

import msgspec
from psycopg.rows import class_row

from fake_email.database import Connection
from fake_email.errors import AddressTaken, MailboxNotFound

_CREATE = """
    INSERT INTO mailbox (address, token_sha256, expires_at)
    VALUES (%(address)s, %(token_sha256)s, now() + make_interval(secs => %(ttl_seconds)s))
    ON CONFLICT ON CONSTRAINT mailbox_address_key DO NOTHING
    RETURNING expires_at
"""

_FETCH = """
    SELECT id, token_sha256, expires_at, last_seq
    FROM mailbox
    WHERE address = %(address)s AND expires_at > now()
"""

_FIND_RECIPIENTS = """
    SELECT address, id AS mailbox_id,
        message_count >= %(quota_messages)s OR stored_octets >= %(quota_octets)s AS is_full
    FROM mailbox
    WHERE address = ANY(%(addresses)s) AND expires_at > now()
"""

_NEWEST = "SELECT id, last_seq FROM mailbox WHERE id = ANY(%(ids)s)"


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """A live mailbox; `last_seq` is that of its newest message, 0 when there was none."""

    id: int
    token_sha256: bytes | None
    expires_at: datetime.datetime
    last_seq: int


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """A live mailbox as RCPT sees it."""

    address: str
    mailbox_id: int
    is_full: bool


async def create(
    connection: Connection, *, address: str, ttl_seconds: int, token_sha256: bytes | None
) -> datetime.datetime:
    """Make a mailbox and return when it expires; raises AddressTaken when the address was ever given out."""
    cursor = await connection.execute(
        _CREATE, {"address": address, "ttl_seconds": ttl_seconds, "token_sha256": token_sha256}
    )
    row = await cursor.fetchone()
    if row is None:
        raise AddressTaken(str(AddressTaken.__doc__))
    expires_at: datetime.datetime = row[0]
    return expires_at


async def fetch(connection: Connection, *, address: str, token_sha256: bytes | None) -> Mailbox:
    """The live mailbox of `address`; raises MailboxNotFound when there is none or it wants another token."""
    async with connection.cursor(row_factory=class_row(Mailbox)) as cursor:
        await cursor.execute(_FETCH, {"address": address})
        mailbox = await cursor.fetchone()
    if mailbox is None or not may_read(mailbox.token_sha256, token_sha256):
        raise MailboxNotFound(str(MailboxNotFound.__doc__))
    return mailbox


def may_read(mailbox_token_sha256: bytes | None, token_sha256: bytes | None) -> bool:
    """Whether a mailbox is open, or the token is its own; takes as long for a wrong token as for the right one."""
    return mailbox_token_sha256 is None or hmac.compare_digest(mailbox_token_sha256, token_sha256 or b"")


async def find_recipients(
    connection: Connection, *, addresses: Sequence[str], quota_messages: int, quota_octets: int
) -> dict[str, Recipient]:
    """Those of `addresses` that have a live mailbox, by address."""
    async with connection.cursor(row_factory=class_row(Recipient)) as cursor:
        await cursor.execute(
            _FIND_RECIPIENTS,
            {"addresses": list(addresses), "quota_messages": quota_messages, "quota_octets": quota_octets},
        )
        return {recipient.address: recipient async for recipient in cursor}


async def newest(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """The last_seq of each mailbox in `ids` that is still there, by id."""
    cursor = await connection.execute(_NEWEST, {"ids": list(ids)})
    return dict(await cursor.fetchall())
