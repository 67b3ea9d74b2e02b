"""The newest seq of the mailboxes that streams and waiting calls watch, and the seconds until each expires."""

from collections.abc import Sequence

import msgspec
from psycopg.rows import class_row

from fake_email.postgres.connection import Connection

_NEWEST_SEQS = "SELECT id, last_seq FROM mailbox WHERE id = ANY(%(ids)s) AND expires_at > now()"

_SECONDS_LEFT = """
    SELECT id, extract(epoch FROM expires_at - now())::double precision AS seconds
    FROM mailbox
    WHERE id = ANY(%(ids)s) AND expires_at > now()
"""


class _NewestSeq(msgspec.Struct, frozen=True):
    id: int
    last_seq: int


class _SecondsLeft(msgspec.Struct, frozen=True):
    id: int
    seconds: float


async def newest_seqs(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """The last_seq of each live mailbox in `ids`, by id."""
    async with connection.cursor(row_factory=class_row(_NewestSeq)) as cursor:
        await cursor.execute(_NEWEST_SEQS, {"ids": list(ids)})
        return {each.id: each.last_seq for each in await cursor.fetchall()}


async def seconds_left(connection: Connection, ids: Sequence[int]) -> dict[int, float]:
    """The seconds until each live mailbox in `ids` expires, by the database's clock, by id."""
    async with connection.cursor(row_factory=class_row(_SecondsLeft)) as cursor:
        await cursor.execute(_SECONDS_LEFT, {"ids": list(ids)})
        return {each.id: each.seconds for each in await cursor.fetchall()}
