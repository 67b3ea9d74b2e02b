"""The octets of an attachment, decoded from the stored content piece by piece."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, nullcontext

import msgspec
from psycopg.rows import dict_row

from fake_email.errors import AttachmentNotFound, MessageNotFound
from fake_email.mime import chunks, enclosed, transfer_encoding
from fake_email.parsed_message import LocatedAttachment
from fake_email.postgres.connection import Connection
from fake_email.postgres.runs import Runs
from fake_email.storage import permission
from fake_email.storage import source as stored_source

_FIND = """
    SELECT id AS message_id, attachments, octet_length(content) AS octets
    FROM message
    WHERE id = %(id)s
"""


class MessageAttachments(msgspec.Struct, frozen=True, kw_only=True):
    """The attachments of a message, in order, and the size of its content in octets."""

    message_id: uuid.UUID
    attachments: tuple[LocatedAttachment, ...]
    octets: int

    def by_number(self, number: int) -> LocatedAttachment:
        """The attachment with this number, counted from 0; raises AttachmentNotFound."""
        if not 0 <= number < len(self.attachments):
            raise AttachmentNotFound
        return self.attachments[number]


async def find(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None) -> MessageAttachments:
    """The attachments of a message.

    Raises MessageNotFound when no live mailbox has the message, or the mailbox has another token.
    """
    await permission.check(connection, message_id, token_sha256=token_sha256)
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_FIND, {"id": message_id})
        row = await cursor.fetchone()
    if row is None:
        raise MessageNotFound
    return msgspec.convert(row, MessageAttachments)


async def read(
    database: Runs,
    attachments: MessageAttachments,
    attachment: LocatedAttachment,
    whole_content: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
) -> AsyncGenerator[bytes, None]:
    """The `attachment.size` octets, decoded, in pieces; each piece is read from Postgres when the caller asks for it.

    An attachment without a known position is one piece. While it is decoded, `whole_content` is entered, since the
    content takes three times its size. Raises MessageNotFound when the message was deleted or has expired meanwhile.
    """
    if attachment.start is None:
        async with whole_content():
            pieces = stored_source.pieces(database, attachments.message_id, 0, attachments.octets)
            content = b"".join([piece async for piece in pieces])
            decoded = await asyncio.to_thread(enclosed.octets, content, attachment.part)
        yield decoded
        return
    start, end = attachment.start, attachment.end
    decoder = transfer_encoding.decoder(attachment.encoding.encode())
    async for piece in stored_source.pieces(database, attachments.message_id, start, end):
        start += len(piece)
        if attachment.end - attachment.start <= chunks.OCTETS:
            yield transfer_encoding.decode(piece, attachment.encoding.encode())
            return
        for chunk_start, chunk_end in chunks.steps(0, len(piece)):
            is_last = start == end and chunk_end == len(piece)
            yield decoder.feed(piece[chunk_start:chunk_end], is_last=is_last)
