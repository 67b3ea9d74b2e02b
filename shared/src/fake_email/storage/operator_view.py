"""Mailboxes and messages of all clients, as the operator finds and deletes them; no query of a service is here."""

import datetime
import uuid

import msgspec
from psycopg import sql
from psycopg.rows import class_row

from fake_email.postgres.connection import Connection
from fake_email.postgres.statements import columns
from fake_email.storage import mailboxes, many_messages
from fake_email.storage.mailboxes import NEVER

_BATCH = 200


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """The wanted mailboxes or messages; each value that is not None narrows them.

    `to_` is a mailbox, `from_` the sender by the reverse-path or the From field, each as an address or, without `@`, as
    a domain. A sender's domain stands for its subdomains too. `client` is a network.
    """

    to_: str | None = None
    from_: str | None = None
    client: str | None = None


class FoundMailbox(msgspec.Struct, frozen=True, kw_only=True):
    """A live mailbox; the operator's own never expire."""

    address: str
    is_private: bool
    created_at: datetime.datetime
    expires_at: datetime.datetime
    message_count: int
    stored_octets: int


class FoundMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a live mailbox, without what it says."""

    id: uuid.UUID
    received_at: datetime.datetime
    mailbox: str
    reverse_path: str
    from_address: str
    client_address: str
    octets: int


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of mailboxes, messages and octets."""

    mailboxes: int
    messages: int
    octets: int


class _Seqs(msgspec.Struct, frozen=True, kw_only=True):
    mailbox_id: int
    seqs: list[int]


class _Id(msgspec.Struct, frozen=True, kw_only=True):
    id: int


_OF_DOMAIN = "{column} LIKE '%%@' || {value} OR {column} LIKE '%%.' || {value}"
_SENT_BY = " OR ".join(
    f"lower(message.{column}) = %(from_)s OR {_OF_DOMAIN.format(column=f'lower(message.{column})', value='%(from_)s')}"
    for column in ("reverse_path", "from_address")
)
_MAILBOX = """
    mailbox.expires_at > now()
    AND (%(to_)s::text IS NULL OR mailbox.address = %(to_)s OR mailbox.address LIKE '%%@' || %(to_)s)
"""
_MESSAGE = f"""
    {_MAILBOX}
    AND (%(from_)s::text IS NULL OR {_SENT_BY})
    AND (%(client)s::inet IS NULL OR nullif(split_part(message.client_address, '%%', 1), '')::inet <<= %(client)s::inet)
"""

_LIST_MAILBOXES = sql.SQL(
    f"SELECT {{mailbox}} FROM mailbox WHERE {_MAILBOX} ORDER BY created_at DESC, id DESC LIMIT %(limit)s"  # noqa: S608
).format(mailbox=columns("mailbox", FoundMailbox, is_private="mailbox.token_sha256 IS NOT NULL"))
_LIST_MESSAGES = sql.SQL(
    "SELECT {message} FROM message JOIN mailbox ON mailbox.id = message.mailbox_id "  # noqa: S608
    f"WHERE {_MESSAGE} ORDER BY message.received_at DESC, message.id LIMIT %(limit)s"
).format(message=columns("message", FoundMessage, mailbox="mailbox.address", octets="octet_length(message.content)"))
_COUNT_MAILBOXES = f"""
    SELECT count(*) AS mailboxes, coalesce(sum(message_count), 0)::bigint AS messages,
        coalesce(sum(stored_octets), 0)::bigint AS octets
    FROM mailbox
    WHERE {_MAILBOX}
"""  # noqa: S608  # put together from texts of this file
_COUNT_MESSAGES = f"""
    SELECT count(DISTINCT mailbox_id) AS mailboxes, count(*) AS messages,
        coalesce(sum(octet_length(content)), 0)::bigint AS octets
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE {_MESSAGE}
"""  # noqa: S608  # put together from texts of this file
_NEXT_MAILBOXES = f"SELECT id FROM mailbox WHERE {_MAILBOX} AND expires_at < %(never)s LIMIT %(limit)s"  # noqa: S608
_NEXT_MESSAGES = f"""
    SELECT mailbox_id, array_agg(seq) AS seqs
    FROM (
        SELECT message.mailbox_id, message.seq
        FROM message
        JOIN mailbox ON mailbox.id = message.mailbox_id
        WHERE {_MESSAGE}
        LIMIT %(limit)s
    ) AS found
    GROUP BY mailbox_id
"""  # noqa: S608  # put together from texts of this file


async def list_mailboxes(connection: Connection, which: Which, *, limit: int) -> list[FoundMailbox]:
    """The newest mailboxes first."""
    async with connection.cursor(row_factory=class_row(FoundMailbox)) as cursor:
        await cursor.execute(_LIST_MAILBOXES, _parameters(which) | {"limit": limit})
        return await cursor.fetchall()


async def list_messages(connection: Connection, which: Which, *, limit: int) -> list[FoundMessage]:
    """The newest messages first."""
    async with connection.cursor(row_factory=class_row(FoundMessage)) as cursor:
        await cursor.execute(_LIST_MESSAGES, _parameters(which) | {"limit": limit})
        return await cursor.fetchall()


async def count_mailboxes(connection: Connection, which: Which) -> Count:
    """The live mailboxes that match, and all that is in them."""
    return await _one(connection, _COUNT_MAILBOXES, which)


async def count_messages(connection: Connection, which: Which) -> Count:
    """The messages that match, and the mailboxes that they are in."""
    return await _one(connection, _COUNT_MESSAGES, which)


async def delete_mailboxes(connection: Connection, which: Which) -> int:
    """Let the mailboxes end, as their owners could, batch by batch; their number. The operator's own stay."""
    deleted = 0
    while True:
        async with connection.cursor(row_factory=class_row(_Id)) as cursor:
            await cursor.execute(_NEXT_MAILBOXES, _parameters(which) | {"never": NEVER, "limit": _BATCH})
            found = await cursor.fetchall()
        if not found:
            return deleted
        for each in found:
            await mailboxes.delete(connection, each.id)
        deleted += len(found)


async def delete_messages(connection: Connection, which: Which) -> int:
    """Delete the messages, as their readers could, batch by batch; their number."""
    deleted = 0
    while True:
        async with connection.cursor(row_factory=class_row(_Seqs)) as cursor:
            await cursor.execute(_NEXT_MESSAGES, _parameters(which) | {"limit": _BATCH})
            found = await cursor.fetchall()
        if not found:
            return deleted
        for each in found:
            deleted += await many_messages.delete(connection, each.mailbox_id, each.seqs)


async def _one(connection: Connection, query: str, which: Which) -> Count:
    async with connection.cursor(row_factory=class_row(Count)) as cursor:
        await cursor.execute(query, _parameters(which))
        [count] = await cursor.fetchall()
        return count


def _parameters(which: Which) -> dict[str, object]:
    return msgspec.structs.asdict(which)
