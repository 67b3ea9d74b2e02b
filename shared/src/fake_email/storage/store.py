"""Stores messages in batches: each exactly once in a mailbox, in one order that every reader sees."""

import secrets
import time
import uuid
from collections.abc import Mapping, Sequence

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
#
# `weighed` compares each delivery with the quota, `fits` together with all deliveries before it, `is_full` alone. In a
# mailbox that another writer has grown since the snapshot, the message may be a duplicate, so `is_full` is not known.
# A message that does not fit is left for the next round, since a message before it may have been refused too.
_STORE = statement(
    """
    WITH delivery AS (
        SELECT *
        FROM unnest(
            %(ordinals)b::integer[], %(ids)b::uuid[], %(mailbox_ids)b::bigint[], %(recipients)b::text[],
            %(drops)b::boolean[], %(delivery_sha256s)b::bytea[], %(delivery_octets)b::bigint[]
        ) AS delivery (ordinal, id, mailbox_id, recipient, drops, content_sha256, octets)
    ), live AS (
        SELECT id, last_seq, message_count, stored_octets
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
    ), weighed AS (
        SELECT ordinal, mailbox_id,
            drops OR (
                message_count + row_number() OVER so_far <= %(quota_messages)s
                AND stored_octets + sum(octets) OVER so_far <= %(quota_octets)s
            ) AS fits,
            NOT drops
                AND (message_count >= %(quota_messages)s OR stored_octets + octets > %(quota_octets)s)
                AND EXISTS (SELECT FROM mailbox WHERE mailbox.id = live.id AND mailbox.last_seq = live.last_seq)
            AS is_full
        FROM fresh
        JOIN live ON live.id = fresh.mailbox_id
        WINDOW so_far AS (PARTITION BY mailbox_id ORDER BY ordinal)
    ), refused AS (
        SELECT ordinal, max(mailbox_id) FILTER (WHERE is_full) AS full_mailbox_id
        FROM weighed
        GROUP BY ordinal
        HAVING NOT bool_and(fits)
    ), accepted AS (
        SELECT *
        FROM fresh
        WHERE NOT EXISTS (SELECT FROM refused WHERE refused.ordinal = fresh.ordinal)
    ), growth AS (
        SELECT mailbox_id, count(*) AS messages, sum(octets)::bigint AS octets
        FROM accepted
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
        SELECT accepted.*,
            advanced.last_seq,
            advanced.last_received_at,
            advanced.messages - row_number() OVER (PARTITION BY accepted.mailbox_id ORDER BY accepted.ordinal) AS behind
        FROM accepted
        JOIN advanced ON advanced.id = accepted.mailbox_id
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
    SELECT count(live.id) AS live, count(accepted.id) AS stored, count(refused.ordinal) > 0 AS is_refused,
        max(refused.full_mailbox_id) AS full_mailbox_id
    FROM delivery
    LEFT JOIN live ON live.id = delivery.mailbox_id
    LEFT JOIN accepted ON accepted.id = delivery.id
    LEFT JOIN refused ON refused.ordinal = delivery.ordinal
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


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """The messages and octets that one mailbox may hold."""

    messages: int
    octets: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of storing an IncomingMessage: how many deliveries had a live mailbox, and how many were new.

    `full_mailbox_id`: a mailbox whose quota has no space for the message, which was stored in no mailbox.
    """

    live: int
    stored: int
    full_mailbox_id: int | None = None


class _Row(Outcome, frozen=True, kw_only=True):
    """An outcome; a message is refused without a full mailbox when the messages before it left no space for it."""

    is_refused: bool


NO_QUOTA = Quota(messages=2**62, octets=2**62)
_ROW = class_row(_Row)


def new_id() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562 §5.7), so that ids of the same time are neighbours in the index."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1)


async def store_messages(
    connection: Connection, incoming: Sequence[IncomingMessage], quota: Quota = NO_QUOTA
) -> list[Outcome]:
    """Store `incoming` and notify of the mailboxes that grew, mostly in one statement; one Outcome each, in order.

    A mailbox keeps the same octets once: storing a message again changes nothing. A message that does not fit into one
    of its mailboxes is stored in none. Raises psycopg.errors.UniqueViolation, having stored nothing in the last round,
    when another writer stored the same message meanwhile.
    """
    outcomes: dict[int, Outcome] = {}
    while len(outcomes) < len(incoming):
        waiting = [(number, message) for number, message in enumerate(incoming) if number not in outcomes]
        # Its first message is always stored or refused for good, so each round has fewer messages.
        outcomes |= await _store_round(connection, _without_repetitions(waiting), quota)
    return [outcomes[number] for number in range(len(incoming))]


def _without_repetitions(waiting: Sequence[tuple[int, IncomingMessage]]) -> dict[int, IncomingMessage]:
    """The messages, by number, of which no earlier one has the same octets for the same mailbox."""
    chosen: dict[int, IncomingMessage] = {}
    taken: set[tuple[int, bytes]] = set()
    for number, message in waiting:
        copies = {(each.mailbox_id, message.content_sha256) for each in message.deliveries}
        if taken.isdisjoint(copies):
            chosen[number] = message
            taken |= copies
    return chosen


async def _store_round(
    connection: Connection, incoming: Mapping[int, IncomingMessage], quota: Quota
) -> dict[int, Outcome]:
    """The outcomes of the messages, by number, except those that need another round."""
    if not any(message.staged_id for message in incoming.values()):
        return await _store(connection, incoming, quota)
    async with connection.transaction():
        outcomes = await _store(connection, incoming, quota)
        staged = [
            (each.id, message.staged_id)
            for message in (incoming[number] for number in outcomes)
            if message.staged_id
            for each in message.deliveries
        ]
        await staging.move(connection, staged)
    return outcomes


async def _store(connection: Connection, incoming: Mapping[int, IncomingMessage], quota: Quota) -> dict[int, Outcome]:
    messages = [*incoming.values()]
    deliveries = [(ordinal, each) for ordinal, message in enumerate(messages, 1) for each in message.deliveries]
    cursor = connection.cursor(row_factory=_ROW)
    await cursor.execute(
        _STORE,
        {
            "ordinals": [ordinal for ordinal, _ in deliveries],
            "ids": [each.id for _, each in deliveries],
            "mailbox_ids": [each.mailbox_id for _, each in deliveries],
            "recipients": [each.recipient for _, each in deliveries],
            "drops": [each.drops for _, each in deliveries],
            "delivery_sha256s": [messages[ordinal - 1].content_sha256 for ordinal, _ in deliveries],
            "delivery_octets": [messages[ordinal - 1].octets for ordinal, _ in deliveries],
            "reverse_path": [message.reverse_path for message in messages],
            "content": [message.content for message in messages],
            **_arrays([message.parsed for message in messages]),
            **_arrays([message.trace for message in messages]),
            "quota_messages": quota.messages,
            "quota_octets": quota.octets,
            "channel": Grown.CHANNEL,
            "pairs_per_event": PAIRS_PER_PAYLOAD,
        },
    )
    rows = zip(incoming, await cursor.fetchall(), strict=True)
    return {
        number: Outcome(live=row.live, stored=row.stored, full_mailbox_id=row.full_mailbox_id)
        for number, row in rows
        if not row.is_refused or row.full_mailbox_id is not None
    }


def _arrays(values: Sequence[ParsedMessage] | Sequence[Trace]) -> dict[str, list[object]]:
    """The values of each field of some structs, at least one, as an array for Postgres."""
    columns = zip(*map(astuple, values), strict=True)
    return {
        name: [msgspec.json.encode(each).decode() for each in column] if _TYPES.get(name) == "jsonb" else list(column)
        for name, column in zip(values[0].__struct_fields__, columns, strict=True)
    }
