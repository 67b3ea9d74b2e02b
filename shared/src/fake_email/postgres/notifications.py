"""What NOTIFY carries: which mailboxes grew, and how far, and what is gone. A hint; the table is the truth.

Growth is pairs `mailbox_id:last_seq` with a blank between, at most PAIRS_PER_EVENT of them, which keeps it under
the 8,000 octets that Postgres allows. `messages.store` writes it, in the transaction that stores.
"""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress

import psycopg
import structlog
from psycopg.rows import tuple_row

from fake_email.postgres import failover
from fake_email.postgres.connection import ANSWER_SECONDS, SESSION_SETTINGS, Connection, conninfo, cut_after

CHANNEL = "message_stored"
PAIRS_PER_EVENT = 150
# Its payload is mailbox ids with a blank between, written in the transaction that deletes the mailboxes.
GONE_CHANNEL = "mailbox_gone"
IDS_PER_EVENT = 350
# Its payload is `mailbox_id:seq:message_id`, written in the transaction that deletes the message.
DELETED_CHANNEL = "message_deleted"

_LISTEN = "LISTEN message_stored; LISTEN mailbox_gone; LISTEN message_deleted"
_ID = re.compile(r"[0-9]{1,19}")
_PAIR = re.compile(r"([0-9]{1,19}):([0-9]{1,19})")
_DELETED = re.compile(r"([0-9]{1,19}):([0-9]{1,19}):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_FIRST_BACK_OFF_SECONDS = 0.1
_LAST_BACK_OFF_SECONDS = 1.0
# A listener hears nothing of a peer that is gone; asking finds it out.
_PROBE_SECONDS = 1.0
_LOOK_SECONDS = 5.0

log = structlog.get_logger()


def decode(payload: str) -> list[tuple[int, int]]:
    """The pairs (mailbox id, its newest seq) that a payload holds; anybody can send one, so the rest is passed over."""
    pairs = (_PAIR.fullmatch(each) for each in payload.split(" "))
    return [(int(pair[1]), int(pair[2])) for pair in pairs if pair]


def decode_gone(payload: str) -> list[int]:
    """The ids of mailboxes that a payload holds; the rest is passed over."""
    return [int(each) for each in payload.split(" ") if _ID.fullmatch(each)]


def decode_deleted(payload: str) -> tuple[int, int, uuid.UUID] | None:
    """Mailbox id, seq and id of the message that a payload says was deleted; None when it says no such thing."""
    found = _DELETED.fullmatch(payload)
    return (int(found[1]), int(found[2]), uuid.UUID(found[3])) if found else None


async def listen(
    database_url: str,
    *,
    connected: Callable[[Connection], Awaitable[None]],
    grown: Callable[[int, int], None],
    gone: Callable[[int], None],
    deleted: Callable[[int, int, uuid.UUID], None],
    lost: Callable[[], None],
) -> None:
    """Listen for good: `grown` for each pair, `gone` for each mailbox and `deleted` for each message that is not there
    any more, `lost` when the connection is not, `connected` after each LISTEN.

    What was committed while nobody listened was not heard, so `connected` looks in the table.
    """
    back_off = _FIRST_BACK_OFF_SECONDS
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                conninfo(database_url), autocommit=True, row_factory=tuple_row
            ) as connection:
                with cut_after(connection, _LOOK_SECONDS):
                    with suppress(psycopg.errors.InvalidParameterValue):
                        await connection.execute(SESSION_SETTINGS)
                    await connection.execute(_LISTEN)
                    await connected(connection)
                log.info("listening_for_messages")
                back_off = _FIRST_BACK_OFF_SECONDS
                await _hear(connection, grown=grown, gone=gone, deleted=deleted)
        except (psycopg.Error, OSError) as error:
            lost()
            if back_off == _FIRST_BACK_OFF_SECONDS:
                log.warning("listening_lost", error=type(error).__name__)
            await asyncio.sleep(back_off)
            back_off = min(back_off * 2, _LAST_BACK_OFF_SECONDS)


async def _hear(
    connection: Connection,
    *,
    grown: Callable[[int, int], None],
    gone: Callable[[int], None],
    deleted: Callable[[int, int, uuid.UUID], None],
) -> None:
    while True:
        async for notification in connection.notifies(timeout=_PROBE_SECONDS):
            payload = notification.payload
            if notification.channel == CHANNEL:
                for mailbox_id, seq in decode(payload):
                    grown(mailbox_id, seq)
            elif notification.channel == GONE_CHANNEL:
                for mailbox_id in decode_gone(payload):
                    gone(mailbox_id)
            elif found := decode_deleted(payload):
                deleted(*found)
        with cut_after(connection, ANSWER_SECONDS):
            async with failover.checked(connection):
                await connection.execute("")
