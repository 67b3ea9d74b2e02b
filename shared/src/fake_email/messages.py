"""Messages in Postgres: stored in batches, exactly once each, and read in the one order that every reader sees."""

import datetime
import secrets
import time
import uuid
from collections.abc import Sequence

import msgspec
from psycopg.rows import TupleRow

from fake_email import staged
from fake_email.codes import Code
from fake_email.database import Connection
from fake_email.errors import MailboxNotFound
from fake_email.events import CHANNEL, PAIRS_PER_EVENT
from fake_email.links import Link
from fake_email.mailboxes import Mailbox, Reached, may_read
from fake_email.mime import Attachment, ParsedMessage

LISTED_TEXT_OCTETS = 65_536

# `live` locks in one order for everybody, so that two writers never wait for each other in a ring. What another
# writer committed while this one waited is not in this statement's snapshot: then the unique constraint fails
# the statement, and the caller stores again.
_STORE = """
    WITH delivery AS (
        SELECT *
        FROM unnest(
            %(ordinals)b::integer[], %(ids)b::uuid[], %(mailbox_ids)b::bigint[], %(recipients)b::text[],
            %(delivery_sha256s)b::bytea[], %(delivery_octets)b::bigint[]
        ) AS delivery (ordinal, id, mailbox_id, recipient, content_sha256, octets)
    ), live AS (
        SELECT id
        FROM mailbox
        WHERE id = ANY(%(mailbox_ids)b) AND expires_at > now()
        ORDER BY id
        FOR NO KEY UPDATE
    ), fresh AS (
        SELECT DISTINCT ON (delivery.mailbox_id, delivery.content_sha256) delivery.*
        FROM delivery
        JOIN live ON live.id = delivery.mailbox_id
        WHERE NOT EXISTS (
            SELECT
            FROM message
            WHERE message.mailbox_id = delivery.mailbox_id AND message.content_sha256 = delivery.content_sha256
        )
        ORDER BY delivery.mailbox_id, delivery.content_sha256, delivery.ordinal
    ), growth AS (
        SELECT mailbox_id, count(*) AS messages, sum(octets)::bigint AS octets
        FROM fresh
        GROUP BY mailbox_id
    ), advanced AS (
        UPDATE mailbox
        SET last_seq = last_seq + growth.messages,
            last_received_at = greatest(clock_timestamp(), last_received_at + interval '1 microsecond')
                + (growth.messages - 1) * interval '1 microsecond',
            message_count = message_count + growth.messages,
            stored_octets = stored_octets + growth.octets
        FROM growth
        WHERE mailbox.id = growth.mailbox_id
        RETURNING mailbox.id, mailbox.last_seq, mailbox.last_received_at, growth.messages
    ), placed AS (
        SELECT fresh.*,
            advanced.last_seq,
            advanced.last_received_at,
            advanced.messages - row_number() OVER (PARTITION BY fresh.mailbox_id ORDER BY fresh.ordinal) AS behind
        FROM fresh
        JOIN advanced ON advanced.id = fresh.mailbox_id
    ), stored AS (
        INSERT INTO message (
            id, mailbox_id, seq, received_at, reverse_path, recipient, from_header, from_address, subject,
            date_header, text, html, attachments, codes, links, content, content_sha256, client_address, host_name,
            protocol, tls
        )
        SELECT placed.id, placed.mailbox_id, placed.last_seq - placed.behind,
            placed.last_received_at - placed.behind * interval '1 microsecond',
            arrived.reverse_path, placed.recipient, arrived.from_header, arrived.from_address, arrived.subject,
            arrived.date_header, arrived.text, arrived.html, arrived.attachments::jsonb, arrived.codes::jsonb,
            arrived.links::jsonb, arrived.content, placed.content_sha256, arrived.client_address, arrived.host_name,
            arrived.protocol, arrived.tls
        FROM placed
        JOIN unnest(
            %(reverse_paths)b::text[], %(from_headers)b::text[], %(from_addresses)b::text[], %(subjects)b::text[],
            %(date_headers)b::timestamptz[], %(texts)b::text[], %(htmls)b::text[], %(attachments)b::text[],
            %(codes)b::text[], %(links)b::text[], %(contents)b::bytea[], %(client_addresses)b::text[],
            %(host_names)b::text[], %(protocols)b::text[], %(tls)b::text[]
        ) WITH ORDINALITY AS arrived (
            reverse_path, from_header, from_address, subject, date_header, text, html, attachments, codes, links,
            content, client_address, host_name, protocol, tls, ordinal
        ) USING (ordinal)
    ), numbered AS (
        SELECT id || ':' || last_seq AS pair, (row_number() OVER () - 1) / %(pairs_per_event)s AS event
        FROM advanced
    ), notified AS (
        SELECT pg_notify(%(channel)s, string_agg(pair, ' '))
        FROM numbered
        GROUP BY event
    )
    SELECT count(live.id) AS live, count(fresh.id) AS stored, (SELECT count(*) FROM notified) AS events
    FROM delivery
    LEFT JOIN live ON live.id = delivery.mailbox_id
    LEFT JOIN fresh ON fresh.id = delivery.id
    GROUP BY delivery.ordinal
    ORDER BY delivery.ordinal
"""

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


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """Who handed a message over, and how (RFC 5321 §4.4): the columns of these names say more."""

    client_address: str
    host_name: str
    protocol: str
    tls: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient of a message: the id its message will have, the mailbox, and RCPT's argument as given.

    `drops`: the mailbox makes room for it by what is oldest there.
    """

    id: uuid.UUID
    mailbox_id: int
    recipient: str
    drops: bool


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way into the table; `content` is the exact octets received, none when they are staged."""

    reverse_path: str
    content: bytes
    staged_id: uuid.UUID | None
    octets: int
    content_sha256: bytes
    parsed: ParsedMessage
    deliveries: tuple[Delivery, ...]
    trace: Trace


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an Arrival: how many of its deliveries had a live mailbox, and how many made a new message."""

    live: int
    stored: int


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a mailbox's order: after this seq, and after this time."""

    seq: int = 0
    received_at: datetime.datetime = datetime.datetime.min.replace(tzinfo=datetime.UTC)


END = Since(seq=2**63 - 1, received_at=datetime.datetime.max.replace(tzinfo=datetime.UTC))


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


def new_id() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562 §5.7), so that ids of one moment lie together in the index."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1)


async def store(connection: Connection, arrivals: Sequence[Arrival]) -> list[Outcome]:
    """Commit all of `arrivals` in one statement, and tell who listens; one Outcome each, in order.

    The same octets reach a mailbox once: storing again what is stored changes nothing. Raises
    psycopg.errors.UniqueViolation, having stored nothing, when another writer stored the same meanwhile.
    """
    staged_ids = [
        (each.id, arrival.staged_id) for arrival in arrivals if arrival.staged_id for each in arrival.deliveries
    ]
    if not staged_ids:
        return await _store(connection, arrivals)
    async with connection.transaction():
        outcomes = await _store(connection, arrivals)
        await staged.fetch(connection, staged_ids)
    return outcomes


async def _store(connection: Connection, arrivals: Sequence[Arrival]) -> list[Outcome]:
    deliveries = [(ordinal, each) for ordinal, arrival in enumerate(arrivals, 1) for each in arrival.deliveries]
    parsed = [arrival.parsed for arrival in arrivals]
    cursor = await connection.execute(
        _STORE,
        {
            "ordinals": [ordinal for ordinal, _ in deliveries],
            "ids": [each.id for _, each in deliveries],
            "mailbox_ids": [each.mailbox_id for _, each in deliveries],
            "recipients": [each.recipient for _, each in deliveries],
            "delivery_sha256s": [arrivals[ordinal - 1].content_sha256 for ordinal, _ in deliveries],
            "delivery_octets": [arrivals[ordinal - 1].octets for ordinal, _ in deliveries],
            "reverse_paths": [arrival.reverse_path for arrival in arrivals],
            "from_headers": [each.from_header for each in parsed],
            "from_addresses": [each.from_address for each in parsed],
            "subjects": [each.subject for each in parsed],
            "date_headers": [each.date_header for each in parsed],
            "texts": [each.text for each in parsed],
            "htmls": [each.html for each in parsed],
            "attachments": [msgspec.json.encode(each.attachments).decode() for each in parsed],
            "codes": [msgspec.json.encode(each.codes).decode() for each in parsed],
            "links": [msgspec.json.encode(each.links).decode() for each in parsed],
            "contents": [arrival.content for arrival in arrivals],
            "client_addresses": [arrival.trace.client_address for arrival in arrivals],
            "host_names": [arrival.trace.host_name for arrival in arrivals],
            "protocols": [arrival.trace.protocol for arrival in arrivals],
            "tls": [arrival.trace.tls for arrival in arrivals],
            "channel": CHANNEL,
            "pairs_per_event": PAIRS_PER_EVENT,
        },
    )
    return [Outcome(live=live, stored=stored) for live, stored, _ in await cursor.fetchall()]


async def read(
    connection: Connection,
    *,
    address: str,
    token_sha256: bytes | None,
    since: Since,
    limit: int,
    before: Since = END,
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
        raise MailboxNotFound(str(MailboxNotFound.__doc__))
    mailbox = Mailbox(**dict(zip(Mailbox.__struct_fields__, rows[0][:4], strict=True)))
    return mailbox, [listed(row[4:]) for row in rows if row[4] is not None]


def may_have(mailbox: Reached, *, past: Since) -> bool:
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
