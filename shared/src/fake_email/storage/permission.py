"""Permission to open a message: a caller needs its id and, when its mailbox is private, the mailbox's token."""

import uuid

import msgspec
from psycopg.rows import class_row

from fake_email.errors import MessageNotFound
from fake_email.postgres.connection import Connection
from fake_email.storage.mailboxes import may_read

_FIND = """
    SELECT mailbox.token_sha256
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE message.id = %(id)s AND mailbox.expires_at > now()
"""


class _MailboxToken(msgspec.Struct, frozen=True):
    token_sha256: bytes | None


async def check(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None) -> None:
    """Raise MessageNotFound when the message does not exist, or the token does not open its mailbox.

    Both take the same time: nothing of the message is read before the check.
    """
    async with connection.cursor(row_factory=class_row(_MailboxToken)) as cursor:
        await cursor.execute(_FIND, {"id": message_id})
        mailbox = await cursor.fetchone()
    if mailbox is None or not may_read(mailbox.token_sha256, token_sha256):
        raise MessageNotFound
