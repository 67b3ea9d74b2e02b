"""The purge: batch after batch, beside another purge, on a full disk and during outages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest
from structlog.testing import capture_logs
from support.database import MIGRATIONS, incoming_message, own_postgres, without_room
from support.expired import count_rows, create_expired, expire, fill
from support.waiting import until

from fake_email.errors import AddressTaken
from fake_email.postgres import migrate
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import Database, open_database
from fake_email.storage import mailboxes, purge, purge_batch, staging, store
from fake_email.storage.purge_batch import Purged
from fake_email.storage.recipients import Recipient

NewMailbox = Callable[[], Awaitable[Recipient]]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url, connections=2) as database:
        yield database


async def test_batches_follow_one_another_until_nothing_is_left(connection: Connection, database: Database) -> None:
    await create_expired(connection, 2 * purge_batch.BATCH_MAILBOXES + 1)

    purged = await purge.delete_all(database)

    assert purged == Purged(mailboxes=2 * purge_batch.BATCH_MAILBOXES + 1)
    assert await count_rows(connection, "mailbox") == 0


async def test_a_purge_of_several_batches_is_logged_once_without_an_address(
    connection: Connection, database: Database
) -> None:
    await create_expired(connection, purge_batch.BATCH_MAILBOXES + 1)

    with capture_logs() as logged:
        await purge.delete_all(database)

    [event] = logged
    assert (event["event"], event["mailboxes"]) == ("mailboxes_purged", purge_batch.BATCH_MAILBOXES + 1)
    assert "@" not in str(event)


async def test_nothing_is_logged_when_nothing_was_deleted(database: Database) -> None:
    with capture_logs() as logged:
        await purge.delete_all(database)

    assert logged == []


async def test_two_processes_purge_each_mailbox_once(
    connection: Connection, database_url: str, database: Database
) -> None:
    await create_expired(connection, 3 * purge_batch.BATCH_MAILBOXES)

    async with open_database(database_url, connections=2) as other:
        purged = await asyncio.gather(purge.delete_all(database), purge.delete_all(other))
    last = await purge.delete_all(database)

    assert purged[0].mailboxes + purged[1].mailboxes + last.mailboxes == 3 * purge_batch.BATCH_MAILBOXES


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
