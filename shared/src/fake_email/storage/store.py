"""Stores messages in batches: each exactly once in a mailbox, in one order that every reader sees."""

import secrets
import time
import uuid
from collections.abc import Sequence

import msgspec
from msgspec.structs import astuple
from psycopg import sql
from psycopg.rows import class_row

from fake_email.parsed_message import ParsedMessage
from fake_email.postgres.connection import Connection
from fake_email.postgres.notifications import PAIRS_PER_PAYLOAD, Grown
from fake_email.postgres.statements import statement
from fake_email.storage import staging


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """The client that sent a message, and the protocol (RFC 5321 §4.4); db/migrations describes each column."""

    client_address: str
    host_name: str
    protocol: str
    tls: str


# The columns that all messages of one IncomingMessage share.
_SHARED = ("reverse_path", "content", *ParsedMessage.__struct_fields__, *Trace.__struct_fields__)
# The type of each shared column that is not text.
_TYPES = {
    "content": "bytea",
    "date_header": "timestamptz",
    "attachments_omitted": "integer",
    "links_omitted": "integer",
    **dict.fromkeys(("attachments", "codes", "links"), "jsonb"),
    **dict.fromkeys(("from_addresses", "to_addresses", "cc_addresses", "reply_to_addresses"), "jsonb"),
}

# `live` locks mailboxes in the order of their ids, so that two writers never deadlock. A message that another writer
# commits while this statement waits for the lock is not in its snapshot: then the unique constraint fails the
# statement, and the caller stores again.
_STORE = statement(
    """
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
            id, mailbox_id, seq, received_at, recipient, content_sha256, {columns}
        )
        SELECT placed.id, placed.mailbox_id, placed.last_seq - placed.behind,
            placed.last_received_at - placed.behind * interval '1 microsecond',
            placed.recipient, placed.content_sha256, {columns}
        FROM placed
        JOIN unnest({arrays}) WITH ORDINALITY AS incoming ({columns}, ordinal) USING (ordinal)
    ), grown AS (
        SELECT id || ':' || last_seq AS pair, (row_number() OVER () - 1) / %(pairs_per_event)s AS event
        FROM advanced
    ), notified AS (
        SELECT pg_notify(%(channel)s, string_agg(pair, ' '))
        FROM grown
        GROUP BY event
    )
    SELECT count(live.id) AS live, count(fresh.id) AS stored
    FROM delivery
    LEFT JOIN live ON live.id = delivery.mailbox_id
    LEFT JOIN fresh ON fresh.id = delivery.id
    GROUP BY delivery.ordinal
    HAVING (SELECT count(*) FROM notified) >= 0 -- always true; Postgres skips a CTE that nothing reads
    ORDER BY delivery.ordinal
    """,
    columns=sql.SQL(", ").join(map(sql.Identifier, _SHARED)),
    arrays=sql.SQL(", ").join(sql.SQL(f"%({name})b::{_TYPES.get(name, 'text')}[]") for name in _SHARED),
)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient of a message: the id that the message will have there, the mailbox, and RCPT's argument as given.

    `drops`: a full mailbox drops its oldest messages for it.
    """

    id: uuid.UUID
    mailbox_id: int
    recipient: str
    drops: bool


class IncomingMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message before its commit; `content` has the exact octets received, and is empty when they are staged."""

    reverse_path: str
    content: bytes
    staged_id: uuid.UUID | None
    octets: int
    content_sha256: bytes
    parsed: ParsedMessage
    deliveries: tuple[Delivery, ...]
    trace: Trace


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of storing an IncomingMessage: how many deliveries had a live mailbox, and how many were new."""

    live: int
    stored: int


_OUTCOME = class_row(Outcome)


def new_id() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562 §5.7), so that ids of the same time are neighbours in the index."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1)


async def store_messages(connection: Connection, incoming: Sequence[IncomingMessage]) -> list[Outcome]:
    """Store all of `incoming` in one statement, and notify of the mailboxes that grew; one Outcome each, in order.

    A mailbox keeps the same octets once: storing a message again changes nothing. Raises
    psycopg.errors.UniqueViolation, having stored nothing, when another writer stored the same message meanwhile.
    """
    staged = [(each.id, message.staged_id) for message in incoming if message.staged_id for each in message.deliveries]
    if not staged:
        return await _store(connection, incoming)
    async with connection.transaction():
        outcomes = await _store(connection, incoming)
        await staging.move(connection, staged)
    return outcomes


async def _store(connection: Connection, incoming: Sequence[IncomingMessage]) -> list[Outcome]:
    deliveries = [(ordinal, each) for ordinal, message in enumerate(incoming, 1) for each in message.deliveries]
    cursor = connection.cursor(row_factory=_OUTCOME)
    await cursor.execute(
        _STORE,
        {
            "ordinals": [ordinal for ordinal, _ in deliveries],
            "ids": [each.id for _, each in deliveries],
            "mailbox_ids": [each.mailbox_id for _, each in deliveries],
            "recipients": [each.recipient for _, each in deliveries],
            "delivery_sha256s": [incoming[ordinal - 1].content_sha256 for ordinal, _ in deliveries],
            "delivery_octets": [incoming[ordinal - 1].octets for ordinal, _ in deliveries],
            "reverse_path": [message.reverse_path for message in incoming],
            "content": [message.content for message in incoming],
            **_arrays([message.parsed for message in incoming]),
            **_arrays([message.trace for message in incoming]),
            "channel": Grown.CHANNEL,
            "pairs_per_event": PAIRS_PER_PAYLOAD,
        },
    )
    return await cursor.fetchall()


def _arrays(values: Sequence[ParsedMessage] | Sequence[Trace]) -> dict[str, list[object]]:
    """The values of each field of some structs, at least one, as an array for Postgres."""
    columns = zip(*map(astuple, values), strict=True)
    return {
        name: [msgspec.json.encode(each).decode() for each in column] if _TYPES.get(name) == "jsonb" else list(column)
        for name, column in zip(values[0].__struct_fields__, columns, strict=True)
    }
