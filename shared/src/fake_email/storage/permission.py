"""Who may open a message: whoever knows its id and, when its mailbox is private, has that mailbox's token."""

import uuid

from fake_email.errors import MessageNotFound
from fake_email.postgres.pool import Connection
from fake_email.storage.mailboxes import may_read

_FIND = """
    SELECT mailbox.token_sha256
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE message.id = %(id)s AND mailbox.expires_at > now()
"""


async def check(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None) -> None:
    """Return when the message may be opened; raises MessageNotFound when it may not, or is not there.

    Both take the same time: nothing of the message is read before.
    """
    cursor = await connection.execute(_FIND, {"id": message_id})
    row = await cursor.fetchone()
    if row is None or not may_read(row[0], token_sha256):
        raise MessageNotFound
