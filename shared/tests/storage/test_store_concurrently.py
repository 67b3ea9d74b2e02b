"""Several connections that store into the same mailboxes, and the notifications of what they store."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest
from support.database import heard, incoming_message, until_one_waits

from fake_email.postgres import notifications
from fake_email.postgres.connection import Connection
from fake_email.postgres.notifications import Grown
from fake_email.storage import store
from fake_email.storage.incoming_message import IncomingMessage
from fake_email.storage.recipients import Recipient
from fake_email.storage.store import Outcome

NewMailbox = Callable[[], Awaitable[Recipient]]


@pytest.fixture
async def listener(database_url: str) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(f"LISTEN {Grown.CHANNEL}".encode())
        yield connection


async def contents(connection: Connection, mailbox: Recipient) -> list[tuple[int, bytes]]:
    """The seq and content of each message, in the order of received_at."""
    cursor = await connection.execute(
        "SELECT seq, content FROM message WHERE mailbox_id = %s ORDER BY received_at", [mailbox.mailbox_id]
    )
    return await cursor.fetchall()


async def store_with_retry(connection: Connection, incoming: list[IncomingMessage]) -> list[Outcome]:
    """Store as a caller of `store_messages` must: again when another writer stored the same message meanwhile."""
    while True:
        try:
            return await store.store_messages(connection, incoming)
        except psycopg.errors.UniqueViolation:
            continue


async def store_twenty_batches(database_url: str, mailboxes: list[Recipient], writer: int) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        for number in range(20):
            batch = [
                incoming_message(f"{writer} {number} {each.address}".encode(), each.mailbox_id) for each in mailboxes
            ]
            await store.store_messages(connection, batch)


async def test_concurrent_writers_leave_no_gap_in_the_seqs_and_keep_their_order(
    database_url: str, connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for writer in range(4):
            tasks.create_task(store_twenty_batches(database_url, [mailbox], writer))

    assert [seq for seq, _ in await contents(connection, mailbox)] == list(range(1, 81))


async def test_writers_in_opposite_order_never_deadlock(
    database_url: str, connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailboxes = [await new_mailbox() for _ in range(20)]

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(store_twenty_batches(database_url, mailboxes, 1))
        tasks.create_task(store_twenty_batches(database_url, mailboxes[::-1], 2))

    for mailbox in mailboxes:
        assert [seq for seq, _ in await contents(connection, mailbox)] == list(range(1, 41))


async def test_a_writer_locks_mailboxes_in_the_order_of_their_ids(
    connection: Connection, another: Connection, watcher: psycopg.Connection, new_mailbox: NewMailbox
) -> None:
    low, high = await new_mailbox(), await new_mailbox()
    # The UPDATE moves the lower id behind the higher one in the table, so a sequential scan meets the higher one first.
    await connection.execute("UPDATE mailbox SET address = address WHERE id = %s", [low.mailbox_id])
    await another.execute("SET enable_indexscan = off")
    await another.execute("SET enable_bitmapscan = off")

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction():
        await store.store_messages(connection, [incoming_message(b"1", low.mailbox_id)])
        tasks.create_task(store.store_messages(another, [incoming_message(b"2", high.mailbox_id, low.mailbox_id)]))
        await until_one_waits(watcher)
        await store.store_messages(connection, [incoming_message(b"1", high.mailbox_id)])

    assert await contents(connection, low) == [(1, b"1"), (2, b"2")]
    assert await contents(connection, high) == [(1, b"1"), (2, b"2")]


async def test_a_seq_is_never_visible_before_a_lower_one(
    connection: Connection, another: Connection, watcher: psycopg.Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction():
        await store.store_messages(connection, [incoming_message(b"first", mailbox.mailbox_id)])
        tasks.create_task(store.store_messages(another, [incoming_message(b"second", mailbox.mailbox_id)]))
        await until_one_waits(watcher)
        visible = watcher.execute("SELECT count(*) FROM message").fetchone()

    assert visible == (0,)
    assert await contents(connection, mailbox) == [(1, b"first"), (2, b"second")]


async def test_a_message_that_another_writer_stores_meanwhile_is_not_stored_again(
    connection: Connection, another: Connection, watcher: psycopg.Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction():
        await store.store_messages(connection, [incoming_message(b"same", mailbox.mailbox_id)])
        late = [incoming_message(b"other", mailbox.mailbox_id), incoming_message(b"same", mailbox.mailbox_id)]
        storing = tasks.create_task(store_with_retry(another, late))
        await until_one_waits(watcher)

    assert storing.result() == [Outcome(live=1, stored=1), Outcome(live=1, stored=0)]
    assert await contents(connection, mailbox) == [(1, b"same"), (2, b"other")]


async def test_a_message_that_another_writer_rolls_back_is_stored_without_a_gap(
    connection: Connection, another: Connection, watcher: psycopg.Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction(force_rollback=True):
        await store.store_messages(connection, [incoming_message(b"same", mailbox.mailbox_id)])
        storing = tasks.create_task(store.store_messages(another, [incoming_message(b"same", mailbox.mailbox_id)]))
        await until_one_waits(watcher)

    assert storing.result() == [Outcome(live=1, stored=1)]
    assert await contents(connection, mailbox) == [(1, b"same")]


async def test_writers_of_the_same_octets_store_them_once(
    database_url: str, connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    stored: list[int] = []

    async def write() -> None:
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as own:
            for number in range(40):
                [outcome] = await store_with_retry(own, [incoming_message(b"%d" % number, mailbox.mailbox_id)])
                stored.append(outcome.stored)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(write())

    assert sum(stored) == 40
    assert [seq for seq, _ in await contents(connection, mailbox)] == list(range(1, 41))


@pytest.mark.parametrize(
    "end", ["UPDATE mailbox SET expires_at = now() WHERE id = %s", "DELETE FROM mailbox WHERE id = %s"]
)
async def test_a_mailbox_that_is_deleted_while_a_writer_waits_gets_no_message(
    connection: Connection, another: Connection, watcher: psycopg.Connection, new_mailbox: NewMailbox, end: str
) -> None:
    gone, neighbour = await new_mailbox(), await new_mailbox()

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction():
        await connection.execute(end.encode(), [gone.mailbox_id])
        batch = [incoming_message(b"1", gone.mailbox_id), incoming_message(b"2", neighbour.mailbox_id)]
        storing = tasks.create_task(store.store_messages(another, batch))
        await until_one_waits(watcher)

    assert storing.result() == [Outcome(live=0, stored=0), Outcome(live=1, stored=1)]
    assert await contents(connection, gone) == []
    assert await contents(connection, neighbour) == [(1, b"2")]


async def test_the_newest_seq_of_each_mailbox_is_notified(
    connection: Connection, listener: Connection, new_mailbox: NewMailbox
) -> None:
    first, second = await new_mailbox(), await new_mailbox()

    await store.store_messages(
        connection,
        [incoming_message(b"1", first.mailbox_id), incoming_message(b"2", first.mailbox_id, second.mailbox_id)],
    )

    [payload] = await heard(listener, Grown.CHANNEL)
    assert sorted(payload.split(" ")) == sorted([f"{first.mailbox_id}:2", f"{second.mailbox_id}:1"])


async def test_nothing_is_notified_before_the_commit(
    connection: Connection, listener: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()

    async with connection.transaction():
        await store.store_messages(connection, [incoming_message(b"1", mailbox.mailbox_id)])
        before = await heard(listener, Grown.CHANNEL)
    after = await heard(listener, Grown.CHANNEL)

    assert (before, after) == ([], [f"{mailbox.mailbox_id}:1"])


async def test_a_message_that_is_stored_again_is_not_notified(
    connection: Connection, listener: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    await store.store_messages(connection, [incoming_message(b"1", mailbox.mailbox_id)])
    await heard(listener, Grown.CHANNEL)

    await store.store_messages(connection, [incoming_message(b"1", mailbox.mailbox_id)])

    assert await heard(listener, Grown.CHANNEL) == []


async def test_an_expired_mailbox_is_not_notified(
    connection: Connection, listener: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    await connection.execute("UPDATE mailbox SET expires_at = now()")

    await store.store_messages(connection, [incoming_message(b"1", mailbox.mailbox_id)])

    assert await heard(listener, Grown.CHANNEL) == []


async def test_hundreds_of_mailboxes_are_notified_in_payloads_that_fit(
    connection: Connection, listener: Connection
) -> None:
    largest = 2**63 - 1
    cursor = await connection.execute(
        """
        INSERT INTO mailbox (id, address, expires_at, last_seq)
        OVERRIDING SYSTEM VALUE
        SELECT %(largest)s::bigint - number, number || '@mx.test', now() + interval '1 hour', %(largest)s::bigint - 1
        FROM generate_series(0, 399) AS number
        RETURNING id
        """,
        {"largest": largest},
    )
    ids = {mailbox_id for (mailbox_id,) in await cursor.fetchall()}

    await store.store_messages(connection, [incoming_message(b"1", *ids)])

    payloads = await heard(listener, Grown.CHANNEL)
    told = [each for payload in payloads for each in notifications.decode(Grown.CHANNEL, payload)]
    assert len(told) == len(ids)
    assert set(told) == {Grown(mailbox_id=mailbox_id, seq=largest) for mailbox_id in ids}
