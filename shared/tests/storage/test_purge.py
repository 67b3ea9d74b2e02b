"""The purge: what it deletes, the size of its batches, other transactions beside it, full disks and outages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest
from structlog.testing import capture_logs
from support.database import MIGRATIONS, heard, incoming_message, own_postgres, until_one_waits, without_room
from support.waiting import until

from fake_email.errors import AddressTaken
from fake_email.postgres import migrate, notifications
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import Database, open_database
from fake_email.storage import mailboxes, message_list, purge, recipients, role_mailboxes, staging, store
from fake_email.storage.purge import Purged
from fake_email.storage.recipients import Recipient
from fake_email.storage.store import Outcome

NewMailbox = Callable[[], Awaitable[Recipient]]

CREATE_EXPIRED = """
    INSERT INTO mailbox (address, expires_at)
    SELECT number || '@mx.test', now()
    FROM generate_series(1, %s) AS number
    RETURNING id
"""
FILL = """
    INSERT INTO message (
        id, mailbox_id, seq, received_at, reverse_path, recipient, from_header, from_address, subject, text,
        attachments, content, content_sha256
    )
    SELECT gen_random_uuid(), %(mailbox_id)s, number, now(), '', '', '', '', '', '',
        '[]', convert_to(repeat('x', %(octets)s), 'UTF8'), sha256(number::text::bytea)
    FROM generate_series(1, %(count)s) AS number
"""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url, connections=2) as database:
        yield database


@pytest.fixture
async def listener(another: Connection) -> Connection:
    """A connection that listens for deleted mailboxes."""
    await another.execute(f"LISTEN {notifications.Gone.CHANNEL}".encode())
    return another


async def expire(connection: Connection, *mailboxes: Recipient) -> None:
    ids = [each.mailbox_id for each in mailboxes]
    await connection.execute("UPDATE mailbox SET expires_at = now() WHERE id = ANY(%s)", [ids])


async def create_expired(connection: Connection, count: int) -> list[int]:
    """Create expired and empty mailboxes, and return their ids."""
    cursor = await connection.execute(CREATE_EXPIRED, [count])
    return [mailbox_id for (mailbox_id,) in await cursor.fetchall()]


async def fill(connection: Connection, mailbox_id: int, *, count: int, octets: int) -> None:
    await connection.execute(FILL, {"mailbox_id": mailbox_id, "count": count, "octets": octets})


async def count_rows(connection: Connection, table: str) -> int:
    """The number of rows of a table."""
    cursor = await connection.execute(f"SELECT count(*) FROM {table}".encode())
    [(count,)] = await cursor.fetchall()
    return int(count)


# Deleted rows


async def test_an_expired_mailbox_is_deleted_with_its_mail(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    await store.store_messages(
        connection, [incoming_message(b"one", mailbox.mailbox_id), incoming_message(b"four", mailbox.mailbox_id)]
    )
    await expire(connection, mailbox)

    purged = await purge.delete_batch(connection)

    assert purged == Purged(mailboxes=1, messages=2, octets=7)
    assert (await count_rows(connection, "mailbox"), await count_rows(connection, "message")) == (0, 0)


async def test_a_mailbox_that_was_deleted_before_its_expiry_is_purged_too(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    await store.store_messages(connection, [incoming_message(b"one", mailbox.mailbox_id)])
    await mailboxes.delete(connection, mailbox.mailbox_id)

    await purge.delete_batch(connection)

    assert (await count_rows(connection, "mailbox"), await count_rows(connection, "message")) == (0, 0)


async def test_live_mailboxes_keep_their_mail_and_their_counters(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    live, expired = await new_mailbox(), await new_mailbox()
    await store.store_messages(connection, [incoming_message(b"to both", live.mailbox_id, expired.mailbox_id)])
    await expire(connection, expired)

    await purge.delete_batch(connection)

    _, listed = await message_list.read(
        connection, address=live.address, token_sha256=None, since=message_list.Cursor(), limit=10
    )
    assert [each.octets for each in listed] == [7]
    [recipient] = (await recipients.find(connection, [live.address])).values()
    assert (recipient.message_count, recipient.stored_octets) == (1, 7)


async def test_a_role_mailbox_is_never_purged(connection: Connection) -> None:
    await role_mailboxes.create(connection, ["mx.test"])

    purged = await purge.delete_batch(connection)

    assert purged == Purged()
    assert await count_rows(connection, "mailbox") == 2


async def test_content_staged_more_than_an_hour_ago_is_deleted(connection: Connection) -> None:
    abandoned, recent = await staging.put(connection, b"abandoned"), await staging.put(connection, b"recent")
    await connection.execute(
        "UPDATE staged_content SET staged_at = now() - interval '61 minutes' WHERE id = %s", [abandoned]
    )

    purged = await purge.delete_batch(connection)

    assert purged == Purged(staged=1)
    cursor = await connection.execute("SELECT id FROM staged_content")
    assert await cursor.fetchall() == [(recent,)]


async def test_a_tombstone_is_deleted_after_ninety_days(connection: Connection) -> None:
    await connection.execute(
        "INSERT INTO tombstone VALUES ('old', now() - interval '90 days 1 s'), ('new', now() - interval '89 days')"
    )

    purged = await purge.delete_batch(connection)

    assert purged == Purged(tombstones=1)
    cursor = await connection.execute("SELECT address_sha256 FROM tombstone")
    assert await cursor.fetchall() == [(b"new",)]


# Batches


async def test_a_batch_has_a_bounded_number_of_mailboxes(connection: Connection) -> None:
    await create_expired(connection, purge.BATCH_MAILBOXES + 1)

    purged = [await purge.delete_batch(connection) for _ in range(3)]

    assert purged == [Purged(mailboxes=purge.BATCH_MAILBOXES), Purged(mailboxes=1), Purged()]


async def test_a_batch_has_a_bounded_number_of_messages(connection: Connection) -> None:
    for mailbox_id in await create_expired(connection, 2):
        await fill(connection, mailbox_id, count=purge.BATCH_MESSAGES - 1, octets=1)

    purged = [await purge.delete_batch(connection) for _ in range(3)]

    assert [(each.mailboxes, each.messages) for each in purged] == [
        (1, purge.BATCH_MESSAGES),
        (1, purge.BATCH_MESSAGES - 2),
        (0, 0),
    ]


async def test_a_batch_has_a_bounded_number_of_octets(connection: Connection) -> None:
    [mailbox_id] = await create_expired(connection, 1)
    half = purge.BATCH_OCTETS // 2
    await fill(connection, mailbox_id, count=3, octets=half)

    purged = [await purge.delete_batch(connection) for _ in range(2)]

    assert [(each.mailboxes, each.octets) for each in purged] == [(0, 2 * half), (1, half)]


async def test_a_message_larger_than_the_octets_of_a_batch_is_a_batch_of_its_own(connection: Connection) -> None:
    [mailbox_id] = await create_expired(connection, 1)
    await fill(connection, mailbox_id, count=2, octets=purge.BATCH_OCTETS + 1)

    purged = [await purge.delete_batch(connection) for _ in range(2)]

    assert [each.messages for each in purged] == [1, 1]


async def test_a_batch_has_a_bounded_number_of_tombstones(connection: Connection) -> None:
    await connection.execute(
        "INSERT INTO tombstone SELECT sha256(number::text::bytea), 'epoch' FROM generate_series(0, %s) AS number",
        [purge.BATCH_TOMBSTONES],
    )

    purged = [await purge.delete_batch(connection) for _ in range(2)]

    assert purged == [Purged(tombstones=purge.BATCH_TOMBSTONES), Purged(tombstones=1)]


async def test_a_batch_has_one_abandoned_content(connection: Connection) -> None:
    for content in (b"one", b"two"):
        await staging.put(connection, content)
    await connection.execute("UPDATE staged_content SET staged_at = 'epoch'")

    purged = [await purge.delete_batch(connection) for _ in range(3)]

    assert purged == [Purged(staged=1), Purged(staged=1), Purged()]


async def test_batches_follow_one_another_until_nothing_is_left(connection: Connection, database: Database) -> None:
    await create_expired(connection, 2 * purge.BATCH_MAILBOXES + 1)

    purged = await purge.delete_all(database)

    assert purged == Purged(mailboxes=2 * purge.BATCH_MAILBOXES + 1)
    assert await count_rows(connection, "mailbox") == 0


async def test_a_purge_of_several_batches_is_logged_once_without_an_address(
    connection: Connection, database: Database
) -> None:
    await create_expired(connection, purge.BATCH_MAILBOXES + 1)

    with capture_logs() as logged:
        await purge.delete_all(database)

    [event] = logged
    assert (event["event"], event["mailboxes"]) == ("mailboxes_purged", purge.BATCH_MAILBOXES + 1)
    assert "@" not in str(event)


async def test_nothing_is_logged_when_nothing_was_deleted(database: Database) -> None:
    with capture_logs() as logged:
        await purge.delete_all(database)

    assert logged == []


# Concurrent transactions


async def test_one_process_at_a_time_purges(connection: Connection, another: Connection) -> None:
    await create_expired(connection, purge.BATCH_MAILBOXES + 1)

    async with another.transaction():
        first = await purge.delete_batch(another)
        second = await purge.delete_batch(connection)

    assert (first.mailboxes, second) == (purge.BATCH_MAILBOXES, Purged())


async def test_two_processes_purge_each_mailbox_once(
    connection: Connection, database_url: str, database: Database
) -> None:
    await create_expired(connection, 3 * purge.BATCH_MAILBOXES)

    async with open_database(database_url, connections=2) as other:
        purged = await asyncio.gather(purge.delete_all(database), purge.delete_all(other))
    last = await purge.delete_all(database)

    assert purged[0].mailboxes + purged[1].mailboxes + last.mailboxes == 3 * purge.BATCH_MAILBOXES


async def test_a_mailbox_that_a_writer_has_locked_is_left_for_a_later_batch(
    connection: Connection, another: Connection, new_mailbox: NewMailbox
) -> None:
    written, neighbour = await new_mailbox(), await new_mailbox()
    await expire(connection, written, neighbour)

    async with another.transaction():
        await another.execute("SELECT FROM mailbox WHERE id = %s FOR NO KEY UPDATE", [written.mailbox_id])
        meanwhile = await purge.delete_batch(connection)
    afterwards = await purge.delete_batch(connection)

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
        await purge.delete_batch(connection)

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
                await purge.delete_batch(own)

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
    await fill(connection, mailbox.mailbox_id, count=purge.BATCH_MESSAGES + 1, octets=1)

    async with another.transaction():
        await another.execute("SELECT now()")  # now() stays at this time, before the expiry, in this transaction
        await expire(connection, mailbox)
        await purge.delete_batch(connection)
        extended = await another.execute(
            "UPDATE mailbox SET expires_at = now() + interval '1 hour' WHERE expires_at > now()"
        )

    assert extended.rowcount == 0


async def test_purged_mailboxes_are_notified_when_the_batch_is_committed(
    connection: Connection, listener: Connection
) -> None:
    ids = await create_expired(connection, 3)

    async with connection.transaction():
        await purge.delete_batch(connection)
        before = await heard(listener, notifications.Gone.CHANNEL)
    after = await heard(listener, notifications.Gone.CHANNEL)

    assert before == []
    assert sorted(int(each) for payload in after for each in payload.split(" ")) == ids


async def test_the_mailboxes_of_a_whole_batch_fit_in_one_payload(connection: Connection, listener: Connection) -> None:
    await connection.execute("ALTER TABLE mailbox ALTER id RESTART WITH 9223372036854770000")
    await create_expired(connection, purge.BATCH_MAILBOXES)

    await purge.delete_batch(connection)

    [payload] = await heard(listener, notifications.Gone.CHANNEL)
    assert len(payload.split(" ")) == purge.BATCH_MAILBOXES


async def test_a_mailbox_that_is_partly_purged_is_not_notified(connection: Connection, listener: Connection) -> None:
    [mailbox_id] = await create_expired(connection, 1)
    await fill(connection, mailbox_id, count=purge.BATCH_MESSAGES + 1, octets=1)

    await purge.delete_batch(connection)

    assert await heard(listener, notifications.Gone.CHANNEL) == []


# A disk without space for a tombstone


async def test_on_a_full_disk_mail_that_expired_a_minute_ago_is_deleted_and_its_address_stays_taken(
    database: Database, database_url: str, connection: Connection, new_mailbox: NewMailbox
) -> None:
    expired, just_expired = await new_mailbox(), await new_mailbox()
    for mailbox in (expired, just_expired):
        await store.store_messages(
            connection, [incoming_message(b"one", mailbox.mailbox_id), incoming_message(b"four", mailbox.mailbox_id)]
        )
    await expire(connection, just_expired)
    await connection.execute(
        "UPDATE mailbox SET expires_at = now() - interval '2 minutes' WHERE id = %s", [expired.mailbox_id]
    )

    with without_room(database_url, "tombstone"):
        purged = await purge.delete_all(database)

    assert purged == Purged(messages=2, octets=7)
    assert await count_rows(connection, "message") == 2
    with pytest.raises(AddressTaken):
        await mailboxes.create(connection, address=expired.address, ttl_seconds=60, token_sha256=None)


async def test_on_a_full_disk_abandoned_content_is_deleted(
    database: Database, database_url: str, connection: Connection
) -> None:
    await create_expired(connection, 1)
    await staging.put(connection, b"abandoned")
    await connection.execute("UPDATE staged_content SET staged_at = now() - interval '2 hours'")

    with without_room(database_url, "tombstone"):
        purged = await purge.delete_all(database)

    assert purged == Purged(staged=1)


async def test_once_there_is_disk_space_the_rest_is_deleted(
    database: Database, database_url: str, connection: Connection
) -> None:
    [mailbox_id] = await create_expired(connection, 1)
    await fill(connection, mailbox_id, count=1, octets=1)
    with without_room(database_url, "tombstone"):
        await purge.delete_all(database)

    await purge.delete_all(database)

    assert (await count_rows(connection, "mailbox"), await count_rows(connection, "tombstone")) == (0, 1)


# Outages


async def test_the_purge_survives_a_missing_schema(empty_database_url: str) -> None:
    async with open_database(empty_database_url, connections=2) as database, asyncio.TaskGroup() as tasks:
        with capture_logs() as logged, psycopg.connect(empty_database_url, autocommit=True) as watcher:
            purging = tasks.create_task(purge.run(database))
            await until(lambda: {"event": "purge_failed", "error": "UndefinedTable", "log_level": "warning"} in logged)

            migrate.migrate(watcher, migrate.read(MIGRATIONS))
            watcher.execute("INSERT INTO mailbox (address, expires_at) VALUES ('reader@mx.test', now())")

            await until(lambda: watcher.execute("SELECT count(*) FROM mailbox").fetchone() == (0,))
            purging.cancel()


async def test_the_purge_survives_an_outage_of_the_database() -> None:
    with own_postgres() as server:
        async with open_database(server.url, connections=2) as database, asyncio.TaskGroup() as tasks:
            server.stop()
            with capture_logs() as logged:
                purging = tasks.create_task(purge.run(database))
                await until(lambda: any(event["event"] == "database_away" for event in logged))

                server.start()
                with psycopg.connect(server.url, autocommit=True) as watcher:
                    watcher.execute("INSERT INTO mailbox (address, expires_at) VALUES ('reader@mx.test', now())")
                    await until(lambda: watcher.execute("SELECT count(*) FROM mailbox").fetchone() == (0,))
                purging.cancel()
