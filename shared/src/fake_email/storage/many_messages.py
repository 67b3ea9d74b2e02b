"""Many messages of a mailbox at once: show them in a list, mark them as seen, delete them."""

from collections.abc import Mapping, Sequence

import msgspec
from psycopg import sql
from psycopg.rows import dict_row, scalar_row

from fake_email.postgres.connection import Connection
from fake_email.postgres.notifications import MARKS_PER_PAYLOAD, Deleted, Marked
from fake_email.postgres.statements import columns, statement
from fake_email.storage.attempt_statements import KEEP_ATTEMPTS, OF_DELETED
from fake_email.storage.listed import COMPUTED, FINDINGS_OCTETS, Entry

PREVIEWED_CHARACTERS = 2_000
# A list ends before the message that would pass this total; a larger message comes alone. The text of JSON in Postgres
# is longer than the JSON of the response, and the rest of a message is less than _OTHER_OCTETS.
_LIST_OCTETS = 1_000_000
_OTHER_OCTETS = 4_000


class Summary(Entry, frozen=True, kw_only=True):
    """A message as a list without texts shows it; `text_start` has up to PREVIEWED_CHARACTERS of the text."""

    text_start: str


class SummaryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of a mailbox; `has_more` says that others were left out, for their number or size."""

    summaries: list[Summary]
    has_more: bool


_SUMMARIES = """
    SELECT {page}, found
    FROM (
        SELECT {summary}, count(*) OVER () AS found,
            sum(octets_of.json) OVER (ORDER BY seq {order}) AS octets_so_far,
            row_number() OVER (ORDER BY seq {order}) AS number
        FROM message
        CROSS JOIN LATERAL (
            SELECT {findings} + octet_length(subject) + octet_length(from_header) + %(other_octets)s
        ) AS octets_of (json)
        WHERE mailbox_id = %(mailbox_id)s AND seq = ANY({seqs})
    ) AS page
    WHERE (octets_so_far <= %(octets)s OR number = 1) AND number <= %(limit)s
    ORDER BY seq {order}
"""
# One more than a page has, which tells that there is another page.
_NEXT_SEQS = """ARRAY(
            SELECT seq
            FROM message
            WHERE mailbox_id = %(mailbox_id)s AND seq > %(after_seq)s AND seq < %(before_seq)s
            ORDER BY seq {order}
            LIMIT %(limit)s + 1
        )"""
_PAGE = columns("page", Summary)
_SUMMARY = columns("message", Summary, text_start="left(message.text, %(characters)s)", **COMPUTED)


def _summaries(seqs: str, *, newest_first: bool) -> str:
    order = sql.SQL("DESC" if newest_first else "ASC")
    return statement(
        _SUMMARIES,
        page=_PAGE,
        summary=_SUMMARY,
        findings=FINDINGS_OCTETS,
        order=order,
        seqs=sql.SQL(seqs).format(order=order),
    )


# By whether the newest message comes first.
_READ = {each: _summaries("%(seqs)s", newest_first=each) for each in (False, True)}
_READ_NEXT = {each: _summaries(_NEXT_SEQS, newest_first=each) for each in (False, True)}

# Every writer locks the mailbox before its messages, so that two never deadlock.
_LOCKED = """
    WITH locked AS (
        SELECT id
        FROM mailbox
        WHERE id = %(mailbox_id)s AND expires_at > now()
        FOR NO KEY UPDATE
    )"""

_MARK = f"""{_LOCKED}, marked AS (
        UPDATE message
        SET seen = %(seen)s
        FROM locked
        WHERE message.mailbox_id = locked.id AND message.seq = ANY(%(seqs)s) AND message.seen <> %(seen)s
        RETURNING message.id, message.mailbox_id, message.seq, message.seen
    ), counted AS (
        UPDATE mailbox
        SET changes = changes + (SELECT count(*) FROM marked)
        FROM locked
        WHERE mailbox.id = locked.id AND EXISTS (SELECT FROM marked)
    ), numbered AS (
        SELECT mailbox_id || ':' || seq || ':' || id || ':' || seen::integer AS mark,
            (row_number() OVER (ORDER BY seq) - 1) / %(marks_per_payload)s AS payload
        FROM marked
    ), notified AS (
        SELECT pg_notify(%(channel)s, string_agg(mark, ' '))
        FROM numbered
        GROUP BY payload
    )
    SELECT count(*)
    FROM marked
    WHERE (SELECT count(*) FROM notified) >= 0 -- always true; Postgres skips a CTE that nothing reads
"""  # noqa: S608  # put together from texts of this file

_DELETE = f"""{_LOCKED}, deleted AS (
        DELETE FROM message
        USING locked
        WHERE message.mailbox_id = locked.id AND message.seq = ANY(%(seqs)s)
        RETURNING {OF_DELETED}
    ), {KEEP_ATTEMPTS}, counted AS (
        UPDATE mailbox
        SET message_count = message_count - gone.messages,
            stored_octets = stored_octets - gone.octets,
            changes = changes + gone.messages
        FROM locked, (SELECT count(*) AS messages, coalesce(sum(octets), 0)::bigint AS octets FROM deleted) AS gone
        WHERE mailbox.id = locked.id AND gone.messages > 0
    ), notified AS (
        SELECT pg_notify(%(channel)s, mailbox_id || ':' || seq || ':' || id)
        FROM deleted
    )
    SELECT count(*)
    FROM deleted
    WHERE (SELECT count(*) FROM notified) >= 0 -- always true; Postgres skips a CTE that nothing reads
"""  # noqa: S608  # put together from texts of this file


async def read(
    connection: Connection, mailbox_id: int, seqs: Sequence[int], *, newest_first: bool = False
) -> list[Summary]:
    """The messages of a mailbox with these seqs, in order; fewer when they are large.

    The first of them is always there, unless it was deleted. The caller has checked the token.
    """
    asked = {"mailbox_id": mailbox_id, "seqs": list(seqs), "limit": len(seqs)}
    return (await _page(connection, _READ[newest_first], asked)).summaries


async def read_next(
    connection: Connection, mailbox_id: int, *, after_seq: int, before_seq: int, limit: int, newest_first: bool
) -> SummaryPage:
    """The first `limit` messages of a mailbox between two seqs, in order; fewer when they are large.

    The caller has checked the token.
    """
    asked = {"mailbox_id": mailbox_id, "after_seq": after_seq, "before_seq": before_seq, "limit": limit}
    return await _page(connection, _READ_NEXT[newest_first], asked)


async def _page(connection: Connection, query: str, asked: Mapping[str, object]) -> SummaryPage:
    octets = {"characters": PREVIEWED_CHARACTERS, "octets": _LIST_OCTETS, "other_octets": _OTHER_OCTETS}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, {**asked, **octets})
        rows = await cursor.fetchall()
    return SummaryPage(
        summaries=[msgspec.convert(row, Summary) for row in rows], has_more=bool(rows) and rows[0]["found"] > len(rows)
    )


async def mark(connection: Connection, mailbox_id: int, seqs: Sequence[int], *, seen: bool) -> int:
    """Set the flag `seen` of these messages; the number of those that had another. The caller has checked the token."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            _MARK,
            {
                "mailbox_id": mailbox_id,
                "seqs": list(seqs),
                "seen": seen,
                "channel": Marked.CHANNEL,
                "marks_per_payload": MARKS_PER_PAYLOAD,
            },
        )
        marked: int = await cursor.fetchone() or 0
    return marked


async def delete(connection: Connection, mailbox_id: int, seqs: Sequence[int]) -> int:
    """Delete these messages and notify of each; their number. The caller has checked the token."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_DELETE, {"mailbox_id": mailbox_id, "seqs": list(seqs), "channel": Deleted.CHANNEL})
        deleted: int = await cursor.fetchone() or 0
    return deleted
