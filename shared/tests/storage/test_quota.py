"""The quota of a mailbox, which the statement that stores holds to the message and to the octet."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import psycopg
import pytest
from support.database import incoming_message, until_one_waits

from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import open_database
from fake_email.storage import staging, store
from fake_email.storage.incoming_message import IncomingMessage
from fake_email.storage.recipients import Recipient
from fake_email.storage.store import Outcome, Quota

NewMailbox = Callable[[], Awaitable[Recipient]]
FIVE = Quota(messages=5, octets=1_000_000)
TEN_OCTETS = Quota(messages=100, octets=10)
STORED = Outcome(live=1, stored=1)


def full(mailbox: Recipient, *, live: int = 1) -> Outcome:
    return Outcome(live=live, stored=0, full_mailbox_id=mailbox.mailbox_id)


async def contents(connection: Connection, mailbox: Recipient) -> list[bytes]:
    cursor = await connection.execute(
        "SELECT content FROM message WHERE mailbox_id = %s ORDER BY seq", [mailbox.mailbox_id]
    )
    return [content for (content,) in await cursor.fetchall()]


def numbered(mailbox: Recipient, numbers: Sequence[int], writer: int = 0) -> list[IncomingMessage]:
    return [incoming_message(f"{writer} {number}".encode(), mailbox.mailbox_id) for number in numbers]


def of_sizes(mailbox: Recipient, *sizes: int) -> list[IncomingMessage]:
    """Messages of so many octets, each of another letter."""
    return [incoming_message(bytes([97 + number]) * size, mailbox.mailbox_id) for number, size in enumerate(sizes)]


@pytest.mark.parametrize("batch", [1, 3, 10])
async def test_writers_of_two_pools_store_exactly_as_many_messages_as_the_mailbox_may_hold(
    database_url: str, connection: Connection, new_mailbox: NewMailbox, batch: int
) -> None:
    mailbox = await new_mailbox()
    outcomes: list[Outcome] = []

    async with open_database(database_url, connections=4) as one, open_database(database_url, connections=4) as other:

        async def write(writer: int) -> None:
            messages = numbered(mailbox, range(batch), writer)
            outcomes.extend(
                await (one, other)[writer % 2].write(lambda each: store.store_messages(each, messages, FIVE))
            )

        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            for writer in range(12):
                tasks.create_task(write(writer))

    assert len(await contents(connection, mailbox)) == 5
    assert sorted(outcomes, key=str) == [full(mailbox)] * (12 * batch - 5) + [STORED] * 5


@pytest.mark.parametrize(
    ("sizes", "fit"),
    [
        ((10,), [True]),
        ((11,), [False]),
        ((4, 6, 1), [True, True, False]),
        ((4, 7, 6, 1), [True, False, True, False]),
        ((11, 9, 2, 1), [False, True, False, True]),
        ((6, 6, 3, 3, 1), [True, False, True, False, True]),
        ((10, 0), [True, True]),
    ],
)
async def test_each_message_of_a_batch_that_fits_behind_those_before_it_is_stored(
    connection: Connection, new_mailbox: NewMailbox, sizes: tuple[int, ...], fit: list[bool]
) -> None:
    mailbox = await new_mailbox()
    batch = of_sizes(mailbox, *sizes)

    outcomes = await store.store_messages(connection, batch, TEN_OCTETS)

    assert outcomes == [STORED if each else full(mailbox) for each in fit]
    assert await contents(connection, mailbox) == [
        message.content for message, each in zip(batch, fit, strict=True) if each
    ]


async def test_a_full_mailbox_refuses_no_message_for_another(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox, other = await new_mailbox(), await new_mailbox()
    batch = [incoming_message(b"%d" % number, each.mailbox_id) for number in range(7) for each in (mailbox, other)]
    await store.store_messages(connection, numbered(mailbox, range(5)))

    outcomes = await store.store_messages(connection, batch, Quota(messages=7, octets=1_000))

    assert outcomes == [STORED] * 4 + [full(mailbox), STORED] * 5


@pytest.mark.parametrize("others", [1, 4, 12])
async def test_each_message_of_a_batch_has_its_own_outcome_whatever_those_beside_it_have(
    connection: Connection, new_mailbox: NewMailbox, others: int
) -> None:
    ended, filled, known, *rest = [await new_mailbox() for _ in range(3 + others)]
    await connection.execute("UPDATE mailbox SET expires_at = now() WHERE id = %s", [ended.mailbox_id])
    await store.store_messages(connection, of_sizes(filled, 10) + of_sizes(known, 3), TEN_OCTETS)
    outcomes = [
        (of_sizes(ended, 3), Outcome(live=0, stored=0)),
        (of_sizes(filled, 3), full(filled)),
        (of_sizes(known, 3), Outcome(live=1, stored=0)),
        *((of_sizes(mailbox, 3), STORED) for mailbox in rest),
    ]
    # The newest mailbox first, so that the order of the batch is not that of the mailboxes.
    outcomes.reverse()

    stored = await store.store_messages(connection, [each for messages, _ in outcomes for each in messages], TEN_OCTETS)

    assert stored == [outcome for _, outcome in outcomes]
    assert [await contents(connection, mailbox) for mailbox in (ended, known, *rest)] == [
        [],
        *[[b"aaa"]] * (1 + others),
    ]


@pytest.mark.parametrize("is_last", [False, True])
async def test_a_message_to_several_of_which_one_is_full_is_stored_for_none(
    connection: Connection, new_mailbox: NewMailbox, is_last: bool
) -> None:
    mailbox, another, taken = [await new_mailbox() for _ in range(3)]
    named = [mailbox, another, taken] if is_last else [taken, mailbox, another]
    await store.store_messages(connection, numbered(taken, range(5)))
    to_all = incoming_message(b"to all", *(each.mailbox_id for each in named))

    outcomes = await store.store_messages(connection, [to_all, *numbered(another, [1])], FIVE)

    assert outcomes == [full(taken, live=3), STORED]
    assert [await contents(connection, each) for each in (mailbox, another)] == [[], [b"0 1"]]


async def test_the_same_octets_behind_a_refused_message_are_stored(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    taken, mailbox = await new_mailbox(), await new_mailbox()
    await store.store_messages(connection, numbered(taken, range(5)))
    to_both = incoming_message(b"same", taken.mailbox_id, mailbox.mailbox_id)

    outcomes = await store.store_messages(connection, [to_both, incoming_message(b"same", mailbox.mailbox_id)], FIVE)

    assert outcomes == [full(taken, live=2), STORED]
    assert await contents(connection, mailbox) == [b"same"]


async def test_a_duplicate_in_a_full_mailbox_is_acknowledged(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    messages = numbered(mailbox, range(5))
    await store.store_messages(connection, messages, FIVE)

    outcomes = await store.store_messages(connection, messages, FIVE)

    assert outcomes == [Outcome(live=1, stored=0)] * 5


async def test_a_duplicate_that_another_writer_stores_meanwhile_is_acknowledged(
    connection: Connection, another: Connection, watcher: psycopg.Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    messages = numbered(mailbox, range(5))

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction():
        await store.store_messages(connection, messages, FIVE)
        storing = tasks.create_task(store.store_messages(another, [messages[2]], FIVE))
        await until_one_waits(watcher)

    assert storing.result() == [Outcome(live=1, stored=0)]


async def test_an_expired_mailbox_that_is_full_counts_as_expired(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    await store.store_messages(connection, numbered(mailbox, range(5)))
    await connection.execute("UPDATE mailbox SET expires_at = now()")

    outcomes = await store.store_messages(connection, numbered(mailbox, [6]), FIVE)

    assert outcomes == [Outcome(live=0, stored=0)]


async def test_a_role_mailbox_takes_more_than_its_quota(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    dropping = [
        msgspec.structs.replace(
            each, deliveries=tuple(msgspec.structs.replace(it, drops=True) for it in each.deliveries)
        )
        for each in numbered(mailbox, range(7))
    ]

    outcomes = await store.store_messages(connection, dropping, FIVE)

    assert outcomes == [STORED] * 7


async def test_the_staged_content_of_a_refused_message_is_dropped_and_of_a_later_one_stored(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    batch = [
        msgspec.structs.replace(each, content=b"", staged_id=await staging.put(connection, each.content))
        for each in of_sizes(mailbox, 11, 9, 2, 1)
    ]

    outcomes = await store.store_messages(connection, batch, TEN_OCTETS)

    assert [each.stored for each in outcomes] == [0, 1, 0, 1]
    assert await contents(connection, mailbox) == [b"b" * 9, b"d"]
    assert await (await connection.execute("SELECT FROM staged_content")).fetchall() == []
