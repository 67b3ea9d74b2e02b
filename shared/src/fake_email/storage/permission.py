"""Who may open a message: whoever knows its id and, when its mailbox is private, has that mailbox's token."""

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


class _Found(msgspec.Struct, frozen=True):
    token_sha256: bytes | None


async def check(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None) -> None:
    """Return when the message may be opened; raises MessageNotFound when it may not, or is not there.

    Both take the same time: nothing of the message is read before.
    """
    async with connection.cursor(row_factory=class_row(_Found)) as cursor:
        await cursor.execute(_FIND, {"id": message_id})
        found = await cursor.fetchone()
    if found is None or not may_read(found.token_sha256, token_sha256):
        raise MessageNotFound
