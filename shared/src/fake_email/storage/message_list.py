"""Pages of a mailbox: its messages as lists and streams show them, in the order of their commits."""

import datetime
import uuid
from collections.abc import Sequence

import msgspec
from psycopg.rows import DictRow, dict_row

from fake_email.errors import MailboxNotFound
from fake_email.parsed_message import Attachment, Shown
from fake_email.postgres.connection import Connection
from fake_email.postgres.statements import columns, statement
from fake_email.storage.mailboxes import Mailbox, MailboxState, may_read

LISTED_TEXT_OCTETS = 65_536


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """A position in a mailbox's order: after this seq, and after this time."""

    seq: int = 0
    received_at: datetime.datetime = datetime.datetime.min.replace(tzinfo=datetime.UTC)


START = Cursor()
END = Cursor(seq=2**63 - 1, received_at=datetime.datetime.max.replace(tzinfo=datetime.UTC))


class Listed(Shown, frozen=True, kw_only=True):
    """A message as lists show it; `text` has at most LISTED_TEXT_OCTETS of UTF-8, `octets` is the content's size."""

    id: uuid.UUID
    seq: int
    received_at: datetime.datetime
    reverse_path: str
    recipient: str
    text: str
    is_cut: bool
    has_html: bool
    attachments: tuple[Attachment, ...]
    seen: bool
    octets: int


# Postgres cuts the text to a number of characters, which bounds what it sends; `listed` cuts it to octets.
LISTED = columns(
    "message",
    Listed,
    text="left(message.text, %(text_octets)s)",
    is_cut="octet_length(message.text) > %(text_octets)s",
    has_html="message.html IS NOT NULL",
    octets="octet_length(message.content)",
)

_READ = statement(
    """
    SELECT mailbox.id AS mailbox_id, mailbox.token_sha256, mailbox.expires_at, mailbox.last_seq, {page}
    FROM mailbox
    LEFT JOIN LATERAL (
        SELECT {listed}
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
    """,
    page=columns("page", Listed),
    listed=LISTED,
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
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
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
    if not rows or not may_read(rows[0]["token_sha256"], token_sha256):
        raise MailboxNotFound
    mailbox = msgspec.convert({**rows[0], "id": rows[0]["mailbox_id"]}, Mailbox)
    return mailbox, [listed(row) for row in rows if row["id"] is not None]


async def by_seq(connection: Connection, mailbox_id: int, *, seqs: Sequence[int]) -> list[Listed]:
    """The messages of a mailbox with these seqs, oldest first; the caller has checked the token."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_BY_SEQ, {"mailbox_id": mailbox_id, "seqs": list(seqs), "text_octets": LISTED_TEXT_OCTETS})
        return [listed(row) async for row in cursor]


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


def listed(row: DictRow) -> Listed:
    """The Listed of a row that has the columns LISTED and possibly more."""
    if row["is_cut"]:
        row["text"] = row["text"].encode()[:LISTED_TEXT_OCTETS].decode(errors="ignore")
    return msgspec.convert(row, Listed)
