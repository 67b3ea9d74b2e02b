"""Notifications: one service reports a change to another through Postgres, in the transaction of the change.

A notification is a hint, and the table is the truth. During a deploy the release before and the release after hear
each other, so a payload keeps its form.
"""

import asyncio
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import ClassVar, LiteralString, Protocol, Self, TypeAlias, get_args

import msgspec
import psycopg
import structlog
from psycopg import sql

from fake_email.postgres import failover
from fake_email.postgres.connection import ANSWER_SECONDS, SESSION_SETTINGS, Connection, conninfo, cut_after
from fake_email.postgres.hosts import HostConnection

# At most so many of them in one payload, which keeps it under the 8,000 octets that Postgres allows.
PAIRS_PER_PAYLOAD = 150
IDS_PER_PAYLOAD = 350
MARKS_PER_PAYLOAD = 90

_ID = re.compile(r"[0-9]{1,19}")
_PAIR = re.compile(r"([0-9]{1,19}):([0-9]{1,19})")
_MESSAGE = re.compile(r"([0-9]{1,19}):([0-9]{1,19}):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_MARK = re.compile(rf"{_MESSAGE.pattern}:([01])")
_FIRST_BACK_OFF_SECONDS = 0.1
_LAST_BACK_OFF_SECONDS = 1.0
# A connection that only listens does not notice that the server is gone; a query does.
_PROBE_SECONDS = 1.0
_CONNECTED_SECONDS = 5.0
# After so many probes while nobody awaited a notification, LISTEN ends: each message would wake the process.
_PROBES_UNAWAITED = 2

log = structlog.get_logger()


class Grown(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox has new messages, the newest of them `seq`; a payload is `mailbox_id:seq` pairs between blanks."""

    CHANNEL: ClassVar = "message_stored"
    mailbox_id: int
    seq: int

    @classmethod
    def decode(cls, payload: str) -> Iterator[Self | None]:
        for pair in map(_PAIR.fullmatch, payload.split(" ")):
            yield cls(mailbox_id=int(pair[1]), seq=int(pair[2])) if pair else None


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox was deleted or has expired; a payload is mailbox ids between blanks."""

    CHANNEL: ClassVar = "mailbox_gone"
    mailbox_id: int

    @classmethod
    def decode(cls, payload: str) -> Iterator[Self | None]:
        for each in map(_ID.fullmatch, payload.split(" ")):
            yield cls(mailbox_id=int(each[0])) if each else None


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """A message was deleted; a payload is `mailbox_id:seq:message_id`."""

    CHANNEL: ClassVar = "message_deleted"
    mailbox_id: int
    seq: int
    message_id: uuid.UUID

    @classmethod
    def decode(cls, payload: str) -> Iterator[Self | None]:
        found = _MESSAGE.fullmatch(payload)
        yield cls(mailbox_id=int(found[1]), seq=int(found[2]), message_id=uuid.UUID(found[3])) if found else None


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """A message was marked as seen or unseen; a payload is `mailbox_id:seq:message_id:1` (or 0) between blanks."""

    CHANNEL: ClassVar = "message_marked"
    mailbox_id: int
    seq: int
    message_id: uuid.UUID
    seen: bool

    @classmethod
    def decode(cls, payload: str) -> Iterator[Self | None]:
        for each in map(_MARK.fullmatch, payload.split(" ")):
            if each:
                yield cls(mailbox_id=int(each[1]), seq=int(each[2]), message_id=uuid.UUID(each[3]), seen=each[4] == "1")
            else:
                yield None


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The check of a message's sender has ended; a payload is `mailbox_id:seq:message_id:1`, or 0 for not checked."""

    CHANNEL: ClassVar = "message_checked"
    mailbox_id: int
    seq: int
    message_id: uuid.UUID
    is_checked: bool

    @classmethod
    def decode(cls, payload: str) -> Iterator[Self | None]:
        found = _MARK.fullmatch(payload)
        yield (
            cls(mailbox_id=int(found[1]), seq=int(found[2]), message_id=uuid.UUID(found[3]), is_checked=found[4] == "1")
            if found
            else None
        )


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """Mail for a mailbox was refused, deferred or cut; a payload is `mailbox_id:attempt_id`."""

    CHANNEL: ClassVar = "delivery_attempted"
    mailbox_id: int
    attempt_id: int

    @classmethod
    def decode(cls, payload: str) -> Iterator[Self | None]:
        found = _PAIR.fullmatch(payload)
        yield cls(mailbox_id=int(found[1]), attempt_id=int(found[2])) if found else None


# A change of one message that is stored, which the streams of its mailbox report.
MessageChange: TypeAlias = Deleted | Marked | Checked
Notification = Grown | Gone | Attempted | MessageChange

_BY_CHANNEL: dict[str, type[Notification]] = {each.CHANNEL: each for each in get_args(Notification)}
_LISTEN = sql.SQL("; ").join(sql.SQL("LISTEN {}").format(sql.Identifier(channel)) for channel in _BY_CHANNEL)


class Subscriber(Protocol):
    """Gets every notification while it awaits any; `lost` and `connected` enclose the time in which some were missed.

    `awaited` is set while it awaits any. Set again, it may have missed some, and `connected` follows.
    """

    awaited: asyncio.Event

    async def connected(self, connection: Connection) -> None:
        """Look in the table for earlier changes; each later change is a notification."""

    def notified(self, notification: Notification) -> None: ...

    def lost(self) -> None:
        """Note that no notification comes until `connected` is called again."""


def decode(channel: str, payload: str) -> Sequence[Notification | None]:
    """The notifications in a payload; None stands for each part that this release does not understand."""
    notification = _BY_CHANNEL.get(channel)
    return [*notification.decode(payload)] if notification else [None]


async def listen(database_url: str, subscriber: Subscriber) -> None:
    """Tell `subscriber` of every notification, on one connection, which is made again when it breaks; until cancelled.

    Log the first payload of a channel that this release does not understand, without its content.
    """
    back_off = _FIRST_BACK_OFF_SECONDS
    unknown: set[str] = set()
    while True:
        try:
            async with await HostConnection.connect(conninfo(database_url), autocommit=True) as connection:
                with cut_after(connection, _CONNECTED_SECONDS):
                    with suppress(psycopg.errors.InvalidParameterValue):
                        await connection.execute(SESSION_SETTINGS)
                    await _begin(connection, subscriber)
                log.info("listening_for_messages")
                back_off = _FIRST_BACK_OFF_SECONDS
                await _receive(connection, subscriber, unknown)
        except (psycopg.Error, OSError) as error:
            subscriber.lost()
            if back_off == _FIRST_BACK_OFF_SECONDS:
                log.warning("listening_lost", error=type(error).__name__)
            await asyncio.sleep(back_off)
            back_off = min(back_off * 2, _LAST_BACK_OFF_SECONDS)


async def _begin(connection: Connection, subscriber: Subscriber) -> None:
    await connection.execute(_LISTEN)
    await subscriber.connected(connection)


async def _receive(connection: Connection, subscriber: Subscriber, unknown: set[str]) -> None:
    unawaited = 0
    while True:
        async for received in connection.notifies(timeout=_PROBE_SECONDS):
            for notification in decode(received.channel, received.payload):
                if notification:
                    subscriber.notified(notification)
                elif received.channel not in unknown:
                    unknown.add(received.channel)
                    log.warning("notification_unknown", channel=received.channel)
        unawaited = 0 if subscriber.awaited.is_set() else unawaited + 1
        if unawaited < _PROBES_UNAWAITED:
            await _probe(connection, "")
        else:
            await _pause(connection, subscriber)
            unawaited = 0


async def _pause(connection: Connection, subscriber: Subscriber) -> None:
    """Do without LISTEN until a notification is awaited."""
    while not subscriber.awaited.is_set():
        await _probe(connection, "UNLISTEN *")
        with suppress(TimeoutError):
            async with asyncio.timeout(_PROBE_SECONDS):
                await subscriber.awaited.wait()
    with cut_after(connection, _CONNECTED_SECONDS):
        async with failover.checked(connection):
            await _begin(connection, subscriber)


async def _probe(connection: Connection, statement: LiteralString) -> None:
    with cut_after(connection, ANSWER_SECONDS):
        async with failover.checked(connection):
            await connection.execute(statement)
