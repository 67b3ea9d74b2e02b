"""Pages of a mailbox: its messages as lists and streams show them, in the order of their commits."""

import datetime
from collections.abc import Sequence

import msgspec
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from fake_email.errors import MailboxNotFound
from fake_email.postgres.connection import Connection
from fake_email.postgres.statements import columns, statement
from fake_email.storage import listed
from fake_email.storage.listed import FINDINGS_OCTETS, LISTED, LISTED_TEXT_OCTETS, Listed
from fake_email.storage.mailboxes import Mailbox, MailboxState, may_read


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """A position in a mailbox's order: after this seq, and after this time."""

    seq: int = 0
    received_at: datetime.datetime = datetime.datetime.min.replace(tzinfo=datetime.UTC)


START = Cursor()
END = Cursor(seq=2**63 - 1, received_at=datetime.datetime.max.replace(tzinfo=datetime.UTC))


class ShortPage(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox and some of its messages, oldest first; `is_short` says that their size left others out."""

    mailbox: Mailbox
    messages: list[Listed]
    is_short: bool


# The messages of a page, for a statement that reads `mailbox` beside them.
FOUND = """
        FROM message
        WHERE mailbox_id = mailbox.id AND (mailbox.token_sha256 IS NULL OR mailbox.token_sha256 = %(token_sha256)s)
            AND seq > %(seq)s AND received_at > %(received_at)s
            AND seq < %(before_seq)s AND received_at < %(before_received_at)s
            AND seq > CASE WHEN %(backwards)s THEN coalesce((
                SELECT older.seq
                FROM message AS older
                WHERE older.mailbox_id = mailbox.id
                    AND older.seq < %(before_seq)s AND older.received_at < %(before_received_at)s
                ORDER BY older.seq DESC
                OFFSET %(limit)s
                LIMIT 1
            ), 0) ELSE 0 END
        ORDER BY seq
        LIMIT %(limit)s
"""

_READ = statement(
    """
    SELECT mailbox.id AS mailbox_id, mailbox.token_sha256, mailbox.expires_at, mailbox.last_seq, {page}
    FROM mailbox
    LEFT JOIN LATERAL (
        SELECT {listed}
        {found}
    ) AS page ON true
    WHERE mailbox.address = %(address)s AND mailbox.expires_at > now()
    ORDER BY page.seq
    """,
    page=columns("page", Listed),
    listed=LISTED,
    found=sql.SQL(FOUND),
)

# The sizes are known without the values, so that no value is read of a message that the page leaves out.
_SUMMED = sql.SQL("""
        SELECT seq, octets, octets_before, max(octets_before) OVER () >= %(most_octets)s AS is_short
        FROM (
            SELECT seq, octets,
                sum(octets) OVER (ORDER BY CASE WHEN %(backwards)s THEN -seq ELSE seq END) - octets AS octets_before
            FROM (
                SELECT seq, least(octet_length(text), %(text_octets)s) + {findings} AS octets
                {found}
            ) AS sized
        ) AS summed
""").format(findings=FINDINGS_OCTETS, found=sql.SQL(FOUND))

_READ_SHORT = statement(
    """
    SELECT mailbox.id AS mailbox_id, mailbox.token_sha256, mailbox.expires_at, mailbox.last_seq, is_short, {listed}
    FROM mailbox
    LEFT JOIN LATERAL (
        {summed}
    ) AS page ON octets_before < %(most_octets)s
    LEFT JOIN message ON message.mailbox_id = mailbox.id AND message.seq = page.seq
    WHERE mailbox.address = %(address)s AND mailbox.expires_at > now()
    ORDER BY page.seq
    """,
    listed=LISTED,
    summed=_SUMMED,
)

_WEIGH_SHORT = statement(
    """
    SELECT mailbox.token_sha256, coalesce(sum(page.octets), 0)::bigint AS octets
    FROM mailbox
    LEFT JOIN LATERAL (
        {summed}
    ) AS page ON octets_before < %(most_octets)s
    WHERE mailbox.address = %(address)s AND mailbox.expires_at > now()
    GROUP BY mailbox.id
    """,
    summed=_SUMMED,
)

_LAST_SEQS = """
    SELECT wanted.id AS mailbox_id, last.seq
    FROM unnest(%(mailbox_ids)s::bigint[]) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT seq
        FROM message
        WHERE mailbox_id = wanted.id AND received_at <= %(received_at)s
        ORDER BY seq DESC
        LIMIT 1
    ) AS last
"""


async def read(
    connection: Connection,
    *,
    address: str,
    token_sha256: bytes | None,
    since: Cursor,
    limit: int,
    before: Cursor = END,
) -> tuple[Mailbox, list[Listed]]:
    """The live mailbox of `address`, and the oldest `limit` of its messages after `since`, oldest first.

    With `before`, the newest `limit` of those before that position. Raises MailboxNotFound when no live mailbox has the
    address, or the mailbox has another token.
    """
    rows = await _rows(connection, _READ, parameters(address, token_sha256, since, limit, before))
    return _mailbox(rows), [listed.from_row(row) for row in rows if row["id"] is not None]


async def read_short(
    connection: Connection,
    *,
    address: str,
    token_sha256: bytes | None,
    since: Cursor,
    limit: int,
    most_octets: int,
    before: Cursor = END,
) -> ShortPage:
    """As `read`, but the message that reaches `most_octets` is the last that is read; there is one at least."""
    values = parameters(address, token_sha256, since, limit, before) | {"most_octets": most_octets}
    rows = await _rows(connection, _READ_SHORT, values)
    return ShortPage(
        mailbox=_mailbox(rows),
        messages=[listed.from_row(row) for row in rows if row["id"] is not None],
        is_short=bool(rows[0]["is_short"]),
    )


async def weigh_short(
    connection: Connection,
    *,
    address: str,
    token_sha256: bytes | None,
    since: Cursor,
    limit: int,
    most_octets: int,
    before: Cursor = END,
) -> int:
    """The octets that `read_short` would read; with so many as its `most_octets` it reads no more, whatever arrives."""
    values = parameters(address, token_sha256, since, limit, before) | {"most_octets": most_octets}
    rows = await _rows(connection, _WEIGH_SHORT, values)
    octets: int = rows[0]["octets"]
    return max(octets, 1)


def parameters(
    address: str, token_sha256: bytes | None, since: Cursor, limit: int, before: Cursor
) -> dict[str, object]:
    """The parameters of a statement with FOUND."""
    return {
        "address": address,
        "token_sha256": token_sha256,
        "seq": since.seq,
        "received_at": since.received_at,
        "before_seq": before.seq,
        "before_received_at": before.received_at,
        "backwards": before is not END,
        "limit": limit,
        "text_octets": LISTED_TEXT_OCTETS,
    }


async def _rows(connection: Connection, query: str, parameters: dict[str, object]) -> list[DictRow]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, parameters)
        rows = await cursor.fetchall()
    token_sha256 = parameters["token_sha256"]
    if not rows or not may_read(rows[0]["token_sha256"], token_sha256 if isinstance(token_sha256, bytes) else None):
        raise MailboxNotFound
    return rows


def _mailbox(rows: list[DictRow]) -> Mailbox:
    return msgspec.convert({**rows[0], "id": rows[0]["mailbox_id"]}, Mailbox)


async def last_seqs(
    connection: Connection, mailbox_ids: Sequence[int], *, received_at: datetime.datetime
) -> dict[int, int]:
    """The seq of the last message up to this time, by mailbox; nothing of a mailbox without one."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_LAST_SEQS, {"mailbox_ids": list(mailbox_ids), "received_at": received_at})
        return {row["mailbox_id"]: row["seq"] for row in await cursor.fetchall()}


def rewind(since: Cursor, *, before: int, last_seq: int) -> Cursor:
    """`since`, or the mailbox's end when its last_seq has fallen below both `since` and `before`, an earlier last_seq.

    It falls when a replica takes over without the newest messages of the failed primary, which are lost then.
    """
    return Cursor(seq=last_seq) if last_seq < min(before, since.seq) else since


def may_have(mailbox: MailboxState, *, past: Cursor) -> bool:
    """False when the mailbox never had a message past this cursor; True even when they were all deleted since."""
    return (
        mailbox.last_seq > past.seq
        and mailbox.last_received_at is not None
        and mailbox.last_received_at > past.received_at
    )
