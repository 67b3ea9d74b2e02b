"""Staged content: COPY puts large content into a table of its own, from which a statement moves it to its message.

libpq sends a statement's parameters from one buffer, and moves the rest forward each time the socket takes a part. For
20 MB this blocked the event loop for 0.1 s at a time; COPY sends piece by piece.
"""

import asyncio
import uuid
from collections.abc import Sequence

import psycopg
from psycopg.copy import AsyncLibpqWriter
from psycopg.rows import TupleRow

from fake_email.postgres.connection import Connection

# One at a time: each may be as large as the largest message.
_DROP_ABANDONED = """
    DELETE FROM staged_content
    WHERE id = ANY(ARRAY(
        SELECT id
        FROM staged_content
        WHERE staged_at < now() - interval '1 hour'
        LIMIT 1
    ))
"""
# Content that is no longer staged is null, which the table refuses. A message stored earlier has its content already.
_MOVE = """
    UPDATE message
    SET content = (SELECT content FROM staged_content WHERE id = pair.staged_id)
    FROM unnest(%(message_ids)s, %(staged_ids)s) AS pair (message_id, staged_id)
    WHERE message.id = pair.message_id AND octet_length(message.content) = 0
"""
_DROP = "DELETE FROM staged_content WHERE id = ANY(%(ids)s)"
_COPY = "COPY staged_content (id, content) FROM STDIN (FORMAT BINARY)"

# postgresql.org/docs, COPY, "Binary Format": signature, flags, extension; then for each row the number of its fields,
# and each field after its length.
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_FIELDS = (2).to_bytes(2, "big")
_TRAILER = b"\xff\xff"
_PIECE_OCTETS = 131_072


async def put(connection: Connection, content: bytes) -> uuid.UUID:
    """Stage `content` and return its id; after an hour the purge may delete it."""
    staged_id = uuid.uuid4()
    async with connection.cursor() as cursor, cursor.copy(_COPY, writer=_eager_writer(cursor)) as copy:
        head = _HEADER + _FIELDS + (16).to_bytes(4, "big") + staged_id.bytes + len(content).to_bytes(4, "big")
        await copy.write(head)
        for start in range(0, len(content), _PIECE_OCTETS):
            await copy.write(content[start : start + _PIECE_OCTETS])
            await asyncio.sleep(0)  # psycopg waits for nothing while the server reads fast
        await copy.write(_TRAILER)
    return staged_id


def _eager_writer(cursor: psycopg.AsyncCursor[TupleRow]) -> AsyncLibpqWriter:
    """A writer that waits until each piece was sent: psycopg's waits after each MiB, which libpq moves meanwhile."""
    return AsyncLibpqWriter(cursor, flush_threshold=0)


async def move(connection: Connection, pairs: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Move staged content to the messages that were stored without it; each pair is a message's id and a staged id.

    Raises psycopg.errors.NotNullViolation when content is no longer staged.
    """
    staged_ids = [staged_id for _, staged_id in pairs]
    await connection.execute(_MOVE, {"message_ids": [message_id for message_id, _ in pairs], "staged_ids": staged_ids})
    await drop(connection, staged_ids)


async def drop(connection: Connection, staged_ids: Sequence[uuid.UUID]) -> None:
    """Delete staged content that no message will need."""
    await connection.execute(_DROP, {"ids": list(staged_ids)})


async def drop_abandoned(connection: Connection) -> int:
    """Delete content that was staged more than an hour ago, one at most; returns how many, 0 or 1."""
    cursor = await connection.execute(_DROP_ABANDONED)
    return cursor.rowcount
