"""Content that is too large for a statement's parameters, put where the statement finds it.

libpq sends a statement from one buffer, and moves what is left of it forward each time the socket took some: for 20 MB
that held up the event loop for 0.1 s at a stretch, where COPY takes its pieces one by one.
"""

import uuid

from fake_email.database import Connection

_DROP_ABANDONED = "DELETE FROM staged_content WHERE staged_at < now() - interval '1 hour'"
_DROP = "DELETE FROM staged_content WHERE id = %(id)s"
_COPY = "COPY staged_content (id, content) FROM STDIN (FORMAT BINARY)"

# postgresql.org/docs, COPY, "Binary Format": signature, flags, extension; then for each row the number of its fields,
# and each field behind its length.
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_FIELDS = (2).to_bytes(2, "big")
_TRAILER = b"\xff\xff"
_PIECE_OCTETS = 131_072


async def put(connection: Connection, content: bytes) -> uuid.UUID:
    """The id under which `content` is staged; what nobody fetched within an hour goes."""
    staged_id = uuid.uuid4()
    await connection.execute(_DROP_ABANDONED)
    async with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        head = _HEADER + _FIELDS + (16).to_bytes(4, "big") + staged_id.bytes + len(content).to_bytes(4, "big")
        await copy.write(head)
        for at in range(0, len(content), _PIECE_OCTETS):
            await copy.write(content[at : at + _PIECE_OCTETS])
        await copy.write(_TRAILER)
    return staged_id


async def drop(connection: Connection, staged_id: uuid.UUID | None) -> None:
    """Take away what will not be fetched."""
    await connection.execute(_DROP, {"id": staged_id})
