"""A message as it came: the trace lines that are ours, then the exact octets received."""

import datetime
import uuid
from collections.abc import AsyncIterator
from functools import partial

import msgspec
from psycopg.rows import class_row

from fake_email import trace
from fake_email.database import Connection, Database
from fake_email.errors import MessageNotFound
from fake_email.mailboxes import may_read
from fake_email.messages import Trace

_FIND = """
    SELECT mailbox.token_sha256, message.reverse_path, message.recipient, message.received_at,
        message.client_address, message.host_name, message.protocol, message.tls,
        octet_length(message.content) AS octets
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE message.id = %(id)s AND mailbox.expires_at > now()
"""

# Content is kept uncompressed and outside of its row, so that a piece is read without the rest.
_READ = """
    SELECT substring(message.content FROM %(start)s FOR %(octets)s)
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE message.id = %(id)s AND mailbox.expires_at > now()
"""
_PIECE_OCTETS = 524_288


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    token_sha256: bytes | None
    reverse_path: str
    recipient: str
    received_at: datetime.datetime
    client_address: str
    host_name: str
    protocol: str
    tls: str
    octets: int


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The trace lines of a message, and how many octets of content follow them."""

    id: uuid.UUID
    trace: bytes
    octets: int


async def find(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None, by: str) -> Source:
    """The Source of a message, as taken by the host of the name `by`.

    Raises MessageNotFound when there is none in a live mailbox, or the mailbox wants another token.
    """
    async with connection.cursor(row_factory=class_row(_Found)) as cursor:
        await cursor.execute(_FIND, {"id": message_id})
        found = await cursor.fetchone()
    if found is None or not may_read(found.token_sha256, token_sha256):
        raise MessageNotFound(str(MessageNotFound.__doc__))
    header = trace.header(
        Trace(client_address=found.client_address, host_name=found.host_name, protocol=found.protocol, tls=found.tls),
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
    for start in range(0, source.octets, _PIECE_OCTETS):
        yield await database.run(partial(_piece, message_id=source.id, start=start))


async def _piece(connection: Connection, *, message_id: uuid.UUID, start: int) -> bytes:
    cursor = await connection.execute(
        _READ, {"id": message_id, "start": start + 1, "octets": _PIECE_OCTETS}, binary=True
    )
    row = await cursor.fetchone()
    if row is None:
        raise MessageNotFound(str(MessageNotFound.__doc__))
    return bytes(row[0])
