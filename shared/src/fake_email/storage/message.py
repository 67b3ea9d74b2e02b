"""One message: fetch all of it but its source, mark it as seen, delete it."""

import asyncio
import sys
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec
from psycopg import sql
from psycopg.rows import DictRow, dict_row, scalar_row

from fake_email.errors import MessageNotFound
from fake_email.mime import headers as mime_headers
from fake_email.postgres import notifications
from fake_email.postgres.connection import Connection
from fake_email.postgres.runs import Runs
from fake_email.postgres.statements import columns, statement
from fake_email.storage import listed, permission
from fake_email.storage.attempt_statements import KEEP_ATTEMPTS, OF_DELETED
from fake_email.storage.incoming_message import Trace
from fake_email.storage.listed import FINDINGS_OCTETS, LISTED, LISTED_TEXT_OCTETS, Listed
from fake_email.storage.verdicts import CHECK_PARAMETERS, CHECK_STATE, CheckState, check_state

_HEADER_OCTETS = mime_headers.SECTION_OCTETS + 1_024  # and so many more, to find the end of its last line
_LONG_HEADER_OCTETS = 16_384  # takes milliseconds to parse, the longest header hundreds

# The octets that are read of a message, from the sizes beside the row, without reading it.
_OCTETS = sql.SQL("""
    octet_length(message.text) + coalesce(octet_length(message.html), 0)
        + least(octet_length(message.content), {header_octets}) + {findings}
        + CASE WHEN message.verdict IS NULL THEN 0 ELSE octet_length(message.verdict::text) END
""").format(header_octets=sql.Literal(_HEADER_OCTETS), findings=FINDINGS_OCTETS)
# Each octet takes up to 6 in JSON, and as many in memory while it is read.
JSON_FACTOR = 6

_FETCH = statement(
    """
    SELECT {listed}, {trace}, {check_state}, mailbox.address, message.text AS whole_text, message.html,
        message.remote_images, substring(message.content FROM 1 FOR %(header_octets)s) AS header
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE message.id = %(id)s AND {octets} <= %(most_octets)s
    """,
    listed=LISTED,
    trace=columns("message", Trace),
    check_state=sql.SQL(CHECK_STATE),
    octets=_OCTETS,
)

_CHANGEABLE = statement(
    """
    SELECT message.seen, {check_state}
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE message.id = %(id)s
    """,
    check_state=sql.SQL(CHECK_STATE),
)

_WEIGH = statement("SELECT {octets} FROM message WHERE message.id = %(id)s", octets=_OCTETS)

_MARK_SEEN = """
    WITH locked AS (
        SELECT mailbox.id
        FROM mailbox
        WHERE mailbox.id = (SELECT mailbox_id FROM message WHERE message.id = %(id)s)
        FOR NO KEY UPDATE
    ), marked AS (
        UPDATE message
        SET seen = %(seen)s
        FROM locked
        WHERE message.id = %(id)s AND message.mailbox_id = locked.id AND seen <> %(seen)s
        RETURNING message.id, message.mailbox_id, message.seq, message.seen
    ), counted AS (
        UPDATE mailbox
        SET changes = changes + 1
        FROM marked
        WHERE mailbox.id = marked.mailbox_id
    )
    SELECT pg_notify(%(channel)s, mailbox_id || ':' || seq || ':' || id || ':' || seen::integer)
    FROM marked
"""

# Every writer locks the mailbox before its message, so that two never deadlock.
_DELETE = f"""
    WITH locked AS (
        SELECT mailbox.id
        FROM mailbox
        WHERE mailbox.id = (SELECT mailbox_id FROM message WHERE message.id = %(id)s)
        FOR NO KEY UPDATE
    ), deleted AS (
        DELETE FROM message
        USING locked
        WHERE message.id = %(id)s AND message.mailbox_id = locked.id
        RETURNING {OF_DELETED}
    ), {KEEP_ATTEMPTS}, counted AS (
        UPDATE mailbox
        SET message_count = message_count - 1, stored_octets = stored_octets - deleted.octets, changes = changes + 1
        FROM deleted
        WHERE mailbox.id = deleted.mailbox_id
    )
    SELECT pg_notify(%(channel)s, mailbox_id || ':' || seq || ':' || id)
    FROM deleted
"""  # noqa: S608  # put together from texts of this package


Field: TypeAlias = tuple[str, str]
Decode: TypeAlias = Callable[[bytes], Awaitable[Sequence[Field]]]


class Changeable(msgspec.Struct, frozen=True, kw_only=True):
    """The changeable part of a message: its flag, and, once, whether the check of its sender has ended."""

    seen: bool
    check_ended: bool


class OpenedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message without its source; `fields` are the header fields in order, decoded for a reader."""

    listed: Listed
    trace: Trace
    check: CheckState
    address: str
    text: str
    html: str | None
    remote_images: int | None
    fields: tuple[Field, ...]


async def weigh(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None) -> int:
    """The octets of memory that reading a message takes; raises MessageNotFound as `fetch` does."""
    await permission.check(connection, message_id, token_sha256=token_sha256)
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_WEIGH, {"id": message_id})
        octets: int | None = await cursor.fetchone()
    if octets is None:
        raise MessageNotFound
    return JSON_FACTOR * octets


async def changeable(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None) -> Changeable:
    """The changeable part of a message, without the rest; raises MessageNotFound as `fetch` does."""
    await permission.check(connection, message_id, token_sha256=token_sha256)
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_CHANGEABLE, {"id": message_id, **CHECK_PARAMETERS})
        row = await cursor.fetchone()
    if row is None:
        raise MessageNotFound
    return Changeable(seen=row["seen"], check_ended=check_state(row).has_ended)


async def in_thread(header: bytes) -> Sequence[Field]:
    """The header fields, decoded in a thread."""
    return await asyncio.to_thread(mime_headers.all_fields, header)


async def fetch(
    database: Runs, message_id: uuid.UUID, *, token_sha256: bytes | None, decode: Decode = in_thread
) -> OpenedMessage:
    """A message of a live mailbox; raises MessageNotFound when there is none, or its mailbox has another token.

    `decode` decodes a long header section beside the event loop.
    """
    found = await fetch_light(database, message_id, token_sha256=token_sha256, most_octets=sys.maxsize, decode=decode)
    if found is None:
        raise MessageNotFound
    return found


async def fetch_light(
    database: Runs,
    message_id: uuid.UUID,
    *,
    token_sha256: bytes | None,
    most_octets: int,
    decode: Decode = in_thread,
) -> OpenedMessage | None:
    """As `fetch`, but None for a message that takes more than `most_octets`, or was deleted in this moment."""

    async def read(connection: Connection) -> DictRow | None:
        return await read_row(
            connection, message_id=message_id, token_sha256=token_sha256, most_octets=most_octets // JSON_FACTOR
        )

    row = await database.run(read)
    return await opened(row, decode) if row else None


async def opened(row: DictRow, decode: Decode = in_thread) -> OpenedMessage:
    """The message of a row of `read_row`."""
    header = row["header"]
    is_long = len(header) > _LONG_HEADER_OCTETS
    fields = await decode(header) if is_long else mime_headers.all_fields(header)
    return OpenedMessage(
        listed=listed.from_row(row),
        trace=msgspec.convert(row, Trace),
        check=check_state(row),
        address=row["address"],
        text=row["whole_text"],
        html=row["html"],
        remote_images=row["remote_images"] if row["html"] is not None else 0,
        fields=tuple(fields),
    )


async def read_row(
    connection: Connection, *, message_id: uuid.UUID, token_sha256: bytes | None, most_octets: int
) -> DictRow | None:
    """The row of a message that may be read; None when it was deleted meanwhile, or has more than `most_octets`."""
    await permission.check(connection, message_id, token_sha256=token_sha256)
    parameters = {
        "id": message_id,
        "text_octets": LISTED_TEXT_OCTETS,
        "header_octets": _HEADER_OCTETS,
        "most_octets": most_octets,
        **CHECK_PARAMETERS,
    }
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_FETCH, parameters)
        return await cursor.fetchone()


async def mark_seen(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None, seen: bool) -> None:
    """Set the message's seen flag, and notify when it was another; raises MessageNotFound as `fetch` does."""
    await permission.check(connection, message_id, token_sha256=token_sha256)
    await connection.execute(_MARK_SEEN, {"id": message_id, "seen": seen, "channel": notifications.Marked.CHANNEL})


async def delete(connection: Connection, message_id: uuid.UUID, *, token_sha256: bytes | None) -> None:
    """Delete the message, and notify of it; raises MessageNotFound as `fetch` does."""
    await permission.check(connection, message_id, token_sha256=token_sha256)
    cursor = await connection.execute(_DELETE, {"id": message_id, "channel": notifications.Deleted.CHANNEL})
    if cursor.rowcount == 0:
        raise MessageNotFound
