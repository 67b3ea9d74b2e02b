"""The HTML of a message, and the images that came with it for it to show."""

import uuid
from collections.abc import Collection

import msgspec
from psycopg.rows import class_row

from fake_email.errors import MessageNotFound, NoHtml
from fake_email.parsed_message import LocatedAttachment
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import Database
from fake_email.storage import attachments
from fake_email.storage.attachments import Attached

_FETCH = "SELECT html FROM message WHERE id = %(id)s"

READ_OCTETS = 12 * 1024 * 1024  # of content, for the images of one message: 8 MiB in base64, and more
IMAGES = 200


class _Found(msgspec.Struct, frozen=True):
    html: str | None


class MessageHtml(msgspec.Struct, frozen=True, kw_only=True):
    """The HTML as sent, decoded, at most 1 MiB characters of it; and what is attached."""

    html: str
    attached: Attached


async def fetch(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None) -> MessageHtml:
    """The MessageHtml of a message.

    Raises MessageNotFound when there is none in a live mailbox, or the mailbox wants another token; NoHtml.
    """
    attached = await attachments.find(connection, message_id, token_sha256=token_sha256)
    async with connection.cursor(row_factory=class_row(_Found)) as cursor:
        await cursor.execute(_FETCH, {"id": message_id})
        found = await cursor.fetchone()
    if found is None:
        raise MessageNotFound
    if found.html is None:
        raise NoHtml
    return MessageHtml(html=found.html, attached=attached)


async def images(database: Database, attached: Attached, content_ids: Collection[str]) -> dict[str, bytes]:
    """The octets of the attachments of these Content-IDs, in order, as far as the limits allow.

    Raises MessageNotFound when the message is gone meanwhile.
    """
    found: dict[str, bytes] = {}
    left = READ_OCTETS
    for attachment in attached.attachments:
        content_id = attachment.content_id or ""
        octets = _octets(attached, attachment)
        if content_id in content_ids and content_id not in found and octets <= left and len(found) < IMAGES:
            left -= octets
            pieces = [piece async for piece in attachments.read(database, attached, attachment)]
            found[content_id] = b"".join(pieces)
    return found


def _octets(attached: Attached, attachment: LocatedAttachment) -> int:
    """How many have to be read for it: all of the content, where its place is not known."""
    return attached.octets if attachment.start is None else attachment.end - attachment.start
