"""The source of a message: our trace lines, then the exact octets received."""

import datetime
import uuid
from collections.abc import AsyncIterator
from functools import partial

import msgspec
from psycopg import sql
from psycopg.rows import dict_row, scalar_row

from fake_email.errors import MessageNotFound
from fake_email.postgres.connection import Connection
from fake_email.postgres.runs import Runs
from fake_email.postgres.statements import columns, statement
from fake_email.storage import permission, received_header
from fake_email.storage.incoming_message import Trace
from fake_email.storage.verdicts import CHECK_PARAMETERS, CHECK_STATE, check_state


class _Received(Trace, frozen=True, kw_only=True):
    reverse_path: str
    recipient: str
    received_at: datetime.datetime
    octets: int


_FIND = statement(
    """
    SELECT {received}, {check_state}
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE message.id = %(id)s
    """,
    received=columns("message", _Received, octets="octet_length(message.content)"),
    check_state=sql.SQL(CHECK_STATE),
)

# Postgres keeps content uncompressed and outside of its row, so that it reads a piece without the rest.
_READ_PIECE = """
    SELECT substring(message.content FROM %(start)s FOR %(octets)s)
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE message.id = %(id)s AND mailbox.expires_at > now()
"""
PIECE_OCTETS = 131_072


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The trace lines of a message, and the number of octets of content after them.

    The trace lines have the result of the check of the sender once `check_ended`.
    """

    id: uuid.UUID
    trace: bytes
    octets: int
    check_ended: bool


async def find(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None, by: str) -> Source:
    """The Source of a message; `by` is the name of the host that received it.

    Raises MessageNotFound when no live mailbox has the message, or the mailbox has another token.
    """
    await permission.check(connection, message_id, token_sha256=token_sha256)
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_FIND, {"id": message_id, **CHECK_PARAMETERS})
        row = await cursor.fetchone()
    if row is None:
        raise MessageNotFound
    received, check = msgspec.convert(row, _Received), check_state(row)
    header = received_header.header(
        received,
        message_id=message_id,
        reverse_path=received.reverse_path,
        recipient=received.recipient,
        received_at=received.received_at,
        by=by,
        results_field=check.results_field,
    )
    return Source(id=message_id, trace=header, octets=received.octets, check_ended=check.has_ended)


async def read(database: Runs, source: Source) -> AsyncIterator[bytes]:
    """The whole source, in pieces; each piece is read from Postgres when the caller asks for it.

    Raises MessageNotFound when the message was deleted or has expired meanwhile.
    """
    yield source.trace
    async for piece in pieces(database, source.id, 0, source.octets):
        yield piece


async def pieces(database: Runs, message_id: uuid.UUID, start: int, end: int) -> AsyncIterator[bytes]:
    """The content from octet `start`, counted from 0, up to `end`, in pieces as `read` yields them."""
    for piece_start in range(start, end, PIECE_OCTETS):
        octets = min(PIECE_OCTETS, end - piece_start)
        yield await database.run(partial(_piece, message_id=message_id, start=piece_start, octets=octets))


async def _piece(connection: Connection, *, message_id: uuid.UUID, start: int, octets: int) -> bytes:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_READ_PIECE, {"id": message_id, "start": start + 1, "octets": octets}, binary=True)
        piece: bytes | None = await cursor.fetchone()
    if piece is None:
        raise MessageNotFound
    return piece
