"""The mailboxes that every domain has for whoever runs it: made when they are wanted, for good, never full."""

import secrets
from collections.abc import Sequence

from fake_email.postgres.connection import Connection
from fake_email.storage.mailboxes import NEVER

# Those made before say what token they want; where there is none yet, nobody knows the one that is made up here.
_CREATE = """
    INSERT INTO mailbox (address, token_sha256, expires_at)
    SELECT address, coalesce(
            (SELECT token_sha256 FROM mailbox WHERE address = ANY(%(addresses)s) ORDER BY id LIMIT 1),
            sha256(%(random)s)
        ), %(never)s
    FROM unnest(%(addresses)s::text[]) AS operators (address)
    ON CONFLICT ON CONSTRAINT mailbox_address_key DO NOTHING
"""

_GIVE = "UPDATE mailbox SET token_sha256 = sha256(%(token)s) WHERE address = ANY(%(addresses)s)"

# The newest message stays, however large it is.
_DROP_OLDEST = """
    WITH locked AS (
        SELECT id
        FROM mailbox
        WHERE id = ANY(%(ids)s)
        ORDER BY id
        FOR NO KEY UPDATE
    ), counted AS (
        SELECT message.id, message.mailbox_id, octet_length(message.content) AS octets,
            row_number() OVER newest_first AS messages_so_far,
            sum(octet_length(message.content)) OVER newest_first AS octets_so_far
        FROM message
        JOIN locked ON locked.id = message.mailbox_id
        WINDOW newest_first AS (PARTITION BY message.mailbox_id ORDER BY message.seq DESC)
    ), dropped AS (
        DELETE FROM message
        USING counted
        WHERE message.id = counted.id AND messages_so_far > 1
            AND (messages_so_far > %(quota_messages)s OR octets_so_far > %(quota_octets)s)
        RETURNING counted.mailbox_id, counted.octets
    ), loss AS (
        SELECT mailbox_id, count(*) AS messages, sum(octets)::bigint AS octets
        FROM dropped
        GROUP BY mailbox_id
    )
    UPDATE mailbox
    SET message_count = message_count - loss.messages, stored_octets = stored_octets - loss.octets
    FROM loss
    WHERE mailbox.id = loss.mailbox_id
"""


def addresses(domains: Sequence[str]) -> list[str]:
    """The addresses that every domain has for whoever runs it (RFC 5321 §4.5.1, RFC 2142 §4)."""
    return [f"{name}@{domain}" for domain in domains for name in ("postmaster", "abuse")]


async def create(connection: Connection, domains: Sequence[str]) -> None:
    """Make the operator's mailboxes that are not there yet; only the operator's token reads them."""
    await connection.execute(
        _CREATE, {"addresses": addresses(domains), "random": secrets.token_bytes(32), "never": NEVER}
    )


async def give_token(connection: Connection, domains: Sequence[str], token: str) -> None:
    """From now on this token reads the operator's mailboxes, and no other does."""
    await connection.execute(_GIVE, {"addresses": addresses(domains), "token": token.encode()})


async def drop_oldest(connection: Connection, ids: Sequence[int], *, quota_messages: int, quota_octets: int) -> None:
    """Make room in mailboxes that are never full: what is past their quota goes, the oldest first."""
    await connection.execute(
        _DROP_OLDEST, {"ids": list(ids), "quota_messages": quota_messages, "quota_octets": quota_octets}
    )
