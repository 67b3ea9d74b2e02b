"""Blocks: the domains and networks whose mail the operator refuses."""

import datetime

import msgspec
from psycopg.rows import class_row

from fake_email.postgres.connection import Connection

# A daemon reads at most so many; the command refuses to add more.
MAX_BLOCKS = 10_000

_ADD = """
    INSERT INTO block (sender, reply, blocked_by)
    SELECT %(sender)s, %(reply)s, %(blocked_by)s
    WHERE (SELECT count(*) FROM block) < %(most)s OR EXISTS (SELECT FROM block WHERE sender = %(sender)s)
    ON CONFLICT ON CONSTRAINT block_pkey
        DO UPDATE SET reply = excluded.reply, blocked_by = excluded.blocked_by, blocked_at = now()
"""

_LIST = "SELECT sender, reply, blocked_by, blocked_at FROM block ORDER BY sender LIMIT %(most)s"


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A refused domain, with its subdomains, or a refused network; `reply` is the text after the reply codes."""

    sender: str
    reply: str
    blocked_by: str
    blocked_at: datetime.datetime


async def add(connection: Connection, *, sender: str, reply: str, blocked_by: str) -> bool:
    """Block a sender, or change its block; False when there are MAX_BLOCKS others."""
    cursor = await connection.execute(
        _ADD, {"sender": sender, "reply": reply, "blocked_by": blocked_by, "most": MAX_BLOCKS}
    )
    return cursor.rowcount == 1


async def remove(connection: Connection, sender: str) -> bool:
    """Take a block back; False when there is none."""
    cursor = await connection.execute("DELETE FROM block WHERE sender = %(sender)s", {"sender": sender})
    return cursor.rowcount == 1


async def fetch_all(connection: Connection) -> list[Block]:
    """All blocks, by sender."""
    async with connection.cursor(row_factory=class_row(Block)) as cursor:
        await cursor.execute(_LIST, {"most": MAX_BLOCKS})
        return await cursor.fetchall()
