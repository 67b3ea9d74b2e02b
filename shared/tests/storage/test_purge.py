"""What has expired is deleted, by one process at a time, in batches that nobody has to wait for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest
from structlog.testing import capture_logs
from support.harness import MIGRATIONS, arrival, heard, own_postgres, until, until_one_waits, without_room

from fake_email.errors import AddressTaken
from fake_email.postgres import migrate, notifications
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import Database, open_database
from fake_email.storage import mailboxes, message_list, purge, role_mailboxes, staging, store
from fake_email.storage.mailboxes import Recipient
from fake_email.storage.purge import Purged
from fake_email.storage.store import Outcome

NewMailbox = Callable[[], Awaitable[Recipient]]

MAKE_EXPIRED = """
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
    """A connection that hears of mailboxes that are gone."""
    await another.execute(f"LISTEN {notifications.Gone.CHANNEL}".encode())
    return another


async def expire(connection: Connection, *mailboxes: Recipient) -> None:
    ids = [each.mailbox_id for each in mailboxes]
    await connection.execute("UPDATE mailbox SET expires_at = now() WHERE id = ANY(%s)", [ids])


async def make_expired(connection: Connection, count: int) -> list[int]:
    """The ids of so many mailboxes, with nothing in them."""
    cursor = await connection.execute(MAKE_EXPIRED, [count])
    return [mailbox_id for (mailbox_id,) in await cursor.fetchall()]


async def fill(connection: Connection, mailbox_id: int, *, count: int, octets: int) -> None:
    await connection.execute(FILL, {"mailbox_id": mailbox_id, "count": count, "octets": octets})


async def left(connection: Connection, table: str) -> int:
    """How many rows a table has."""
    cursor = await connection.execute(f"SELECT count(*) FROM {table}".encode())
    [(count,)] = await cursor.fetchall()
    return int(count)


# What goes


async def test_an_expired_mailbox_is_deleted_with_its_mail(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    await store.store_messages(connection, [arrival(b"one", mailbox.mailbox_id), arrival(b"four", mailbox.mailbox_id)])
    await expire(connection, mailbox)

    purged = await purge.batch(connection)

    assert purged == Purged(mailboxes=1, messages=2, octets=7)
    assert (await left(connection, "mailbox"), await left(connection, "message")) == (0, 0)


async def test_a_mailbox_that_was_deleted_before_its_time_goes_too(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    await store.store_messages(connection, [arrival(b"one", mailbox.mailbox_id)])
    await mailboxes.delete(connection, mailbox.mailbox_id)

    await purge.batch(connection)

    assert (await left(connection, "mailbox"), await left(connection, "message")) == (0, 0)


async def test_live_mailboxes_keep_their_mail_and_their_counts(connection: Connection, new_mailbox: NewMailbox) -> None:
    live, expired = await new_mailbox(), await new_mailbox()
    await store.store_messages(connection, [arrival(b"to both", live.mailbox_id, expired.mailbox_id)])
    await expire(connection, expired)

    await purge.batch(connection)

    _, listed = await message_list.read(
        connection, address=live.address, token_sha256=None, since=message_list.Cursor(), limit=10
    )
    assert [each.octets for each in listed] == [7]
    [recipient] = (await mailboxes.find_recipients(connection, [live.address])).values()
    assert (recipient.message_count, recipient.stored_octets) == (1, 7)


async def test_a_mailbox_of_an_operator_outlives_every_purge(connection: Connection) -> None:
    await role_mailboxes.create(connection, ["mx.test"])

    purged = await purge.batch(connection)

    assert purged == Purged()
    assert await left(connection, "mailbox") == 2


async def test_content_that_nobody_fetched_within_an_hour_goes(connection: Connection) -> None:
    abandoned, recent = await staging.put(connection, b"abandoned"), await staging.put(connection, b"recent")
    await connection.execute(
        "UPDATE staged_content SET staged_at = now() - interval '61 minutes' WHERE id = %s", [abandoned]
    )

    purged = await purge.batch(connection)

    assert purged == Purged(staged=1)
    cursor = await connection.execute("SELECT id FROM staged_content")
    assert await cursor.fetchall() == [(recent,)]


async def test_a_tombstone_goes_after_ninety_days(connection: Connection) -> None:
    await connection.execute(
        "INSERT INTO tombstone VALUES ('old', now() - interval '90 days 1 s'), ('new', now() - interval '89 days')"
    )

    purged = await purge.batch(connection)

    assert purged == Purged(tombstones=1)
    cursor = await connection.execute("SELECT address_sha256 FROM tombstone")
    assert await cursor.fetchall() == [(b"new",)]


# In batches


async def test_a_batch_has_a_bounded_number_of_mailboxes(connection: Connection) -> None:
    await make_expired(connection, purge.BATCH_MAILBOXES + 1)

    purged = [await purge.batch(connection) for _ in range(3)]

    assert purged == [Purged(mailboxes=purge.BATCH_MAILBOXES), Purged(mailboxes=1), Purged()]


async def test_a_batch_has_a_bounded_number_of_messages(connection: Connection) -> None:
    for mailbox_id in await make_expired(connection, 2):
        await fill(connection, mailbox_id, count=purge.BATCH_MESSAGES - 1, octets=1)

    purged = [await purge.batch(connection) for _ in range(3)]

    assert [(each.mailboxes, each.messages) for each in purged] == [
        (1, purge.BATCH_MESSAGES),
        (1, purge.BATCH_MESSAGES - 2),
        (0, 0),
    ]


async def test_a_batch_has_a_bounded_number_of_octets(connection: Connection) -> None:
    [mailbox_id] = await make_expired(connection, 1)
    half = purge.BATCH_OCTETS // 2
    await fill(connection, mailbox_id, count=3, octets=half)

    purged = [await purge.batch(connection) for _ in range(2)]

    assert [(each.mailboxes, each.octets) for each in purged] == [(0, 2 * half), (1, half)]


async def test_a_message_that_is_larger_than_a_batch_is_one(connection: Connection) -> None:
    [mailbox_id] = await make_expired(connection, 1)
    await fill(connection, mailbox_id, count=2, octets=purge.BATCH_OCTETS + 1)

    purged = [await purge.batch(connection) for _ in range(2)]

    assert [each.messages for each in purged] == [1, 1]


async def test_a_batch_has_a_bounded_number_of_tombstones(connection: Connection) -> None:
    await connection.execute(
        "INSERT INTO tombstone SELECT sha256(number::text::bytea), 'epoch' FROM generate_series(0, %s) AS number",
        [purge.BATCH_TOMBSTONES],
    )

    purged = [await purge.batch(connection) for _ in range(2)]

    assert purged == [Purged(tombstones=purge.BATCH_TOMBSTONES), Purged(tombstones=1)]


async def test_a_batch_has_one_content_that_was_staged_for_nothing(connection: Connection) -> None:
    for content in (b"one", b"two"):
        await staging.put(connection, content)
    await connection.execute("UPDATE staged_content SET staged_at = 'epoch'")

    purged = [await purge.batch(connection) for _ in range(3)]

    assert purged == [Purged(staged=1), Purged(staged=1), Purged()]


async def test_with_much_to_do_it_goes_on_until_nothing_is_left(connection: Connection, database: Database) -> None:
    await make_expired(connection, 2 * purge.BATCH_MAILBOXES + 1)

    purged = await purge.clear(database)

    assert purged == Purged(mailboxes=2 * purge.BATCH_MAILBOXES + 1)
    assert await left(connection, "mailbox") == 0


async def test_what_went_is_logged_once_and_without_an_address(connection: Connection, database: Database) -> None:
    await make_expired(connection, purge.BATCH_MAILBOXES + 1)

    with capture_logs() as logged:
        await purge.clear(database)

    [event] = logged
    assert (event["event"], event["mailboxes"]) == ("mailboxes_purged", purge.BATCH_MAILBOXES + 1)
    assert "@" not in str(event)


async def test_nothing_is_logged_when_nothing_went(database: Database) -> None:
    with capture_logs() as logged:
        await purge.clear(database)

    assert logged == []


# Beside others


async def test_one_process_at_a_time_purges(connection: Connection, another: Connection) -> None:
    await make_expired(connection, purge.BATCH_MAILBOXES + 1)

    async with another.transaction():
        first = await purge.batch(another)
        second = await purge.batch(connection)

    assert (first.mailboxes, second) == (purge.BATCH_MAILBOXES, Purged())


async def test_two_processes_purge_each_mailbox_once(
    connection: Connection, database_url: str, database: Database
) -> None:
    await make_expired(connection, 3 * purge.BATCH_MAILBOXES)

    async with open_database(database_url, connections=2) as other:
        purged = await asyncio.gather(purge.clear(database), purge.clear(other))
    last = await purge.clear(database)

    assert purged[0].mailboxes + purged[1].mailboxes + last.mailboxes == 3 * purge.BATCH_MAILBOXES


async def test_a_mailbox_into_which_somebody_writes_is_left_for_the_next_time(
    connection: Connection, another: Connection, new_mailbox: NewMailbox
) -> None:
    written, neighbour = await new_mailbox(), await new_mailbox()
    await expire(connection, written, neighbour)

    async with another.transaction():
        await another.execute("SELECT FROM mailbox WHERE id = %s FOR NO KEY UPDATE", [written.mailbox_id])
        meanwhile = await purge.batch(connection)
    afterwards = await purge.batch(connection)

    assert (meanwhile, afterwards) == (Purged(mailboxes=1), Purged(mailboxes=1))


async def test_a_writer_that_waits_for_the_purge_hears_that_the_mailbox_is_gone(
    connection: Connection, another: Connection, watcher: psycopg.Connection, new_mailbox: NewMailbox
) -> None:
    first, second = await new_mailbox(), await new_mailbox()

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction():
        # The writer began while both were live; the second expires and goes while it waits for the first.
        await connection.execute("SELECT FROM mailbox WHERE id = %s FOR UPDATE", [first.mailbox_id])
        storing = tasks.create_task(store.store_messages(another, [arrival(b"1", first.mailbox_id, second.mailbox_id)]))
        await until_one_waits(watcher)
        await expire(connection, second)
        await purge.batch(connection)

    assert storing.result() == [Outcome(live=1, stored=1)]
    assert await left(connection, "mailbox") == 1


async def test_writers_deletions_and_the_purge_never_deadlock(
    database_url: str, connection: Connection, new_mailbox: NewMailbox
) -> None:
    gone = [await new_mailbox() for _ in range(20)]
    kept = await new_mailbox()
    ids = [each.mailbox_id for each in gone]

    async def write(writer: int, mailbox_ids: list[int]) -> None:
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as own:
            for number in range(20):
                await store.store_messages(own, [arrival(b"%d %d" % (writer, number), *mailbox_ids, kept.mailbox_id)])

    async def purge_all() -> None:
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as own:
            while await left(own, "mailbox") > 1:
                await purge.batch(own)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(write(1, ids))
        tasks.create_task(write(2, ids[::-1]))
        tasks.create_task(purge_all())
        for mailbox in gone:
            await mailboxes.delete(connection, mailbox.mailbox_id)

    found = await mailboxes.find_recipients(connection, [kept.address])
    assert (found[kept.address].message_count, await left(connection, "message")) == (40, 40)


async def test_a_mailbox_that_is_gone_in_part_does_not_live_on(
    connection: Connection, another: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    await fill(connection, mailbox.mailbox_id, count=purge.BATCH_MESSAGES + 1, octets=1)

    async with another.transaction():
        await another.execute("SELECT now()")  # from here on its time stands still, before the expiry
        await expire(connection, mailbox)
        await purge.batch(connection)
        prolonged = await another.execute(
            "UPDATE mailbox SET expires_at = now() + interval '1 hour' WHERE expires_at > now()"
        )

    assert prolonged.rowcount == 0


async def test_who_listens_hears_which_mailboxes_are_gone_when_that_is_committed(
    connection: Connection, listener: Connection
) -> None:
    ids = await make_expired(connection, 3)

    async with connection.transaction():
        await purge.batch(connection)
        before = await heard(listener, notifications.Gone.CHANNEL)
    after = await heard(listener, notifications.Gone.CHANNEL)

    assert before == []
    assert sorted(int(each) for payload in after for each in payload.split(" ")) == ids


async def test_who_listens_hears_of_a_whole_batch_in_a_payload_that_fits(
    connection: Connection, listener: Connection
) -> None:
    await connection.execute("ALTER TABLE mailbox ALTER id RESTART WITH 9223372036854770000")
    await make_expired(connection, purge.BATCH_MAILBOXES)

    await purge.batch(connection)

    [payload] = await heard(listener, notifications.Gone.CHANNEL)
    assert len(payload.split(" ")) == purge.BATCH_MAILBOXES


async def test_nobody_hears_of_a_mailbox_of_which_something_is_left(
    connection: Connection, listener: Connection
) -> None:
    [mailbox_id] = await make_expired(connection, 1)
    await fill(connection, mailbox_id, count=purge.BATCH_MESSAGES + 1, octets=1)

    await purge.batch(connection)

    assert await heard(listener, notifications.Gone.CHANNEL) == []


# Where there is no room for a tombstone


async def test_on_a_full_disk_the_mail_of_what_expired_a_while_ago_goes_and_its_address_stays_taken(
    database: Database, database_url: str, connection: Connection, new_mailbox: NewMailbox
) -> None:
    expired, just_expired = await new_mailbox(), await new_mailbox()
    for mailbox in (expired, just_expired):
        await store.store_messages(
            connection, [arrival(b"one", mailbox.mailbox_id), arrival(b"four", mailbox.mailbox_id)]
        )
    await expire(connection, just_expired)
    await connection.execute(
        "UPDATE mailbox SET expires_at = now() - interval '2 minutes' WHERE id = %s", [expired.mailbox_id]
    )

    with without_room(database_url, "tombstone"):
        purged = await purge.clear(database)

    assert purged == Purged(messages=2, octets=7)
    assert await left(connection, "message") == 2
    with pytest.raises(AddressTaken):
        await mailboxes.create(connection, address=expired.address, ttl_seconds=60, token_sha256=None)


async def test_on_a_full_disk_abandoned_content_goes(
    database: Database, database_url: str, connection: Connection
) -> None:
    await make_expired(connection, 1)
    await staging.put(connection, b"abandoned")
    await connection.execute("UPDATE staged_content SET staged_at = now() - interval '2 hours'")

    with without_room(database_url, "tombstone"):
        purged = await purge.clear(database)

    assert purged == Purged(staged=1)


async def test_once_there_is_room_the_rest_goes(database: Database, database_url: str, connection: Connection) -> None:
    [mailbox_id] = await make_expired(connection, 1)
    await fill(connection, mailbox_id, count=1, octets=1)
    with without_room(database_url, "tombstone"):
        await purge.clear(database)

    await purge.clear(database)

    assert (await left(connection, "mailbox"), await left(connection, "tombstone")) == (0, 1)


# For good


async def test_it_survives_that_the_schema_comes_later(empty_database_url: str) -> None:
    async with open_database(empty_database_url, connections=2) as database, asyncio.TaskGroup() as tasks:
        with capture_logs() as logged, psycopg.connect(empty_database_url, autocommit=True) as watcher:
            purging = tasks.create_task(purge.run(database))
            await until(lambda: {"event": "purge_failed", "error": "UndefinedTable", "log_level": "warning"} in logged)

            migrate.migrate(watcher, migrate.read(MIGRATIONS))
            watcher.execute("INSERT INTO mailbox (address, expires_at) VALUES ('reader@mx.test', now())")

            await until(lambda: watcher.execute("SELECT count(*) FROM mailbox").fetchone() == (0,))
            purging.cancel()


async def test_it_survives_that_the_database_is_away() -> None:
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
