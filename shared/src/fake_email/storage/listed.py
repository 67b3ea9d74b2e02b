"""A message as lists and streams show it: its columns, its struct, and the messages with given seqs."""

import datetime
import uuid
from collections.abc import Sequence

import msgspec
from psycopg import sql
from psycopg.rows import DictRow, class_row, dict_row

from fake_email.parsed_message import Attachment, Shown
from fake_email.postgres.connection import Connection
from fake_email.postgres.statements import columns, statement

LISTED_TEXT_OCTETS = 65_536


class Entry(Shown, frozen=True, kw_only=True):
    """The fields of a message in lists with and without texts; `octets` is the content's size."""

    id: uuid.UUID
    seq: int
    received_at: datetime.datetime
    reverse_path: str
    recipient: str
    has_html: bool
    attachments: tuple[Attachment, ...]
    seen: bool
    octets: int


class Listed(Entry, frozen=True, kw_only=True):
    """A message as lists with texts show it; `text` has at most LISTED_TEXT_OCTETS of UTF-8."""

    text: str
    is_cut: bool


# The fields of an Entry that are computed from columns.
COMPUTED = {"has_html": "message.html IS NOT NULL", "octets": "octet_length(message.content)"}


# Postgres cuts the text to a number of characters, which bounds what it sends; `from_row` cuts it to octets.
LISTED = columns(
    "message",
    Listed,
    text="left(message.text, %(text_octets)s)",
    is_cut="octet_length(message.text) > %(text_octets)s",
    **COMPUTED,
)


def octets_of(*names: str) -> sql.Composed:
    """The octets of the JSON in these columns of `message`, as SQL; a small column is not looked into."""
    return sql.SQL(" + ").join(
        sql.SQL("CASE WHEN pg_column_size({column}) > 200 THEN octet_length(({column})::text) ELSE 200 END").format(
            column=sql.Identifier("message", name)
        )
        for name in names
    )


# The octets of the findings of a message and of its people, as JSON.
FINDINGS_OCTETS = octets_of(
    *("attachments", "codes", "links"),
    *("from_addresses", "to_addresses", "cc_addresses", "reply_to_addresses"),
)

_BY_SEQ = statement(
    """
    SELECT {listed}
    FROM message
    WHERE mailbox_id = %(mailbox_id)s AND seq = ANY(%(seqs)s)
    ORDER BY seq
    """,
    listed=LISTED,
)

_SIZES = statement(
    """
    SELECT seq, least(octet_length(text), %(text_octets)s) + {findings} AS octets
    FROM message
    WHERE mailbox_id = %(mailbox_id)s AND seq = ANY(%(seqs)s)
    ORDER BY seq
    """,
    findings=FINDINGS_OCTETS,
)


class _Size(msgspec.Struct, frozen=True, kw_only=True):
    seq: int
    octets: int


async def fetch_listed(
    connection: Connection, mailbox_id: int, *, seqs: Sequence[int], most_octets: int
) -> tuple[set[int], list[Listed]]:
    """The `seqs` that are left in a mailbox, and their messages, oldest first; the caller has checked the token.

    The message that reaches `most_octets` is the last.
    """
    chosen: list[int] = []
    octets = 0
    async with connection.cursor(row_factory=class_row(_Size)) as sizes:
        await sizes.execute(_SIZES, {"mailbox_id": mailbox_id, "seqs": list(seqs), "text_octets": LISTED_TEXT_OCTETS})
        left = await sizes.fetchall()
    for each in left:
        if octets < most_octets:
            chosen.append(each.seq)
        octets += each.octets
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_BY_SEQ, {"mailbox_id": mailbox_id, "seqs": chosen, "text_octets": LISTED_TEXT_OCTETS})
        return {each.seq for each in left}, [from_row(row) async for row in cursor]


def from_row(row: DictRow) -> Listed:
    """The Listed of a row that has the columns LISTED and possibly more."""
    if row["is_cut"]:
        row["text"] = row["text"].encode()[:LISTED_TEXT_OCTETS].decode(errors="ignore")
    return msgspec.convert(row, Listed)
