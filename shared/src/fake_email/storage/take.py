"""Taking messages: mark them as seen and return them in one transaction, so that each goes to one caller."""

import sys
import uuid
from collections.abc import Sequence

import msgspec
from psycopg.rows import DictRow, scalar_row

from fake_email.errors import MessageNotFound
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import RunsWrites
from fake_email.storage import many_messages, message, message_list
from fake_email.storage.message import Decode, OpenedMessage
from fake_email.storage.message_list import Listed

_UNSEEN = """
    SELECT seq
    FROM message
    WHERE mailbox_id = %(mailbox_id)s AND seq = ANY(%(seqs)s) AND NOT seen
"""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The messages taken, oldest first, and the whole of the first."""

    first: OpenedMessage
    listed: list[Listed]


async def take(
    database: RunsWrites,
    mailbox_id: int,
    *,
    seqs: Sequence[int],
    first_id: uuid.UUID,
    token_sha256: bytes | None,
    most_octets: int,
    decode: Decode = message.in_thread,
) -> Taken:
    """Mark the messages of a mailbox with these seqs as seen, and return them; the first has the id `first_id`.

    The message that reaches `most_octets` is the last that is taken; `decode` is as for `message.fetch`. Raises
    MessageNotFound, having taken none, when one of the messages was deleted, was seen already, or has a mailbox with
    another token.
    """
    was_marked = False

    async def mark(connection: Connection) -> tuple[DictRow, list[Listed]]:
        nonlocal was_marked
        async with connection.transaction():
            left, listed = await message_list.by_seq(connection, mailbox_id, seqs=seqs, most_octets=most_octets)
            row = await message.read_row(
                connection, message_id=first_id, token_sha256=token_sha256, most_octets=sys.maxsize
            )
            marked = await many_messages.mark(connection, mailbox_id, [each.seq for each in listed], seen=True)
            # A connection may be lost after its commit: this work then runs again, and finds its own mark.
            if row is None or len(left) < len(seqs) or (marked < len(listed) and not was_marked):
                raise MessageNotFound
            was_marked = True
            return row | {"seen": True}, [msgspec.structs.replace(each, seen=True) for each in listed]

    row, listed = await database.write(mark)
    return Taken(first=await message.opened(row, decode), listed=listed)


async def unseen(connection: Connection, mailbox_id: int, *, seqs: Sequence[int]) -> set[int]:
    """Those of these seqs that are in the mailbox and not marked as seen."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_UNSEEN, {"mailbox_id": mailbox_id, "seqs": list(seqs)})
        return set(await cursor.fetchall())
