"""A message as it came: the trace lines that are ours, then the exact octets received."""

import datetime
import uuid
from collections.abc import AsyncIterator
from functools import partial

import msgspec
from psycopg.rows import class_row, scalar_row

from fake_email.errors import MessageNotFound
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import Database
from fake_email.postgres.statements import columns, statement
from fake_email.storage import permission, received_header
from fake_email.storage.store import Trace


class _Found(Trace, frozen=True, kw_only=True):
    reverse_path: str
    recipient: str
    received_at: datetime.datetime
    octets: int


_FIND = statement(
    "SELECT {found} FROM message WHERE id = %(id)s",
    found=columns("message", _Found, octets="octet_length(message.content)"),
)

# Content is kept uncompressed and outside of its row, so that a piece is read without the rest.
_READ = """
    SELECT substring(message.content FROM %(start)s FOR %(octets)s)
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE message.id = %(id)s AND mailbox.expires_at > now()
"""
_PIECE_OCTETS = 524_288


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The trace lines of a message, and how many octets of content follow them."""

    id: uuid.UUID
    trace: bytes
    octets: int


async def find(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None, by: str) -> Source:
    """The Source of a message, as taken by the host of the name `by`.

    Raises MessageNotFound when there is none in a live mailbox, or the mailbox wants another token.
    """
    await permission.check(connection, message_id, token_sha256=token_sha256)
    async with connection.cursor(row_factory=class_row(_Found)) as cursor:
        await cursor.execute(_FIND, {"id": message_id})
        found = await cursor.fetchone()
    if found is None:
        raise MessageNotFound
    header = received_header.header(
        found,
        message_id=message_id,
        reverse_path=found.reverse_path,
        recipient=found.recipient,
        received_at=found.received_at,
        by=by,
    )
    return Source(id=message_id, trace=header, octets=found.octets)


async def read(database: Database, source: Source) -> AsyncIterator[bytes]:
    """All of it, in pieces that are read when they are wanted; raises MessageNotFound when it is gone meanwhile."""
    yield source.trace
    async for piece in pieces(database, source.id, 0, source.octets):
        yield piece


async def pieces(database: Database, message_id: uuid.UUID, start: int, end: int) -> AsyncIterator[bytes]:
    """The content from octet `start`, counted from 0, up to `end`, as `read` gives it."""
    for at in range(start, end, _PIECE_OCTETS):
        yield await database.run(partial(_piece, message_id=message_id, start=at, octets=min(_PIECE_OCTETS, end - at)))


async def _piece(connection: Connection, *, message_id: uuid.UUID, start: int, octets: int) -> bytes:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_READ, {"id": message_id, "start": start + 1, "octets": octets}, binary=True)
        piece: bytes | None = await cursor.fetchone()
    if piece is None:
        raise MessageNotFound
    return piece
