"""Messages to match: the fields that a search compares with its clauses, and the large ones only for those clauses."""

import datetime
import uuid
from collections.abc import Sequence
from typing import Literal

import msgspec
from psycopg import sql
from psycopg.rows import class_row

from fake_email.postgres.connection import Connection
from fake_email.postgres.statements import columns, statement
from fake_email.storage.listed import octets_of
from fake_email.storage.message_conditions import Condition, where
from fake_email.storage.message_list import END, START, Cursor

# A field that only some clauses compare: the text; the people in To, Cc and Reply-To.
Need = Literal["text", "people"]
Needs = frozenset[Need]


class MatchCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """A message to match; `codes` has their values, and `text` is the whole text.

    `to_people`, `cc_people` and `reply_to_people` are the names and addresses in these header fields, one a line. What
    no clause needs is "".
    """

    id: uuid.UUID
    seq: int
    received_at: datetime.datetime
    reverse_path: str
    recipient: str
    to_people: str
    cc_people: str
    reply_to_people: str
    from_header: str
    from_address: str
    subject: str
    text: str
    codes: list[str]
    has_link: bool
    has_attachment: bool
    seen: bool
    octets: int


_PEOPLE = """
    CASE WHEN %(with_people)s THEN coalesce((
        SELECT string_agg(each #>> '{{}}', E'\\n')
        FROM jsonb_path_query(page.{field}, '$[*].* ? (@ <> "")') AS each
    ), '') ELSE '' END
"""
_PAGE = columns(
    "page",
    MatchCandidate,
    text="CASE WHEN %(with_text)s THEN page.text ELSE '' END",
    **{field: _PEOPLE.format(field=field) for field in ("to_people", "cc_people", "reply_to_people")},
)
_MESSAGE = columns(
    "message",
    MatchCandidate,
    codes="jsonb_path_query_array(codes, '$[*].value')",
    has_link="links <> '[]'",
    has_attachment="attachments <> '[]'",
    octets="octet_length(content)",
    to_people="to_addresses",
    cc_people="cc_addresses",
    reply_to_people="reply_to_addresses",
)
# The octets that are read of a message. A small list of people is not looked into.
_OCTETS = sql.SQL("""
    CASE WHEN %(with_text)s THEN octet_length(text) ELSE 0 END
    + CASE WHEN %(with_people)s THEN {people} ELSE 0 END
""").format(people=octets_of("to_addresses", "cc_addresses", "reply_to_addresses"))
_READ = """
    SELECT {page}
    FROM (
        SELECT {message},
            sum({octets}) OVER (ORDER BY seq {order}) - ({octets}) AS octets_before
        FROM message
        WHERE mailbox_id = %(mailbox_id)s AND seq > %(seq)s AND received_at > %(received_at)s
            AND seq < %(before_seq)s AND {where}
        ORDER BY seq {order}
        LIMIT %(limit)s
    ) AS page
    WHERE octets_before < %(text_octets)s
    ORDER BY seq {order}
"""


def _statement(wanted: sql.Composable, *, newest_first: bool) -> str:
    order = sql.SQL("DESC" if newest_first else "ASC")
    return statement(_READ, page=_PAGE, message=_MESSAGE, octets=_OCTETS, order=order, where=wanted)


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
    needs: Needs,
    conditions: Sequence[Condition] = (),
    newest_first: bool = False,
) -> list[MatchCandidate]:
    """Up to `limit` messages of a mailbox after `since` and before `before_seq`, with what `needs` names.

    They are fewer when what `needs` names is large. The list is empty only when there are none that meet all
    `conditions`. The caller has checked the token.
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
                "with_text": "text" in needs,
                "with_people": "people" in needs,
                "text_octets": _TEXT_OCTETS,
                **parameters,
            },
        )
        return await cursor.fetchall()


def characters(candidate: MatchCandidate) -> int:
    """The characters of the fields that only some clauses need."""
    return sum(map(len, (candidate.text, candidate.to_people, candidate.cc_people, candidate.reply_to_people)))


def without_texts(candidate: MatchCandidate) -> MatchCandidate:
    """The candidate after its comparison, without the fields that only some clauses need."""
    return msgspec.structs.replace(candidate, text="", to_people="", cc_people="", reply_to_people="")
