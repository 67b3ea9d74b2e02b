"""Pages of a mailbox: what lists and streams show of its messages, in the order in which they were committed."""

import datetime
import uuid

import msgspec
from psycopg.rows import TupleRow

from fake_email.errors import MailboxNotFound
from fake_email.parsed_message import Attachment, Code, Link
from fake_email.postgres.pool import Connection
from fake_email.storage.mailboxes import Mailbox, MailboxState, may_read

LISTED_TEXT_OCTETS = 65_536

_READ = """
    SELECT mailbox.id, mailbox.token_sha256, mailbox.expires_at, mailbox.last_seq,
        page.id, page.seq, page.received_at, page.reverse_path, page.recipient, page.from_header, page.from_address,
        page.subject, page.date_header, page.text, page.is_cut, page.has_html, page.attachments, page.codes, page.links,
        page.seen, page.octets
    FROM mailbox
    LEFT JOIN LATERAL (
        SELECT id, seq, received_at, reverse_path, recipient, from_header, from_address, subject, date_header,
            left(text, %(text_octets)s) AS text, octet_length(text) > %(text_octets)s AS is_cut,
            html IS NOT NULL AS has_html, attachments::text AS attachments, codes::text AS codes, links::text AS links,
            seen, octet_length(content) AS octets
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
    ) AS page ON true
    WHERE mailbox.address = %(address)s AND mailbox.expires_at > now()
    ORDER BY page.seq
"""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a mailbox's order: after this seq, and after this time."""

    seq: int = 0
    received_at: datetime.datetime = datetime.datetime.min.replace(tzinfo=datetime.UTC)


END = Cursor(seq=2**63 - 1, received_at=datetime.datetime.max.replace(tzinfo=datetime.UTC))


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A message as lists show it; `text` is at most LISTED_TEXT_OCTETS of UTF-8, `octets` the size of its content."""

    id: uuid.UUID
    seq: int
    received_at: datetime.datetime
    reverse_path: str
    recipient: str
    from_header: str
    from_address: str
    subject: str
    date_header: datetime.datetime | None
    text: str
    is_cut: bool
    has_html: bool
    attachments: tuple[Attachment, ...]
    codes: tuple[Code, ...]
    links: tuple[Link, ...]
    seen: bool
    octets: int


async def read(
    connection: Connection,
    *,
    address: str,
    token_sha256: bytes | None,
    since: Cursor,
    limit: int,
    before: Cursor = END,
) -> tuple[Mailbox, list[Listed]]:
    """The live mailbox of `address`, and up to `limit` of its messages past `since`, oldest first.

    Where they must be `before` a place too, the last of them. Raises MailboxNotFound when there is none or it wants
    another token.
    """
    cursor = await connection.execute(
        _READ,
        {
            "address": address,
            "token_sha256": token_sha256,
            "seq": since.seq,
            "received_at": since.received_at,
            "before_seq": before.seq,
            "before_received_at": before.received_at,
            "backwards": before is not END,
            "limit": limit,
            "text_octets": LISTED_TEXT_OCTETS,
        },
    )
    rows = await cursor.fetchall()
    if not rows or not may_read(rows[0][1], token_sha256):
        raise MailboxNotFound
    mailbox = Mailbox(**dict(zip(Mailbox.__struct_fields__, rows[0][:4], strict=True)))
    return mailbox, [listed(row[4:]) for row in rows if row[4] is not None]


def rewind(since: Cursor, *, before: int, last_seq: int) -> Cursor:
    """`since`, or the mailbox's end if that was further `before`: what comes is counted from there.

    It was so when its newest mail is lost: on a replica that took its primary's place before it had got that.
    """
    return Cursor(seq=last_seq) if last_seq < min(before, since.seq) else since


def may_have(mailbox: MailboxState, *, past: Cursor) -> bool:
    """Whether there may be messages past this place; those that came may have been deleted."""
    return (
        mailbox.last_seq > past.seq
        and mailbox.last_received_at is not None
        and mailbox.last_received_at > past.received_at
    )


def listed(row: TupleRow) -> Listed:
    """The Listed of a row that has its columns in order, JSON as text, and a text that may be longer."""
    values = dict(zip(Listed.__struct_fields__, row, strict=True))
    values["attachments"] = msgspec.json.decode(values["attachments"], type=tuple[Attachment, ...])
    values["codes"] = msgspec.json.decode(values["codes"], type=tuple[Code, ...])
    values["links"] = msgspec.json.decode(values["links"], type=tuple[Link, ...])
    if values["is_cut"]:
        values["text"] = values["text"].encode()[:LISTED_TEXT_OCTETS].decode(errors="ignore")
    return Listed(**values)
