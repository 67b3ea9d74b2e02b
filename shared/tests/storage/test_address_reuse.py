"""The address of a mailbox stays taken for 90 days after its end, also when purge, delete and create are concurrent."""

import asyncio
import hashlib

import psycopg
import pytest
from support.database import until_one_waits

from fake_email.errors import AddressTaken
from fake_email.postgres.connection import Connection
from fake_email.storage import mailboxes, purge, role_mailboxes

ADDRESS = "reader@mx.test"


async def create(connection: Connection, *, ttl_seconds: int = 60) -> int:
    """Create a mailbox with ADDRESS, and return its id."""
    await mailboxes.create(connection, address=ADDRESS, ttl_seconds=ttl_seconds, token_sha256=None)
    cursor = await connection.execute("SELECT id FROM mailbox WHERE address = %s", [ADDRESS])
    [(mailbox_id,)] = await cursor.fetchall()
    return int(mailbox_id)


async def tombstones(connection: Connection) -> list[bytes]:
    cursor = await connection.execute("SELECT address_sha256 FROM tombstone")
    return [sha256 for (sha256,) in await cursor.fetchall()]


async def has_row(connection: Connection) -> bool:
    """True when the table of mailboxes has ADDRESS, live or not."""
    cursor = await connection.execute("SELECT FROM mailbox WHERE address = %s", [ADDRESS])
    return await cursor.fetchone() is not None


async def test_the_address_of_an_expired_mailbox_is_taken_after_the_purge(connection: Connection) -> None:
    await create(connection, ttl_seconds=0)
    await purge.delete_batch(connection)

    with pytest.raises(AddressTaken):
        await create(connection)

    assert not await has_row(connection)


async def test_the_address_of_a_deleted_mailbox_is_taken_before_the_purge(connection: Connection) -> None:
    await mailboxes.delete(connection, await create(connection))

    with pytest.raises(AddressTaken):
        await create(connection)


async def test_the_address_of_a_deleted_mailbox_is_taken_after_the_purge(connection: Connection) -> None:
    await mailboxes.delete(connection, await create(connection))
    await purge.delete_batch(connection)

    with pytest.raises(AddressTaken):
        await create(connection)


async def test_an_address_can_be_used_again_after_ninety_days(connection: Connection) -> None:
    await create(connection, ttl_seconds=0)
    await purge.delete_batch(connection)
    await connection.execute("UPDATE tombstone SET ended_at = ended_at - interval '90 days 1 s'")
    await purge.delete_batch(connection)

    await create(connection)

    assert await has_row(connection)


async def test_a_tombstone_keeps_only_the_hash_of_the_address(connection: Connection) -> None:
    await create(connection, ttl_seconds=0)

    await purge.delete_batch(connection)

    assert await tombstones(connection) == [hashlib.sha256(ADDRESS.encode()).digest()]


async def test_a_create_that_waits_for_the_purge_of_its_address_is_refused(
    connection: Connection, another: Connection, watcher: psycopg.Connection
) -> None:
    await create(connection, ttl_seconds=0)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction():
        await purge.delete_batch(connection)
        creating = tasks.create_task(_is_taken(another))
        await until_one_waits(watcher)

    assert creating.result()
    assert not await has_row(connection)


async def test_a_create_that_waits_for_a_purge_that_is_rolled_back_is_refused(
    connection: Connection, another: Connection, watcher: psycopg.Connection
) -> None:
    await create(connection, ttl_seconds=0)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction(force_rollback=True):
        await purge.delete_batch(connection)
        creating = tasks.create_task(_is_taken(another))
        await until_one_waits(watcher)

    assert creating.result()
    assert await tombstones(connection) == []


async def test_a_create_that_waits_for_the_deletion_of_a_mailbox_is_refused(
    connection: Connection, another: Connection, watcher: psycopg.Connection
) -> None:
    mailbox_id = await create(connection)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction():
        await mailboxes.delete(connection, mailbox_id)
        creating = tasks.create_task(_is_taken(another))
        await until_one_waits(watcher)

    assert creating.result()


async def test_of_two_concurrent_creates_of_an_address_one_is_refused(
    connection: Connection, another: Connection, watcher: psycopg.Connection
) -> None:
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction():
        await create(connection)
        creating = tasks.create_task(_is_taken(another))
        await until_one_waits(watcher)

    assert creating.result()


async def test_the_purge_renews_the_tombstone_of_an_address_that_the_release_before_gave_out_again(
    connection: Connection,
) -> None:
    await create(connection, ttl_seconds=0)
    await purge.delete_batch(connection)
    await connection.execute("UPDATE tombstone SET ended_at = now() - interval '89 days'")
    await connection.execute("INSERT INTO mailbox (address, expires_at) VALUES (%s, now())", [ADDRESS])

    await purge.delete_batch(connection)

    cursor = await connection.execute("SELECT ended_at > now() - interval '1 day' FROM tombstone")
    assert await cursor.fetchall() == [(True,)]


async def test_a_tombstone_does_not_prevent_a_role_mailbox(connection: Connection) -> None:
    await connection.execute("INSERT INTO tombstone VALUES (sha256('postmaster@mx.test'))")

    await role_mailboxes.create(connection, ["mx.test"])

    assert sorted(await mailboxes.find_recipients(connection, role_mailboxes.addresses(["mx.test"]))) == [
        "abuse@mx.test",
        "postmaster@mx.test",
    ]


async def _is_taken(connection: Connection) -> bool:
    try:
        await mailboxes.create(connection, address=ADDRESS, ttl_seconds=60, token_sha256=None)
    except AddressTaken:
        return True
    return False
