"""A batch of the purge: what it deletes, its size, and other transactions beside it."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
import pytest
from support.database import heard, incoming_message, until_one_waits
from support.expired import count_rows, create_expired, expire, fill

from fake_email.postgres import notifications
from fake_email.postgres.connection import Connection
from fake_email.storage import mailboxes, message_list, purge_batch, recipients, role_mailboxes, staging, store
from fake_email.storage.purge_batch import Purged
from fake_email.storage.recipients import Recipient
from fake_email.storage.store import Outcome

NewMailbox = Callable[[], Awaitable[Recipient]]


@pytest.fixture
async def listener(another: Connection) -> Connection:
    """A connection that listens for deleted mailboxes."""
    await another.execute(f"LISTEN {notifications.Gone.CHANNEL}".encode())
    return another


# Deleted rows


async def test_an_expired_mailbox_is_deleted_with_its_mail(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    await store.store_messages(
        connection, [incoming_message(b"one", mailbox.mailbox_id), incoming_message(b"four", mailbox.mailbox_id)]
    )
    await expire(connection, mailbox)

    purged = await purge_batch.delete(connection)

    assert purged == Purged(mailboxes=1, messages=2, octets=7)
    assert (await count_rows(connection, "mailbox"), await count_rows(connection, "message")) == (0, 0)


async def test_a_mailbox_that_was_deleted_before_its_expiry_is_purged_too(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    await store.store_messages(connection, [incoming_message(b"one", mailbox.mailbox_id)])
    await mailboxes.delete(connection, mailbox.mailbox_id)

    await purge_batch.delete(connection)

    assert (await count_rows(connection, "mailbox"), await count_rows(connection, "message")) == (0, 0)


async def test_live_mailboxes_keep_their_mail_and_their_counters(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    live, expired = await new_mailbox(), await new_mailbox()
    await store.store_messages(connection, [incoming_message(b"to both", live.mailbox_id, expired.mailbox_id)])
    await expire(connection, expired)

    await purge_batch.delete(connection)

    _, listed = await message_list.read(
        connection, address=live.address, token_sha256=None, since=message_list.Cursor(), limit=10
    )
    assert [each.octets for each in listed] == [7]
    [recipient] = (await recipients.find(connection, [live.address])).values()
    assert (recipient.message_count, recipient.stored_octets) == (1, 7)


async def test_a_role_mailbox_is_never_purged(connection: Connection) -> None:
    await role_mailboxes.create(connection, ["mx.test"])

    purged = await purge_batch.delete(connection)

    assert purged == Purged()
    assert await count_rows(connection, "mailbox") == 2


async def test_content_staged_more_than_an_hour_ago_is_deleted(connection: Connection) -> None:
    abandoned, recent = await staging.put(connection, b"abandoned"), await staging.put(connection, b"recent")
    await connection.execute(
        "UPDATE staged_content SET staged_at = now() - interval '61 minutes' WHERE id = %s", [abandoned]
    )

    purged = await purge_batch.delete(connection)

    assert purged == Purged(staged=1)
    cursor = await connection.execute("SELECT id FROM staged_content")
    assert await cursor.fetchall() == [(recent,)]


async def test_a_tombstone_is_deleted_after_ninety_days(connection: Connection) -> None:
    await connection.execute(
        "INSERT INTO tombstone VALUES ('old', now() - interval '90 days 1 s'), ('new', now() - interval '89 days')"
    )

    purged = await purge_batch.delete(connection)

    assert purged == Purged(tombstones=1)
    cursor = await connection.execute("SELECT address_sha256 FROM tombstone")
    assert await cursor.fetchall() == [(b"new",)]


# Batches


async def test_a_batch_has_a_bounded_number_of_mailboxes(connection: Connection) -> None:
    await create_expired(connection, purge_batch.BATCH_MAILBOXES + 1)

    purged = [await purge_batch.delete(connection) for _ in range(3)]

    assert purged == [Purged(mailboxes=purge_batch.BATCH_MAILBOXES), Purged(mailboxes=1), Purged()]


async def test_a_batch_has_a_bounded_number_of_messages(connection: Connection) -> None:
    for mailbox_id in await create_expired(connection, 2):
        await fill(connection, mailbox_id, count=purge_batch.BATCH_MESSAGES - 1, octets=1)

    purged = [await purge_batch.delete(connection) for _ in range(3)]

    assert [(each.mailboxes, each.messages) for each in purged] == [
        (1, purge_batch.BATCH_MESSAGES),
        (1, purge_batch.BATCH_MESSAGES - 2),
        (0, 0),
    ]


async def test_a_batch_has_a_bounded_number_of_octets(connection: Connection) -> None:
    [mailbox_id] = await create_expired(connection, 1)
    half = purge_batch.BATCH_OCTETS // 2
    await fill(connection, mailbox_id, count=3, octets=half)

    purged = [await purge_batch.delete(connection) for _ in range(2)]

    assert [(each.mailboxes, each.octets) for each in purged] == [(0, 2 * half), (1, half)]


async def test_a_message_larger_than_the_octets_of_a_batch_is_a_batch_of_its_own(connection: Connection) -> None:
    [mailbox_id] = await create_expired(connection, 1)
    await fill(connection, mailbox_id, count=2, octets=purge_batch.BATCH_OCTETS + 1)

    purged = [await purge_batch.delete(connection) for _ in range(2)]

    assert [each.messages for each in purged] == [1, 1]


async def test_a_batch_has_a_bounded_number_of_tombstones(connection: Connection) -> None:
    await connection.execute(
        "INSERT INTO tombstone SELECT sha256(number::text::bytea), 'epoch' FROM generate_series(0, %s) AS number",
        [purge_batch.BATCH_TOMBSTONES],
    )

    purged = [await purge_batch.delete(connection) for _ in range(2)]

    assert purged == [Purged(tombstones=purge_batch.BATCH_TOMBSTONES), Purged(tombstones=1)]


async def test_a_batch_has_one_abandoned_content(connection: Connection) -> None:
    for content in (b"one", b"two"):
        await staging.put(connection, content)
    await connection.execute("UPDATE staged_content SET staged_at = 'epoch'")

    purged = [await purge_batch.delete(connection) for _ in range(3)]

    assert purged == [Purged(staged=1), Purged(staged=1), Purged()]


# Concurrent transactions


async def test_one_process_at_a_time_purges(connection: Connection, another: Connection) -> None:
    await create_expired(connection, purge_batch.BATCH_MAILBOXES + 1)

    async with another.transaction():
        first = await purge_batch.delete(another)
        second = await purge_batch.delete(connection)

    assert (first.mailboxes, second) == (purge_batch.BATCH_MAILBOXES, Purged())


async def test_a_mailbox_that_a_writer_has_locked_is_left_for_a_later_batch(
    connection: Connection, another: Connection, new_mailbox: NewMailbox
) -> None:
    written, neighbour = await new_mailbox(), await new_mailbox()
    await expire(connection, written, neighbour)

    async with another.transaction():
        await another.execute("SELECT FROM mailbox WHERE id = %s FOR NO KEY UPDATE", [written.mailbox_id])
        meanwhile = await purge_batch.delete(connection)
    afterwards = await purge_batch.delete(connection)

    assert (meanwhile, afterwards) == (Purged(mailboxes=1), Purged(mailboxes=1))


async def test_a_writer_that_waits_for_the_purge_stores_nothing_in_the_purged_mailbox(
    connection: Connection, another: Connection, watcher: psycopg.Connection, new_mailbox: NewMailbox
) -> None:
    first, second = await new_mailbox(), await new_mailbox()

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction():
        # The writer began while both were live; the second expires and is purged while it waits for the first.
        await connection.execute("SELECT FROM mailbox WHERE id = %s FOR UPDATE", [first.mailbox_id])
        storing = tasks.create_task(
            store.store_messages(another, [incoming_message(b"1", first.mailbox_id, second.mailbox_id)])
        )
        await until_one_waits(watcher)
        await expire(connection, second)
        await purge_batch.delete(connection)

    assert storing.result() == [Outcome(live=1, stored=1)]
    assert await count_rows(connection, "mailbox") == 1


async def test_writers_deletions_and_the_purge_never_deadlock(
    database_url: str, connection: Connection, new_mailbox: NewMailbox
) -> None:
    gone = [await new_mailbox() for _ in range(20)]
    kept = await new_mailbox()
    ids = [each.mailbox_id for each in gone]

    async def write(writer: int, mailbox_ids: list[int]) -> None:
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as own:
            for number in range(20):
                await store.store_messages(
                    own, [incoming_message(b"%d %d" % (writer, number), *mailbox_ids, kept.mailbox_id)]
                )

    async def purge_until_empty() -> None:
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as own:
            while await count_rows(own, "mailbox") > 1:
                await purge_batch.delete(own)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(write(1, ids))
        tasks.create_task(write(2, ids[::-1]))
        tasks.create_task(purge_until_empty())
        for mailbox in gone:
            await mailboxes.delete(connection, mailbox.mailbox_id)

    found = await recipients.find(connection, [kept.address])
    assert (found[kept.address].message_count, await count_rows(connection, "message")) == (40, 40)


async def test_a_mailbox_that_is_partly_purged_cannot_be_extended(
    connection: Connection, another: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    await fill(connection, mailbox.mailbox_id, count=purge_batch.BATCH_MESSAGES + 1, octets=1)

    async with another.transaction():
        await another.execute("SELECT now()")  # now() stays at this time, before the expiry, in this transaction
        await expire(connection, mailbox)
        await purge_batch.delete(connection)
        extended = await another.execute(
            "UPDATE mailbox SET expires_at = now() + interval '1 hour' WHERE expires_at > now()"
        )

    assert extended.rowcount == 0


async def test_purged_mailboxes_are_notified_when_the_batch_is_committed(
    connection: Connection, listener: Connection
) -> None:
    ids = await create_expired(connection, 3)

    async with connection.transaction():
        await purge_batch.delete(connection)
        before = await heard(listener, notifications.Gone.CHANNEL)
    after = await heard(listener, notifications.Gone.CHANNEL)

    assert before == []
    assert sorted(int(each) for payload in after for each in payload.split(" ")) == ids


async def test_the_mailboxes_of_a_whole_batch_fit_in_one_payload(connection: Connection, listener: Connection) -> None:
    await connection.execute("ALTER TABLE mailbox ALTER id RESTART WITH 9223372036854770000")
    await create_expired(connection, purge_batch.BATCH_MAILBOXES)

    await purge_batch.delete(connection)

    [payload] = await heard(listener, notifications.Gone.CHANNEL)
    assert len(payload.split(" ")) == purge_batch.BATCH_MAILBOXES


async def test_a_mailbox_that_is_partly_purged_is_not_notified(connection: Connection, listener: Connection) -> None:
    [mailbox_id] = await create_expired(connection, 1)
    await fill(connection, mailbox_id, count=purge_batch.BATCH_MESSAGES + 1, octets=1)

    await purge_batch.delete(connection)

    assert await heard(listener, notifications.Gone.CHANNEL) == []
