"""Messages to match: the fields that `wait` compares with its criteria, and the text only when a criterion needs it."""

import datetime
import uuid

import msgspec
from psycopg.rows import class_row

from fake_email.postgres.connection import Connection
from fake_email.postgres.statements import columns, statement
from fake_email.storage.message_list import Cursor


class MatchCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """A message to match; `text` is the whole text, or "" when no criterion needs it."""

    id: uuid.UUID
    seq: int
    received_at: datetime.datetime
    reverse_path: str
    from_header: str
    from_address: str
    subject: str
    text: str
    has_code: bool
    has_link: bool
    has_attachment: bool
    seen: bool


_READ = statement(
    """
    SELECT {page}
    FROM (
        SELECT {message}, sum(octet_length(text)) OVER (ORDER BY seq) - octet_length(text) AS octets_before
        FROM message
        WHERE mailbox_id = %(mailbox_id)s AND seq > %(seq)s AND received_at > %(received_at)s
        ORDER BY seq
        LIMIT %(limit)s
    ) AS page
    WHERE octets_before < %(text_octets)s OR NOT %(with_text)s
    ORDER BY seq
    """,
    page=columns("page", MatchCandidate, text="CASE WHEN %(with_text)s THEN page.text ELSE '' END"),
    message=columns(
        "message",
        MatchCandidate,
        has_code="codes <> '[]'",
        has_link="links <> '[]'",
        has_attachment="attachments <> '[]'",
    ),
)
# A text may have megabytes, and most are small: the message that reaches this total is the last of its page.
_TEXT_OCTETS = 1_048_576


async def read(
    connection: Connection, mailbox_id: int, *, since: Cursor, limit: int, with_text: bool
) -> list[MatchCandidate]:
    """Up to `limit` messages of a mailbox after `since`, oldest first, fewer when their texts are large.

    It is empty only when there are none after `since`. The caller has checked the token.
    """
    async with connection.cursor(row_factory=class_row(MatchCandidate)) as cursor:
        await cursor.execute(
            _READ,
            {
                "mailbox_id": mailbox_id,
                "seq": since.seq,
                "received_at": since.received_at,
                "limit": limit,
                "with_text": with_text,
                "text_octets": _TEXT_OCTETS,
            },
        )
        return await cursor.fetchall()
