"""The numbers of all that is stored, and the senders that most of it comes from, for the operator."""

import datetime

import msgspec
from psycopg import sql
from psycopg.rows import class_row

from fake_email.postgres.connection import Connection

_STATS = """
    SELECT *
    FROM (
        SELECT count(*) AS mailboxes, count(token_sha256) AS private_mailboxes,
            count(*) FILTER (WHERE created_at > now() - interval '1 hour') AS mailboxes_of_last_hour
        FROM mailbox
        WHERE expires_at > now()
    ) AS of_mailboxes, (
        SELECT count(*) AS messages, coalesce(sum(octet_length(content)), 0)::bigint AS octets,
            count(*) FILTER (WHERE received_at > now() - interval '1 hour') AS messages_of_last_hour,
            coalesce(
                sum(octet_length(content)) FILTER (WHERE received_at > now() - interval '1 hour'), 0
            )::bigint AS octets_of_last_hour,
            min(received_at) AS oldest_message_at, max(received_at) AS newest_message_at
        FROM message
    ) AS of_messages, (SELECT count(*) AS blocks FROM block) AS of_blocks
"""
_TOP = """
    SELECT {name} AS name, count(*) AS messages, sum(octet_length(content))::bigint AS octets
    FROM message
    WHERE received_at > now() - interval '1 day'
    GROUP BY 1
    ORDER BY messages DESC, name
    LIMIT %(limit)s
"""
_TOP_DOMAINS = sql.SQL(_TOP).format(
    name=sql.SQL("coalesce(nullif(lower(regexp_replace(reverse_path, '^.*@', '')), ''), '<>')")
)
_TOP_CLIENTS = sql.SQL(_TOP).format(name=sql.SQL("client_address"))


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """A domain of reverse-paths, or a client's address, and its messages."""

    name: str
    messages: int
    octets: int


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of all that is stored, and of the part that is from the last hour."""

    mailboxes: int
    private_mailboxes: int
    mailboxes_of_last_hour: int
    messages: int
    messages_of_last_hour: int
    octets: int
    octets_of_last_hour: int
    oldest_message_at: datetime.datetime | None
    newest_message_at: datetime.datetime | None
    blocks: int


async def stats(connection: Connection) -> Stats:
    """The numbers of all that is stored."""
    async with connection.cursor(row_factory=class_row(Stats)) as cursor:
        await cursor.execute(_STATS)
        [found] = await cursor.fetchall()
        return found


async def top_domains(connection: Connection, *, limit: int) -> list[Sender]:
    """The domains of reverse-paths that most of the stored mail of the last day came from; `<>` is a bounce."""
    return await _top(connection, _TOP_DOMAINS, limit)


async def top_clients(connection: Connection, *, limit: int) -> list[Sender]:
    """The addresses of clients that most of the stored mail of the last day came from."""
    return await _top(connection, _TOP_CLIENTS, limit)


async def _top(connection: Connection, query: sql.Composed, limit: int) -> list[Sender]:
    async with connection.cursor(row_factory=class_row(Sender)) as cursor:
        await cursor.execute(query, {"limit": limit})
        return await cursor.fetchall()
