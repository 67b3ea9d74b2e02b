"""Content that is too large for a statement's parameters, put where the statement finds it.

libpq sends a statement from one buffer, and moves what is left of it forward each time the socket took some: for 20 MB
that held up the event loop for 0.1 s at a stretch, where COPY takes its pieces one by one.
"""

import uuid
from collections.abc import Sequence

from fake_email.postgres.connection import Connection

# One at a time: each may be as large as a message may be.
_DROP_ABANDONED = """
    DELETE FROM staged_content
    WHERE id = ANY(ARRAY(
        SELECT id
        FROM staged_content
        WHERE staged_at < now() - interval '1 hour'
        LIMIT 1
    ))
"""
# What is staged no more is null, which the table refuses; a message that was stored before has its content already.
_FETCH = """
    UPDATE message
    SET content = (SELECT content FROM staged_content WHERE id = pair.staged_id)
    FROM unnest(%(message_ids)s, %(staged_ids)s) AS pair (message_id, staged_id)
    WHERE message.id = pair.message_id AND octet_length(message.content) = 0
"""
_DROP = "DELETE FROM staged_content WHERE id = ANY(%(ids)s)"
_COPY = "COPY staged_content (id, content) FROM STDIN (FORMAT BINARY)"

# postgresql.org/docs, COPY, "Binary Format": signature, flags, extension; then for each row the number of its fields,
# and each field behind its length.
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_FIELDS = (2).to_bytes(2, "big")
_TRAILER = b"\xff\xff"
_PIECE_OCTETS = 131_072


async def put(connection: Connection, content: bytes) -> uuid.UUID:
    """The id under which `content` is staged; what nobody fetched within an hour may go."""
    staged_id = uuid.uuid4()
    async with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        head = _HEADER + _FIELDS + (16).to_bytes(4, "big") + staged_id.bytes + len(content).to_bytes(4, "big")
        await copy.write(head)
        for at in range(0, len(content), _PIECE_OCTETS):
            await copy.write(content[at : at + _PIECE_OCTETS])
        await copy.write(_TRAILER)
    return staged_id


async def fetch(connection: Connection, pairs: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Give each message that was stored, by its id, the content that was staged for it under the other id.

    Raises psycopg.errors.NotNullViolation when that is not there any more.
    """
    staged_ids = [staged_id for _, staged_id in pairs]
    await connection.execute(_FETCH, {"message_ids": [message_id for message_id, _ in pairs], "staged_ids": staged_ids})
    await drop(connection, staged_ids)


async def drop(connection: Connection, staged_ids: Sequence[uuid.UUID]) -> None:
    """Take away what will not be fetched any more."""
    await connection.execute(_DROP, {"ids": list(staged_ids)})


async def drop_abandoned(connection: Connection) -> int:
    """Take away a content that nobody fetched within an hour; how many there were, 0 or 1."""
    cursor = await connection.execute(_DROP_ABANDONED)
    return cursor.rowcount
