"""Attempts to deliver mail: those refused, deferred and cut off, for the timeline of a mailbox."""

import datetime
import hmac
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec
from psycopg import sql
from psycopg.rows import class_row, dict_row, scalar_row
from psycopg.types.json import Jsonb

from fake_email.postgres.connection import Connection
from fake_email.postgres.notifications import Attempted
from fake_email.postgres.statements import columns
from fake_email.storage.attempt_statements import COMMITTED, MAX_ATTEMPTS, STORE
from fake_email.storage.incoming_message import Transfer

MAX_EARLY_ATTEMPTS = 100_000

Stage = Literal["rcpt", "data", "commit"]

_KEY = "SELECT value FROM secret WHERE name = 'early_attempt'"

# A message that is there is an attempt that succeeded.
_LIST = sql.SQL("""
    SELECT {known}
    FROM (
        SELECT {known}, id AS order_id
        FROM attempt
        WHERE mailbox_id = %(mailbox_id)s
        UNION ALL
        SELECT {of_message}, 0 AS order_id
        FROM message
        WHERE mailbox_id = %(mailbox_id)s
    ) AS attempt
    ORDER BY attempted_at, order_id
""")

_COUNTS = "SELECT reply, number FROM attempt_count WHERE mailbox_id = %(mailbox_id)s"

_FAILED = """
    SELECT attempted_at, stage, reply, message_id
    FROM attempt
    WHERE mailbox_id = (SELECT id FROM mailbox WHERE address = %(address)s AND expires_at > now())
        AND (message_id IS NULL OR is_duplicate)
    ORDER BY id DESC
    LIMIT %(limit)s
"""

_EARLY = """
    SELECT attempted_at, reply
    FROM early_attempt
    WHERE address_hmac = %(address_hmac)s AND attempted_at > now() - interval '1 day'
    ORDER BY attempted_at DESC
    LIMIT %(most)s
"""

_DELETE_EARLY = """
    DELETE FROM early_attempt
    WHERE id = ANY(ARRAY(
        SELECT id
        FROM early_attempt
        WHERE attempted_at <= now() - interval '1 day' OR id <= (SELECT max(id) - %(most)s FROM early_attempt)
        ORDER BY id
        LIMIT %(limit)s
    ))
"""


class Repeated(msgspec.Struct, frozen=True, kw_only=True):
    """A message that the mailbox may have had already; `own_ids` are the ids that this transaction gave it there."""

    content_sha256: bytes
    own_ids: tuple[uuid.UUID, ...]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that was not stored, before it is written.

    `may_be_early`: somebody could ask for exactly this name later, and would then see that there was an attempt.
    `repeated`: it is written only if it was a duplicate.
    """

    address: str
    may_be_early: bool
    stage: Stage
    reply: str | None
    sender_domain: str
    client_address: str
    host_name: str
    tls: str
    octets: int
    transfer: Transfer
    repeated: Repeated | None = None


class KnownAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt in the timeline of a mailbox; `message_id` is None unless it was stored, or was a duplicate."""

    attempted_at: datetime.datetime
    stage: Stage
    reply: str | None
    message_id: uuid.UUID | None
    is_duplicate: bool
    sender_domain: str
    client_address: str
    host_name: str
    tls: str
    octets: int
    transfer: Transfer | None


class FailedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that was not stored, and its reply; None: the client left before one.

    `message_id` is that of the message that a duplicate found there.
    """

    attempted_at: datetime.datetime
    stage: Stage
    reply: str | None
    message_id: uuid.UUID | None


class ReplyCount(msgspec.Struct, frozen=True, kw_only=True):
    """The attempts that have no row of their own, by their reply; empty: the client left before one."""

    reply: str
    number: int


class EarlyAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt before the mailbox was there."""

    attempted_at: datetime.datetime
    reply: str


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """The attempts for a mailbox, oldest first."""

    attempts: list[KnownAttempt]
    counts: list[ReplyCount]
    early: list[EarlyAttempt]


_KNOWN = columns("attempt", KnownAttempt)
_OF_MESSAGE = columns(
    "message",
    KnownAttempt,
    attempted_at="message.received_at",
    stage="'commit'",
    reply=f"'{COMMITTED}'",
    message_id="message.id",
    is_duplicate="false",
    sender_domain="regexp_replace(message.reverse_path, '^.*@', '')",
    octets="octet_length(message.content)",
)
_TIMELINE = _LIST.format(known=_KNOWN, of_message=_OF_MESSAGE)
_SOME = sql.SQL(
    "SELECT {known} FROM attempt WHERE mailbox_id = %(mailbox_id)s AND id = ANY(%(ids)s) ORDER BY id"
).format(known=_KNOWN)


async def fetch_key(connection: Connection) -> bytes:
    """The key of the hashes of early attempts; it is the same for as long as the database is there."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_KEY)
        [key] = await cursor.fetchall()
        return bytes(key)


async def store(connection: Connection, attempts: Sequence[Attempt], *, ages: Sequence[float], key: bytes) -> None:
    """Write attempts, whose `ages` are in seconds, and notify of those that have a mailbox.

    An attempt without a mailbox is dropped, unless it is early.
    """
    await connection.execute(
        STORE,
        {
            "addresses": [each.address for each in attempts],
            "hmacs": [_hmac(key, each.address) if each.may_be_early else None for each in attempts],
            "ages": [*ages],
            "stages": [each.stage for each in attempts],
            "replies": [each.reply for each in attempts],
            "sender_domains": [each.sender_domain for each in attempts],
            "client_addresses": [each.client_address for each in attempts],
            "host_names": [each.host_name for each in attempts],
            "tls": [each.tls for each in attempts],
            "octets": [each.octets for each in attempts],
            "transfers": [Jsonb(msgspec.to_builtins(each.transfer)) for each in attempts],
            "content_sha256s": [each.repeated.content_sha256 if each.repeated else None for each in attempts],
            "own_ids": [_array(each.repeated.own_ids) if each.repeated else None for each in attempts],
            "channel": Attempted.CHANNEL,
        },
    )


async def fetch_timeline(connection: Connection, mailbox_id: int, *, address: str) -> Timeline:
    """The newest MAX_ATTEMPTS attempts for a mailbox, and the number of others. The caller has checked the token."""
    attempts = await _fetch(connection, _TIMELINE, {"mailbox_id": mailbox_id})
    async with connection.cursor(row_factory=class_row(ReplyCount)) as counts:
        await counts.execute(_COUNTS, {"mailbox_id": mailbox_id})
        numbers = Counter({each.reply: each.number for each in await counts.fetchall()})
    numbers.update(each.reply or "" for each in attempts[:-MAX_ATTEMPTS])
    address_hmac = _hmac(await fetch_key(connection), address)
    async with connection.cursor(row_factory=class_row(EarlyAttempt)) as early:
        await early.execute(_EARLY, {"address_hmac": address_hmac, "most": MAX_ATTEMPTS})
        return Timeline(
            attempts=attempts[-MAX_ATTEMPTS:],
            counts=[ReplyCount(reply=reply, number=number) for reply, number in numbers.most_common()],
            early=[*reversed(await early.fetchall())],
        )


async def fetch(connection: Connection, mailbox_id: int, ids: Sequence[int]) -> list[KnownAttempt]:
    """These attempts for a mailbox. The caller has checked the token."""
    return await _fetch(connection, _SOME, {"mailbox_id": mailbox_id, "ids": list(ids)})


async def fetch_failed(connection: Connection, *, address: str, limit: int) -> list[FailedAttempt]:
    """The newest attempts for a mailbox that were not stored, oldest first. The caller has checked the token."""
    async with connection.cursor(row_factory=class_row(FailedAttempt)) as rows:
        await rows.execute(_FAILED, {"address": address, "limit": limit})
        return [*reversed(await rows.fetchall())]


async def delete_early(connection: Connection, *, limit: int) -> int:
    """Delete early attempts of more than a day ago, and the oldest past MAX_EARLY_ATTEMPTS; their number."""
    cursor = await connection.execute(_DELETE_EARLY, {"most": MAX_EARLY_ATTEMPTS, "limit": limit})
    return cursor.rowcount


def _array(ids: Sequence[uuid.UUID]) -> str:
    """The ids as the text of an array: the arrays in an array of arrays would have to be of one length."""
    return "{" + ",".join(map(str, ids)) + "}"


def _hmac(key: bytes, address: str) -> bytes:
    return hmac.digest(key, address.encode(), "sha256")


async def _fetch(connection: Connection, query: sql.Composed, parameters: dict[str, object]) -> list[KnownAttempt]:
    async with connection.cursor(row_factory=dict_row) as rows:
        await rows.execute(query, parameters)
        return [msgspec.convert(row, KnownAttempt) for row in await rows.fetchall()]
