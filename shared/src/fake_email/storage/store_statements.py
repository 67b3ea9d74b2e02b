"""The statements that store messages: one delivery, a batch for one mailbox, and any batch.

The first two store all or nothing, and return a row when they have stored. When they have not, a mailbox has ended or
is full, or a message is a duplicate, and the last one finds out which.

`{incoming}` stands for the values of the columns that all deliveries of a message share, `{columns}` for their names.
"""

from psycopg import sql

from fake_email.parsed_message import ParsedMessage
from fake_email.postgres import binary, prepared
from fake_email.postgres.notifications import PAIRS_PER_PAYLOAD, Grown
from fake_email.storage.incoming_message import Trace

# The columns that all messages of one IncomingMessage share.
SHARED = (
    "reverse_path",
    "content",
    "transfer",
    "check_skipped",
    *ParsedMessage.__struct_fields__,
    *Trace.__struct_fields__,
)
# The type of each shared column that is not text.
_TYPES: dict[str, binary.Type] = {
    "content": "bytea",
    "date_header": "timestamptz",
    "attachments_omitted": "integer",
    "links_omitted": "integer",
    "remote_images": "integer",
    **dict.fromkeys(("attachments", "codes", "links", "transfer"), "jsonb"),
    **dict.fromkeys(("from_addresses", "to_addresses", "cc_addresses", "reply_to_addresses"), "jsonb"),
}

_ONE_DELIVERY = """
    WITH advanced AS (
        UPDATE mailbox
        SET last_seq = last_seq + 1,
            last_received_at = greatest(clock_timestamp(), last_received_at + interval '1 microsecond'),
            message_count = message_count + 1,
            stored_octets = stored_octets + {octets}
        WHERE id = {mailbox_id} AND expires_at > now()
            AND ({drops} OR (message_count < {quota_messages} AND stored_octets + {octets} <= {quota_octets}))
            AND NOT EXISTS (
                SELECT
                FROM message
                WHERE mailbox_id = {mailbox_id} AND content_sha256 = {content_sha256}
            )
        RETURNING id, last_seq, last_received_at
    ), stored AS (
        INSERT INTO message (id, mailbox_id, seq, received_at, recipient, content_sha256, {columns})
        SELECT {id}, advanced.id, last_seq, last_received_at, {recipient}, {content_sha256}, {incoming}
        FROM advanced
    )
    SELECT pg_notify({channel}, id || ':' || last_seq)
    FROM advanced
"""

_ONE_MAILBOX = """
    WITH advanced AS (
        UPDATE mailbox
        SET last_seq = last_seq + {messages},
            last_received_at = greatest(clock_timestamp(), last_received_at + interval '1 microsecond')
                + ({messages} - 1) * interval '1 microsecond',
            message_count = message_count + {messages},
            stored_octets = stored_octets + {octets}
        WHERE id = {mailbox_id} AND expires_at > now()
            AND (
                {drops}
                OR (message_count + {messages} <= {quota_messages} AND stored_octets + {octets} <= {quota_octets})
            )
            AND NOT EXISTS (
                SELECT
                FROM message
                WHERE mailbox_id = {mailbox_id} AND content_sha256 = ANY({content_sha256s})
            )
        RETURNING id AS mailbox_id, last_seq, last_received_at
    ), stored AS (
        INSERT INTO message (id, mailbox_id, seq, received_at, recipient, content_sha256, {columns})
        SELECT id, mailbox_id, last_seq - {messages} + ordinal,
            last_received_at - ({messages} - ordinal) * interval '1 microsecond', recipient, content_sha256, {columns}
        FROM advanced, unnest({ids}, {recipients}, {content_sha256s}, {incoming})
            WITH ORDINALITY AS delivery (id, recipient, content_sha256, {columns}, ordinal)
    )
    SELECT pg_notify({channel}, mailbox_id || ':' || last_seq)
    FROM advanced
"""

# `live` locks mailboxes in the order of their ids, so that two writers never deadlock. A message that another writer
# commits while this statement waits for the lock is not in its snapshot: then the unique constraint fails the
# statement, and the caller stores again.
#
# `weighed` compares each delivery with the quota, `fits` together with all deliveries before it, `is_full` alone. In a
# mailbox that another writer has grown since the snapshot, the message may be a duplicate, so `is_full` is not known.
# A message that does not fit is left for the next round, since a message before it may have been refused too.
_ANY_BATCH = """
    WITH delivery AS (
        SELECT *
        FROM unnest({ordinals}, {ids}, {mailbox_ids}, {recipients}, {drops}, {content_sha256s}, {octets})
            AS delivery (ordinal, id, mailbox_id, recipient, drops, content_sha256, octets)
    ), live AS (
        SELECT id, last_seq, message_count, stored_octets
        FROM mailbox
        WHERE id = ANY({mailbox_ids}) AND expires_at > now()
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
                message_count + row_number() OVER so_far <= {quota_messages}
                AND stored_octets + sum(octets) OVER so_far <= {quota_octets}
            ) AS fits,
            NOT drops
                AND (message_count >= {quota_messages} OR stored_octets + octets > {quota_octets})
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
        JOIN unnest({incoming}) WITH ORDINALITY AS incoming ({columns}, ordinal) USING (ordinal)
    ), grown AS (
        SELECT id || ':' || last_seq AS pair, (row_number() OVER () - 1) / {pairs_per_payload} AS event
        FROM advanced
    ), notified AS (
        SELECT pg_notify({channel}, string_agg(pair, ' '))
        FROM grown
        GROUP BY event
    )
    SELECT count(live.id) AS live, count(accepted.id) AS stored, (count(refused.ordinal) > 0)::integer AS is_refused,
        max(refused.full_mailbox_id) AS full_mailbox_id
    FROM delivery
    LEFT JOIN live ON live.id = delivery.mailbox_id
    LEFT JOIN accepted ON accepted.id = delivery.id
    LEFT JOIN refused ON refused.ordinal = delivery.ordinal
    GROUP BY delivery.ordinal
    HAVING (SELECT count(*) FROM notified) >= 0 -- always true; Postgres skips a CTE that nothing reads
    ORDER BY delivery.ordinal
"""


def _statement(
    name: str, text: str, *, values: dict[str, binary.Type], arrays: dict[str, binary.Type]
) -> prepared.Statement:
    return prepared.statement(
        name,
        text.replace("{incoming}", ", ".join(f"{{{each}}}" for each in SHARED)),
        values=values,
        arrays=arrays,
        parts={
            "columns": sql.SQL(", ").join(map(sql.Identifier, SHARED)),
            "channel": sql.Literal(Grown.CHANNEL),
            "pairs_per_payload": sql.Literal(PAIRS_PER_PAYLOAD),
        },
    )


_SHARED_TYPES: dict[str, binary.Type] = {name: _TYPES.get(name, "text") for name in SHARED}
_QUOTA_TYPES: dict[str, binary.Type] = {"quota_messages": "bigint", "quota_octets": "bigint"}

ONE_DELIVERY = _statement(
    "store_one_delivery",
    _ONE_DELIVERY,
    values={
        "id": "uuid",
        "mailbox_id": "bigint",
        "recipient": "text",
        "drops": "boolean",
        "content_sha256": "bytea",
        "octets": "bigint",
        **_QUOTA_TYPES,
        **_SHARED_TYPES,
    },
    arrays={},
)
ONE_MAILBOX = _statement(
    "store_one_mailbox",
    _ONE_MAILBOX,
    values={"mailbox_id": "bigint", "drops": "boolean", "messages": "bigint", "octets": "bigint", **_QUOTA_TYPES},
    arrays={"ids": "uuid", "recipients": "text", "content_sha256s": "bytea", **_SHARED_TYPES},
)
ANY_BATCH = _statement(
    "store_any_batch",
    _ANY_BATCH,
    values=_QUOTA_TYPES,
    arrays={
        "ordinals": "integer",
        "ids": "uuid",
        "mailbox_ids": "bigint",
        "recipients": "text",
        "drops": "boolean",
        "content_sha256s": "bytea",
        "octets": "bigint",
        **_SHARED_TYPES,
    },
)
