"""The HTML of a message, and the images among its attachments that the HTML shows."""

import uuid
from collections.abc import Collection

import msgspec
from psycopg.rows import class_row

from fake_email.errors import MessageNotFound, NoHtml
from fake_email.parsed_message import LocatedAttachment
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import Database
from fake_email.storage import attachments
from fake_email.storage.attachments import MessageAttachments

_FETCH = "SELECT html FROM message WHERE id = %(id)s"

# The limits on the images of one message; so many octets of content are 8 MiB in base64, and more.
READ_OCTETS = 12 * 1024 * 1024
IMAGES = 200


class _Html(msgspec.Struct, frozen=True):
    html: str | None


class MessageHtml(msgspec.Struct, frozen=True, kw_only=True):
    """The HTML as sent, decoded, at most its first 1,048,576 characters, and the attachments of its message."""

    html: str
    attachments: MessageAttachments


async def fetch(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None) -> MessageHtml:
    """The MessageHtml of a message.

    Raises NoHtml, and MessageNotFound when no live mailbox has the message, or the mailbox has another token.
    """
    found = await attachments.find(connection, message_id, token_sha256=token_sha256)
    async with connection.cursor(row_factory=class_row(_Html)) as cursor:
        await cursor.execute(_FETCH, {"id": message_id})
        row = await cursor.fetchone()
    if row is None:
        raise MessageNotFound
    if row.html is None:
        raise NoHtml
    return MessageHtml(html=row.html, attachments=found)


async def images(database: Database, candidates: MessageAttachments, content_ids: Collection[str]) -> dict[str, bytes]:
    """The octets of the attachments that have these Content-IDs, in order, as far as the limits allow.

    Raises MessageNotFound when the message was deleted or has expired meanwhile.
    """
    read: dict[str, bytes] = {}
    octets_left = READ_OCTETS
    for attachment in candidates.attachments:
        content_id = attachment.content_id or ""
        octets = _octets_to_read(candidates, attachment)
        if content_id in content_ids and content_id not in read and octets <= octets_left and len(read) < IMAGES:
            octets_left -= octets
            pieces = [piece async for piece in attachments.read(database, candidates, attachment)]
            read[content_id] = b"".join(pieces)
    return read


def _octets_to_read(message: MessageAttachments, attachment: LocatedAttachment) -> int:
    """The size of the attachment in the content; of the whole content when the attachment's position is unknown."""
    return message.octets if attachment.start is None else attachment.end - attachment.start
