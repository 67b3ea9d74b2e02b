"""Messages in Postgres: stored in batches, exactly once each, in the one order that every reader sees."""

import secrets
import time
import uuid
from collections.abc import Sequence

import msgspec

from fake_email.parsed_message import ParsedMessage
from fake_email.postgres.notifications import CHANNEL, PAIRS_PER_EVENT
from fake_email.postgres.pool import Connection
from fake_email.storage import staging

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


class IncomingMessage(msgspec.Struct, frozen=True, kw_only=True):
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


def new_id() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562 §5.7), so that ids of one moment lie together in the index."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1)


async def store_messages(connection: Connection, arrivals: Sequence[IncomingMessage]) -> list[Outcome]:
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
        await staging.fetch(connection, staged_ids)
    return outcomes


async def _store(connection: Connection, arrivals: Sequence[IncomingMessage]) -> list[Outcome]:
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
