"""The octets of an attachment, decoded out of the stored content piece by piece."""

import asyncio
import uuid
from collections.abc import AsyncGenerator

import msgspec
from psycopg.rows import dict_row

from fake_email.errors import AttachmentNotFound, MessageNotFound
from fake_email.mime import chunks, transfer_encoding
from fake_email.mime import parts as mime_parts
from fake_email.parsed_message import LocatedAttachment
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import Database
from fake_email.storage import permission
from fake_email.storage import source as stored_source

# Contents that are read whole at a time: each takes three times its size while it is.
_WHOLE = asyncio.Semaphore(2)

_FIND = """
    SELECT id AS message_id, attachments, octet_length(content) AS octets
    FROM message
    WHERE id = %(id)s
"""


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """The attachments of a message, in order, and the size of its content in octets."""

    message_id: uuid.UUID
    attachments: tuple[LocatedAttachment, ...]
    octets: int

    def numbered(self, number: int) -> LocatedAttachment:
        """The attachment of this number, counted from 0; raises AttachmentNotFound."""
        if not 0 <= number < len(self.attachments):
            raise AttachmentNotFound
        return self.attachments[number]


async def find(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None) -> Attached:
    """What is attached to a message.

    Raises MessageNotFound when there is none in a live mailbox, or the mailbox wants another token.
    """
    await permission.check(connection, message_id, token_sha256=token_sha256)
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_FIND, {"id": message_id})
        row = await cursor.fetchone()
    if row is None:
        raise MessageNotFound
    return msgspec.convert(row, Attached)


async def read(database: Database, attached: Attached, attachment: LocatedAttachment) -> AsyncGenerator[bytes, None]:
    """`attachment.size` octets, decoded, in pieces that are read when they are wanted.

    Raises MessageNotFound when the message is gone meanwhile.
    """
    if attachment.start is None:
        async with _WHOLE:
            pieces = [piece async for piece in stored_source.pieces(database, attached.message_id, 0, attached.octets)]
            found = await asyncio.to_thread(mime_parts.octets, b"".join(pieces), attachment.part)
        yield found
        return
    start, end = attachment.start, attachment.end
    decoder = transfer_encoding.decoder(attachment.encoding.encode())
    async for piece in stored_source.pieces(database, attached.message_id, start, end):
        start += len(piece)
        if attachment.end - attachment.start <= chunks.OCTETS:
            yield transfer_encoding.decode(piece, attachment.encoding.encode())
            return
        for at, to in chunks.steps(0, len(piece)):
            yield decoder.feed(piece[at:to], is_last=start == end and to == len(piece))
