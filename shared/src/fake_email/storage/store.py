"""Stores messages in batches: each exactly once in a mailbox, in one order that every reader sees."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import astuple

from fake_email.postgres import prepared
from fake_email.postgres.connection import Connection
from fake_email.storage import staging
from fake_email.storage.incoming_message import IncomingMessage
from fake_email.storage.store_statements import ANY_BATCH, ONE_DELIVERY, ONE_MAILBOX, SHARED


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a mailbox, in messages and octets."""

    messages: int
    octets: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of storing an IncomingMessage: how many deliveries had a live mailbox, and how many were new.

    `full_mailbox_id`: a mailbox whose quota has no space for the message, which was stored in no mailbox.
    """

    live: int
    stored: int
    full_mailbox_id: int | None = None


class _Row(Outcome, frozen=True, kw_only=True):
    """An outcome; a message is refused without a full mailbox when the messages before it left no space for it."""

    is_refused: bool


# Up to so many messages, the short statement for each takes less of Postgres' time than the general one for all.
_FEW_MESSAGES = 6

NO_QUOTA = Quota(messages=2**62, octets=2**62)
_STORED = Outcome(live=1, stored=1)


async def store_messages(
    connection: Connection, incoming: Sequence[IncomingMessage], quota: Quota = NO_QUOTA
) -> list[Outcome]:
    """Store `incoming` and notify of the mailboxes that grew, mostly in one transaction; one Outcome each, in order.

    A mailbox keeps the same octets once: storing a message again changes nothing. If one of its mailboxes has no
    space for a message, no mailbox gets it. Raises psycopg.errors.UniqueViolation, having stored nothing in the last
    round, when another writer stored the same message meanwhile.
    """
    outcomes: dict[int, Outcome] = {}
    while len(outcomes) < len(incoming):
        waiting = [(number, message) for number, message in enumerate(incoming) if number not in outcomes]
        # Its first message is always stored or refused for good, so each round has fewer messages.
        outcomes |= await _store_round(connection, _without_repetitions(waiting), quota)
    return [outcomes[number] for number in range(len(incoming))]


def _without_repetitions(waiting: Sequence[tuple[int, IncomingMessage]]) -> dict[int, IncomingMessage]:
    """The messages, by number, of which no earlier one has the same octets for the same mailbox."""
    chosen: dict[int, IncomingMessage] = {}
    taken: set[tuple[int, bytes]] = set()
    for number, message in waiting:
        copies = {(each.mailbox_id, message.content_sha256) for each in message.deliveries}
        if taken.isdisjoint(copies):
            chosen[number] = message
            taken |= copies
    return chosen


async def _store_round(
    connection: Connection, incoming: Mapping[int, IncomingMessage], quota: Quota
) -> dict[int, Outcome]:
    """The outcomes of the messages, by number, except those that need another round."""
    if not any(message.staged_id for message in incoming.values()):
        return await _store(connection, incoming, quota)
    async with connection.transaction():
        outcomes = await _store(connection, incoming, quota)
        staged = [
            (each.id, message.staged_id)
            for message in (incoming[number] for number in outcomes)
            if message.staged_id
            for each in message.deliveries
        ]
        await staging.move(connection, staged)
    return outcomes


async def _store(connection: Connection, incoming: Mapping[int, IncomingMessage], quota: Quota) -> dict[int, Outcome]:
    messages = [*incoming.values()]
    mailbox_ids = {each.mailbox_id for message in messages for each in message.deliveries}
    stored: Iterable[int] = ()
    if all(len(message.deliveries) == 1 for message in messages):
        if len(mailbox_ids) == len(messages) <= _FEW_MESSAGES:
            stored = await _store_each(connection, incoming, quota)
        elif len(mailbox_ids) == 1 and await _store_in_one_mailbox(connection, messages, quota):
            stored = incoming
    outcomes = dict.fromkeys(stored, _STORED)
    rest = {number: message for number, message in incoming.items() if number not in outcomes}
    return outcomes | await _store_in_any(connection, rest, quota) if rest else outcomes


async def _store_each(connection: Connection, incoming: Mapping[int, IncomingMessage], quota: Quota) -> list[int]:
    """Store messages with one delivery each, all to other mailboxes; returns the numbers of those that are stored."""
    # In the order of the mailboxes, as the general statement locks them.
    numbers = sorted(incoming, key=lambda number: incoming[number].deliveries[0].mailbox_id)
    values = [_values_of_one(incoming[number], quota) for number in numbers]
    if len(values) == 1:
        results = [await prepared.execute(connection, ONE_DELIVERY, values[0])]
    else:
        results = await prepared.execute_each(connection, ONE_DELIVERY, values)
    return [number for number, result in zip(numbers, results, strict=True) if result.ntuples == 1]


def _values_of_one(message: IncomingMessage, quota: Quota) -> dict[str, object]:
    [delivery] = message.deliveries
    return {
        "id": delivery.id,
        "mailbox_id": delivery.mailbox_id,
        "recipient": delivery.recipient,
        "drops": delivery.drops,
        "content_sha256": message.content_sha256,
        "octets": message.octets,
        "quota_messages": quota.messages,
        "quota_octets": quota.octets,
        **dict(zip(SHARED, _shared_values(message), strict=True)),
    }


async def _store_in_one_mailbox(connection: Connection, messages: Sequence[IncomingMessage], quota: Quota) -> bool:
    """Store messages with one delivery each, all to the same mailbox; False when that would not store all of them."""
    deliveries = [message.deliveries[0] for message in messages]
    values: dict[str, object] = {
        "mailbox_id": deliveries[0].mailbox_id,
        "drops": deliveries[0].drops,
        "messages": len(messages),
        "octets": sum(message.octets for message in messages),
        "quota_messages": quota.messages,
        "quota_octets": quota.octets,
    }
    arrays: dict[str, Sequence[object]] = {
        "ids": [each.id for each in deliveries],
        "recipients": [each.recipient for each in deliveries],
        "content_sha256s": [message.content_sha256 for message in messages],
        **_shared_arrays(messages),
    }
    result = await prepared.execute(connection, ONE_MAILBOX, values, arrays)
    return result.ntuples == 1


async def _store_in_any(
    connection: Connection, incoming: Mapping[int, IncomingMessage], quota: Quota
) -> dict[int, Outcome]:
    messages = [*incoming.values()]
    deliveries = [(ordinal, each) for ordinal, message in enumerate(messages, 1) for each in message.deliveries]
    arrays: dict[str, Sequence[object]] = {
        "ordinals": [ordinal for ordinal, _ in deliveries],
        "ids": [each.id for _, each in deliveries],
        "mailbox_ids": [each.mailbox_id for _, each in deliveries],
        "recipients": [each.recipient for _, each in deliveries],
        "drops": [each.drops for _, each in deliveries],
        "content_sha256s": [messages[ordinal - 1].content_sha256 for ordinal, _ in deliveries],
        "octets": [messages[ordinal - 1].octets for ordinal, _ in deliveries],
        **_shared_arrays(messages),
    }
    values = {"quota_messages": quota.messages, "quota_octets": quota.octets}
    rows = prepared.rows(await prepared.execute(connection, ANY_BATCH, values, arrays), _Row)
    return {
        number: Outcome(live=row.live, stored=row.stored, full_mailbox_id=row.full_mailbox_id)
        for number, row in zip(incoming, rows, strict=True)
        if not row.is_refused or row.full_mailbox_id is not None
    }


def _shared_arrays(messages: Sequence[IncomingMessage]) -> dict[str, Sequence[object]]:
    return dict(zip(SHARED, zip(*map(_shared_values, messages), strict=True), strict=True))


def _shared_values(message: IncomingMessage) -> tuple[object, ...]:
    return (
        message.reverse_path,
        message.content,
        message.transfer,
        message.check_skipped,
        *astuple(message.parsed),
        *astuple(message.trace),
    )
