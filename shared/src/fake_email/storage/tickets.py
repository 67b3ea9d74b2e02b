"""Tickets: a secret that reads some mailboxes until it expires, kept as its hash; the purge deletes expired ones."""

import datetime
import hashlib
import secrets
import uuid
from collections.abc import Sequence

import msgspec
from psycopg import sql
from psycopg.rows import class_row, scalar_row

from fake_email.errors import MailboxNotFound
from fake_email.postgres.connection import Connection
from fake_email.postgres.statements import statement
from fake_email.storage.mailboxes import REVISION, MailboxState, may_read

MAX_MAILBOXES = 50
MIN_SECONDS = 60
DEFAULT_SECONDS = 3_600

_SECRET_OCTETS = 24

_CREATE = """
    INSERT INTO ticket (ticket_sha256, mailbox_ids, addresses, expires_at)
    SELECT %(ticket_sha256)s, array_agg(id ORDER BY id), array_agg(address ORDER BY id),
        least(now() + make_interval(secs => %(ttl_seconds)s), min(expires_at))
    FROM mailbox
    WHERE id = ANY(%(mailbox_ids)s) AND expires_at > now()
    HAVING count(*) = cardinality(%(mailbox_ids)s::bigint[])
    RETURNING expires_at
"""

_MAILBOXES = statement(
    """
    SELECT mailbox.id, mailbox.address, mailbox.token_sha256, mailbox.expires_at, mailbox.last_seq,
        nullif(mailbox.last_received_at, '-infinity') AS last_received_at, mailbox.stored_octets,
        {revision},
        extract(epoch FROM ticket.expires_at - now())::double precision AS seconds_left
    FROM ticket
    JOIN mailbox ON mailbox.id = ANY(ticket.mailbox_ids)
    WHERE ticket.ticket_sha256 = %(ticket_sha256)s AND ticket.expires_at > now() AND mailbox.expires_at > now()
    ORDER BY mailbox.id
    """,
    revision=sql.SQL(REVISION),
)

_GONE = """
    SELECT made.id, made.address
    FROM ticket
    CROSS JOIN unnest(ticket.mailbox_ids, ticket.addresses) AS made (id, address)
    WHERE ticket.ticket_sha256 = %(ticket_sha256)s AND ticket.expires_at > now() AND made.address IS NOT NULL
        AND NOT EXISTS (SELECT FROM mailbox WHERE mailbox.id = made.id AND mailbox.expires_at > now())
    ORDER BY made.id
"""

_OPENED = """
    SELECT mailbox.token_sha256
    FROM ticket
    JOIN mailbox ON mailbox.id = ANY(ticket.mailbox_ids)
    WHERE ticket.ticket_sha256 = %(ticket_sha256)s AND ticket.expires_at > now()
        AND (mailbox.address = %(address)s::text
            OR mailbox.id = (SELECT mailbox_id FROM message WHERE message.id = %(message_id)s::uuid))
"""


class TicketMailbox(MailboxState, frozen=True, kw_only=True):
    """A live mailbox that a ticket reads, and the seconds until the ticket expires."""

    seconds_left: float


class GoneMailbox(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox of a ticket that was deleted since; no other mailbox ever has its id."""

    id: int
    address: str


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A new ticket: the secret, which is shown once, and when it expires."""

    secret: str
    expires_at: datetime.datetime


def sha256(secret: str) -> bytes:
    """The hash of a ticket, as which it is kept."""
    return hashlib.sha256(secret.encode()).digest()


async def create(
    connection: Connection, asked: Sequence[tuple[MailboxState | None, bytes | None]], *, ttl_seconds: int
) -> Ticket:
    """Make a ticket for mailboxes, each with the hash of the token that the caller gave.

    It expires after `ttl_seconds`, or with the first of the mailboxes. Raises MailboxNotFound when one of them does not
    exist, or has another token.
    """
    mailbox_ids = {found.id for found, token in asked if found and may_read(found.token_sha256, token)}
    if len(mailbox_ids) < len(asked):
        raise MailboxNotFound
    secret = secrets.token_urlsafe(_SECRET_OCTETS)
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            _CREATE,
            {"ticket_sha256": sha256(secret), "mailbox_ids": sorted(mailbox_ids), "ttl_seconds": ttl_seconds},
        )
        expires_at: datetime.datetime | None = await cursor.fetchone()
    if expires_at is None:  # a mailbox expired meanwhile
        raise MailboxNotFound
    return Ticket(secret=secret, expires_at=expires_at)


async def mailboxes(connection: Connection, ticket_sha256: bytes) -> list[TicketMailbox]:
    """The live mailboxes that the ticket reads; none when it is unknown or has expired."""
    async with connection.cursor(row_factory=class_row(TicketMailbox)) as cursor:
        await cursor.execute(_MAILBOXES, {"ticket_sha256": ticket_sha256})
        return await cursor.fetchall()


async def gone(connection: Connection, ticket_sha256: bytes) -> list[GoneMailbox]:
    """The mailboxes of the ticket that are gone; none when the ticket is unknown or has expired."""
    async with connection.cursor(row_factory=class_row(GoneMailbox)) as cursor:
        await cursor.execute(_GONE, {"ticket_sha256": ticket_sha256})
        return await cursor.fetchall()


async def token_sha256(
    connection: Connection, ticket_sha256: bytes, *, address: str | None = None, message_id: uuid.UUID | None = None
) -> bytes | None:
    """The hash of the token of the mailbox with this address or this message, if the ticket reads that mailbox."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_OPENED, {"ticket_sha256": ticket_sha256, "address": address, "message_id": message_id})
        found: bytes | None = await cursor.fetchone()
    return found
