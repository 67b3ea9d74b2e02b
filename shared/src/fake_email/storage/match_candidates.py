"""Messages to match: the fields that a search compares with its clauses, and the text only when a clause needs it."""

import datetime
import uuid
from collections.abc import Sequence

import msgspec
from psycopg import sql
from psycopg.rows import class_row

from fake_email.postgres.connection import Connection
from fake_email.postgres.statements import columns, statement
from fake_email.storage.message_conditions import Condition, where
from fake_email.storage.message_list import END, START, Cursor


class MatchCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """A message to match; `text` is the whole text, or "" when no clause needs it. `codes` has their values."""

    id: uuid.UUID
    seq: int
    received_at: datetime.datetime
    reverse_path: str
    recipient: str
    from_header: str
    from_address: str
    subject: str
    text: str
    codes: list[str]
    has_link: bool
    has_attachment: bool
    seen: bool
    octets: int


_PAGE = columns("page", MatchCandidate, text="CASE WHEN %(with_text)s THEN page.text ELSE '' END")
_MESSAGE = columns(
    "message",
    MatchCandidate,
    codes="jsonb_path_query_array(codes, '$[*].value')",
    has_link="links <> '[]'",
    has_attachment="attachments <> '[]'",
    octets="octet_length(content)",
)
_READ = """
    SELECT {page}
    FROM (
        SELECT {message},
            sum(octet_length(text)) OVER (ORDER BY seq {order}) - octet_length(text) AS octets_before
        FROM message
        WHERE mailbox_id = %(mailbox_id)s AND seq > %(seq)s AND received_at > %(received_at)s
            AND seq < %(before_seq)s AND {where}
        ORDER BY seq {order}
        LIMIT %(limit)s
    ) AS page
    WHERE octets_before < %(text_octets)s OR NOT %(with_text)s
    ORDER BY seq {order}
"""


def _statement(wanted: sql.Composable, *, newest_first: bool) -> str:
    order = sql.SQL("DESC" if newest_first else "ASC")
    return statement(_READ, page=_PAGE, message=_MESSAGE, order=order, where=wanted)


# The statements of most calls, by whether the newest message comes first.
_READ_ALL = {each: _statement(where(())[0], newest_first=each) for each in (False, True)}
# A text may have megabytes, and most are small: the message that reaches this total is the last of its page.
_TEXT_OCTETS = 262_144
# A character of one octet may take three in UTF-8.
TEXT_FACTOR = 4
# The memory of one page; its last text may have the greatest length.
MOST_OCTETS = 4_194_304


async def read(
    connection: Connection,
    mailbox_id: int,
    *,
    since: Cursor = START,
    before_seq: int = END.seq,
    limit: int,
    with_text: bool,
    conditions: Sequence[Condition] = (),
    newest_first: bool = False,
) -> list[MatchCandidate]:
    """Up to `limit` messages of a mailbox after `since` and before `before_seq`, fewer when their texts are large.

    It is empty only when there are none that meet all `conditions`. The caller has checked the token.
    """
    query, parameters = _READ_ALL[newest_first], dict[str, object]()
    if conditions:
        wanted, parameters = where(conditions)
        query = _statement(wanted, newest_first=newest_first)
    async with connection.cursor(row_factory=class_row(MatchCandidate)) as cursor:
        await cursor.execute(
            query,
            {
                "mailbox_id": mailbox_id,
                "seq": since.seq,
                "received_at": since.received_at,
                "before_seq": before_seq,
                "limit": limit,
                "with_text": with_text,
                "text_octets": _TEXT_OCTETS,
                **parameters,
            },
        )
        return await cursor.fetchall()
