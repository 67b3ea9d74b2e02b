"""The mailboxes that RCPT names, with what their quotas are compared with."""

from collections.abc import Sequence

import msgspec

from fake_email.postgres import prepared
from fake_email.postgres.connection import Connection

_FIND = prepared.statement(
    "find_recipients",
    """
    SELECT address, id AS mailbox_id, message_count, stored_octets, authentication::integer AS authentication
    FROM mailbox
    WHERE address = ANY({addresses}) AND expires_at > now()
    """,
    values={},
    arrays={"addresses": "text"},
    parts={},
)


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """A live mailbox, with the counters that RCPT compares with its quota, and whether its messages are checked."""

    address: str
    mailbox_id: int
    message_count: int
    stored_octets: int
    authentication: bool = True


async def find(connection: Connection, addresses: Sequence[str]) -> dict[str, Recipient]:
    """The live mailboxes of `addresses`, by address."""
    result = await prepared.execute(connection, _FIND, {}, {"addresses": addresses})
    return {recipient.address: recipient for recipient in prepared.rows(result, Recipient)}
