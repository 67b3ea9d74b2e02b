"""The replies to mail that the operator's limits on storage and list of blocked senders refuse; each is logged."""

from fake_email.storage.incoming_message import Trace
from smtp_ingest import replies, reply_tables
from smtp_ingest.connection import Connection
from smtp_ingest.context import Context


def for_storage(context: Context, connection: Connection, network: int | None, octets: int) -> str | None:
    """The reply to a message of that size past a limit on stored mail, which is logged once a minute."""
    now = connection.loop.time()
    limit = context.storage_limits.reached(network, octets, now)
    if limit is None:
        return None
    if context.storage_limits.is_to_be_logged(limit, network, now):
        return connection.limit_reply(limit)
    context.counts.limits[limit] += 1
    return reply_tables.FOR_LIMIT[limit]


def for_sender(context: Context, connection: Connection, trace: Trace, reverse_path: str) -> str | None:
    """The reply to a sender that the operator blocks, which is logged."""
    block = context.blocked_senders.find(client_address=trace.client_address, reverse_path=reverse_path)
    if block is None:
        return None
    connection.log.info("sender_blocked", block=block.sender)
    return replies.BLOCKED.format(text=block.reply)
