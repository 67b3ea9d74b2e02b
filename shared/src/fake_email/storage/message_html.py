"""The HTML of a message, and the images among its attachments that the HTML shows."""

import uuid
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager

import msgspec
from psycopg.rows import dict_row, scalar_row

from fake_email.errors import MessageNotFound, NoHtml
from fake_email.parsed_message import LocatedAttachment
from fake_email.postgres.connection import Connection
from fake_email.postgres.runs import Runs
from fake_email.storage import attachments
from fake_email.storage.attachments import MessageAttachments

_FETCH = "SELECT html FROM message WHERE id = %(id)s"

_WEIGH = "SELECT octet_length(html) AS octets, remote_images FROM message WHERE id = %(id)s"

# The limits on the images of one message; so many octets of content are 8 MiB in base64, and more.
READ_OCTETS = 12 * 1024 * 1024
IMAGES = 200


class HtmlSize(msgspec.Struct, frozen=True, kw_only=True):
    """The size of a message's HTML in octets, and the attachments of the message.

    `remote_images` is the number of images from other hosts; None for a message that a release before stored.
    """

    octets: int
    remote_images: int | None
    attachments: MessageAttachments

    @property
    def image_octets(self) -> int:
        """The most octets that `images` reads."""
        may_be_shown = [each for each in self.attachments.attachments if each.content_id or each.location]
        return min(sum(_octets_to_read(self.attachments, each) for each in may_be_shown), READ_OCTETS)


async def weigh(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None) -> HtmlSize:
    """The size of a message's HTML.

    Raises NoHtml, and MessageNotFound when no live mailbox has the message, or the mailbox has another token.
    """
    found = await attachments.find(connection, message_id, token_sha256=token_sha256)
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_WEIGH, {"id": message_id})
        row = await cursor.fetchone()
    if row is None or row["octets"] is None:
        raise NoHtml
    return HtmlSize(octets=row["octets"], remote_images=row["remote_images"], attachments=found)


async def fetch(connection: Connection, message_id: uuid.UUID) -> str:
    """The HTML as sent, decoded, at most its first 1,048,576 characters; raises MessageNotFound if it was deleted."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_FETCH, {"id": message_id})
        html: str | None = await cursor.fetchone()
    if html is None:
        raise MessageNotFound
    return html


async def images(
    database: Runs,
    candidates: MessageAttachments,
    references: Collection[str],
    whole_content: Callable[[], AbstractAsyncContextManager[object]],
) -> dict[str, bytes]:
    """The octets of the attachments that these references name, by reference, in order, as far as the limits allow.

    A reference is a Content-ID, a Content-Location, or its last segment: HTML may name the file alone (RFC 2557 §5).

    Raises MessageNotFound when the message was deleted or has expired meanwhile.
    """
    read: dict[str, bytes] = {}
    octets_left = READ_OCTETS
    for attachment in candidates.attachments:
        names = [name for name in _names(attachment) if name in references and name not in read]
        octets = _octets_to_read(candidates, attachment)
        if names and octets <= octets_left and len(read) < IMAGES:
            octets_left -= octets
            pieces = [piece async for piece in attachments.read(database, candidates, attachment, whole_content)]
            read |= dict.fromkeys(names, b"".join(pieces))
    return read


def _names(attachment: LocatedAttachment) -> list[str]:
    location = attachment.location or ""
    return list(filter(None, (attachment.content_id, location, location.rpartition("/")[2])))


def _octets_to_read(message: MessageAttachments, attachment: LocatedAttachment) -> int:
    """The size of the attachment in the content; of the whole content when the attachment's position is unknown."""
    return message.octets if attachment.start is None else attachment.end - attachment.start
