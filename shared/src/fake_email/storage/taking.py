"""Taking messages: mark them as seen and return them in one transaction, so that each goes to one caller."""

import sys
import uuid
from collections.abc import Sequence

import msgspec
from psycopg.rows import DictRow, scalar_row

from fake_email.errors import MessageNotFound
from fake_email.postgres.connection import Connection
from fake_email.postgres.runs import RunsWrites
from fake_email.storage import many_messages, message
from fake_email.storage.listed import Listed, fetch_listed
from fake_email.storage.message import Decode, OpenedMessage

_UNSEEN = """
    SELECT seq
    FROM message
    WHERE mailbox_id = %(mailbox_id)s AND seq = ANY(%(seqs)s) AND NOT seen
"""

_TRANSACTION = "SELECT pg_current_xact_id()::text"

# After a crash of Postgres, a transaction without a commit is aborted.
_WAS_COMMITTED = "SELECT pg_xact_status(%(transaction)s::xid8) = 'committed'"


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
    # The transactions of this call that set a mark, also those whose commit was lost with the connection.
    transactions: list[str] = []

    async def mark(connection: Connection) -> tuple[DictRow, list[Listed]]:
        async with connection.transaction():
            left, listed = await fetch_listed(connection, mailbox_id, seqs=seqs, most_octets=most_octets)
            row = await message.read_row(
                connection, message_id=first_id, token_sha256=token_sha256, most_octets=sys.maxsize
            )
            marked = await many_messages.mark(connection, mailbox_id, [each.seq for each in listed], seen=True)
            if row is None or len(left) < len(seqs):
                raise MessageNotFound
            if marked == len(listed):
                transactions.append(await _transaction(connection))
            elif not await _is_one_committed(connection, transactions):
                raise MessageNotFound
            return row | {"seen": True}, [msgspec.structs.replace(each, seen=True) for each in listed]

    row, listed = await database.write(mark)
    return Taken(first=await message.opened(row, decode), listed=listed)


async def unseen(connection: Connection, mailbox_id: int, *, seqs: Sequence[int]) -> set[int]:
    """The `seqs` that are in the mailbox and not marked as seen."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_UNSEEN, {"mailbox_id": mailbox_id, "seqs": list(seqs)})
        return set(await cursor.fetchall())


async def _transaction(connection: Connection) -> str:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_TRANSACTION)
        return str(await cursor.fetchone())


async def _is_one_committed(connection: Connection, transactions: Sequence[str]) -> bool:
    """True when the work runs again after a commit whose answer was lost: the marks are those of this call."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        for transaction in transactions:
            await cursor.execute(_WAS_COMMITTED, {"transaction": transaction})
            if await cursor.fetchone():
                return True
    return False
