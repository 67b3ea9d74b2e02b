"""Rows for the purge: mailboxes that have expired, and messages in them."""

from fake_email.postgres.connection import Connection
from fake_email.storage.recipients import Recipient

_CREATE_EXPIRED = """
    INSERT INTO mailbox (address, expires_at)
    SELECT number || '@mx.test', now()
    FROM generate_series(1, %s) AS number
    RETURNING id
"""
_FILL = """
    INSERT INTO message (
        id, mailbox_id, seq, received_at, reverse_path, recipient, from_header, from_address, subject, text,
        attachments, content, content_sha256
    )
    SELECT gen_random_uuid(), %(mailbox_id)s, number, now(), '', '', '', '', '', '',
        '[]', convert_to(repeat('x', %(octets)s), 'UTF8'), sha256(number::text::bytea)
    FROM generate_series(1, %(count)s) AS number
"""


async def expire(connection: Connection, *mailboxes: Recipient) -> None:
    ids = [each.mailbox_id for each in mailboxes]
    await connection.execute("UPDATE mailbox SET expires_at = now() WHERE id = ANY(%s)", [ids])


async def create_expired(connection: Connection, count: int) -> list[int]:
    """Create expired and empty mailboxes, and return their ids."""
    cursor = await connection.execute(_CREATE_EXPIRED, [count])
    return [mailbox_id for (mailbox_id,) in await cursor.fetchall()]


async def fill(connection: Connection, mailbox_id: int, *, count: int, octets: int) -> None:
    await connection.execute(_FILL, {"mailbox_id": mailbox_id, "count": count, "octets": octets})


async def count_rows(connection: Connection, table: str) -> int:
    """The number of rows of a table."""
    cursor = await connection.execute(f"SELECT count(*) FROM {table}".encode())
    [(count,)] = await cursor.fetchall()
    return int(count)
