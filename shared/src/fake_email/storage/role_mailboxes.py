"""Role mailboxes, postmaster and abuse of each domain: created when needed, never expired, deleted or full."""

import secrets
from collections.abc import Sequence

from fake_email.postgres.connection import Connection
from fake_email.storage.mailboxes import NEVER
from fake_email.storage.store import Quota

# A new one has the token of the others. The first ones have a random token, which nobody knows.
_CREATE = """
    INSERT INTO mailbox (address, token_sha256, expires_at)
    SELECT address, coalesce(
            (SELECT token_sha256 FROM mailbox WHERE address = ANY(%(addresses)s) ORDER BY id LIMIT 1),
            sha256(%(random)s)
        ), %(never)s
    FROM unnest(%(addresses)s::text[]) AS role (address)
    ON CONFLICT ON CONSTRAINT mailbox_address_key DO NOTHING
"""

_UPDATE = "UPDATE mailbox SET token_sha256 = sha256(%(token)s) WHERE address = ANY(%(addresses)s)"

# The newest message is kept, whatever its size.
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
    SET message_count = message_count - loss.messages, stored_octets = stored_octets - loss.octets,
        dropped = dropped + loss.messages
    FROM loss
    WHERE mailbox.id = loss.mailbox_id
"""


def addresses(domains: Sequence[str]) -> list[str]:
    """The role addresses of each domain (RFC 5321 §4.5.1, RFC 2142 §4)."""
    return [f"{name}@{domain}" for domain in domains for name in ("postmaster", "abuse")]


async def create(connection: Connection, domains: Sequence[str]) -> None:
    """Create the role mailboxes that do not exist yet; only the operator's token opens them."""
    await connection.execute(
        _CREATE, {"addresses": addresses(domains), "random": secrets.token_bytes(32), "never": NEVER}
    )


async def set_token(connection: Connection, domains: Sequence[str], token: str) -> None:
    """Make `token` the operator's token, and revoke the old one."""
    await connection.execute(_UPDATE, {"addresses": addresses(domains), "token": token.encode()})


async def drop_oldest(connection: Connection, ids: Sequence[int], quota: Quota) -> None:
    """Delete the oldest messages of these mailboxes until each is within its quota."""
    await connection.execute(
        _DROP_OLDEST, {"ids": list(ids), "quota_messages": quota.messages, "quota_octets": quota.octets}
    )
