"""An address stays taken for 90 days after its mailbox ends, an exact name for good, also when calls are concurrent."""

import asyncio
import datetime
import hashlib

import psycopg
import pytest
from support.database import MIGRATIONS, until_one_waits

from fake_email.errors import AddressTaken
from fake_email.postgres import migrate
from fake_email.postgres.connection import Connection
from fake_email.storage import mailboxes, purge_batch, recipients, role_mailboxes

ADDRESS = "reader@mx.test"
ADDRESS_SHA256 = hashlib.sha256(ADDRESS.encode()).digest()
TOKEN = b"token"


async def create(connection: Connection, *, ttl_seconds: int = 60) -> int:
    """Create a mailbox with ADDRESS, and return its id."""
    await mailboxes.create(connection, address=ADDRESS, ttl_seconds=ttl_seconds, token_sha256=None)
    cursor = await connection.execute("SELECT id FROM mailbox WHERE address = %s", [ADDRESS])
    [(mailbox_id,)] = await cursor.fetchall()
    return int(mailbox_id)


async def choose(connection: Connection, token_sha256: bytes, *, is_exact: bool = True) -> datetime.datetime:
    """When a new private mailbox of that address expires."""
    return await mailboxes.create(
        connection, address=ADDRESS, ttl_seconds=60, token_sha256=token_sha256, is_exact=is_exact
    )


async def exact_names(connection: Connection) -> list[bytes]:
    cursor = await connection.execute("SELECT address_sha256 FROM exact_name")
    return [sha256 for (sha256,) in await cursor.fetchall()]


async def tombstones(connection: Connection) -> list[bytes]:
    cursor = await connection.execute("SELECT address_sha256 FROM tombstone")
    return [sha256 for (sha256,) in await cursor.fetchall()]


async def has_row(connection: Connection) -> bool:
    """True when the table of mailboxes has ADDRESS, live or not."""
    cursor = await connection.execute("SELECT FROM mailbox WHERE address = %s", [ADDRESS])
    return await cursor.fetchone() is not None


async def test_the_address_of_an_expired_mailbox_is_taken_after_the_purge(connection: Connection) -> None:
    await create(connection, ttl_seconds=0)
    await purge_batch.delete(connection)

    with pytest.raises(AddressTaken):
        await create(connection)

    assert not await has_row(connection)


async def test_the_address_of_a_deleted_mailbox_is_taken_before_the_purge(connection: Connection) -> None:
    await mailboxes.delete(connection, await create(connection))

    with pytest.raises(AddressTaken):
        await create(connection)


async def test_the_address_of_a_deleted_mailbox_is_taken_after_the_purge(connection: Connection) -> None:
    await mailboxes.delete(connection, await create(connection))
    await purge_batch.delete(connection)

    with pytest.raises(AddressTaken):
        await create(connection)


async def test_an_address_can_be_used_again_after_ninety_days(connection: Connection) -> None:
    await create(connection, ttl_seconds=0)
    await purge_batch.delete(connection)
    await connection.execute("UPDATE tombstone SET ended_at = ended_at - interval '90 days 1 s'")
    await purge_batch.delete(connection)

    await create(connection)

    assert await has_row(connection)


@pytest.mark.parametrize("is_exact", [True, False], ids=["exact", "random"])
async def test_an_exact_name_is_never_given_again(connection: Connection, *, is_exact: bool) -> None:
    await choose(connection, TOKEN)
    await connection.execute("UPDATE mailbox SET created_at = created_at - interval '1 year', expires_at = 'epoch'")
    await purge_batch.delete(connection)
    await connection.execute("UPDATE tombstone SET ended_at = ended_at - interval '1 year'")
    await purge_batch.delete(connection)

    with pytest.raises(AddressTaken):
        await choose(connection, b"another", is_exact=is_exact)

    assert (await tombstones(connection), await exact_names(connection)) == ([], [ADDRESS_SHA256])
    assert not await has_row(connection)


async def test_what_is_kept_of_an_exact_name_is_its_hash_from_its_creation_on(connection: Connection) -> None:
    await choose(connection, TOKEN)

    assert await exact_names(connection) == [ADDRESS_SHA256]


async def test_a_random_address_is_kept_in_a_tombstone_alone(connection: Connection) -> None:
    await choose(connection, TOKEN, is_exact=False)

    assert await exact_names(connection) == []


async def test_an_exact_name_may_be_asked_for_again_with_its_own_token(connection: Connection) -> None:
    expires_at = await choose(connection, TOKEN)

    assert await choose(connection, TOKEN) == expires_at


async def test_an_exact_name_that_is_taken_at_random_is_not_kept(connection: Connection) -> None:
    await create(connection)

    with pytest.raises(AddressTaken):
        await choose(connection, TOKEN)

    assert await exact_names(connection) == []


async def test_the_migration_keeps_the_names_of_all_private_mailboxes(empty_database_url: str) -> None:
    *before, last = migrate.read(MIGRATIONS)[:6]
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        migrate.migrate(connection, before)
        connection.execute(
            "INSERT INTO mailbox (address, token_sha256, expires_at)"
            " VALUES (%s, %s, now()), ('a@mx.test', NULL, now())",
            [ADDRESS, TOKEN],
        )

        migrate.migrate(connection, [*before, last])

        kept = connection.execute("SELECT address_sha256 FROM exact_name").fetchall()
    assert kept == [(ADDRESS_SHA256,)]


async def test_a_tombstone_keeps_only_the_hash_of_the_address(connection: Connection) -> None:
    await create(connection, ttl_seconds=0)

    await purge_batch.delete(connection)

    assert await tombstones(connection) == [hashlib.sha256(ADDRESS.encode()).digest()]


async def test_a_create_that_waits_for_the_purge_of_its_address_is_refused(
    connection: Connection, another: Connection, watcher: psycopg.Connection
) -> None:
    await create(connection, ttl_seconds=0)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction():
        await purge_batch.delete(connection)
        creating = tasks.create_task(_is_taken(another))
        await until_one_waits(watcher)

    assert creating.result()
    assert not await has_row(connection)


async def test_a_create_that_waits_for_a_purge_that_is_rolled_back_is_refused(
    connection: Connection, another: Connection, watcher: psycopg.Connection
) -> None:
    await create(connection, ttl_seconds=0)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction(force_rollback=True):
        await purge_batch.delete(connection)
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
    await purge_batch.delete(connection)
    await connection.execute("UPDATE tombstone SET ended_at = now() - interval '89 days'")
    await connection.execute("INSERT INTO mailbox (address, expires_at) VALUES (%s, now())", [ADDRESS])

    await purge_batch.delete(connection)

    cursor = await connection.execute("SELECT ended_at > now() - interval '1 day' FROM tombstone")
    assert await cursor.fetchall() == [(True,)]


async def test_a_tombstone_does_not_prevent_a_role_mailbox(connection: Connection) -> None:
    await connection.execute("INSERT INTO tombstone VALUES (sha256('postmaster@mx.test'))")

    await role_mailboxes.create(connection, ["mx.test"])

    assert sorted(await recipients.find(connection, role_mailboxes.addresses(["mx.test"]))) == [
        "abuse@mx.test",
        "postmaster@mx.test",
    ]


async def _is_taken(connection: Connection) -> bool:
    try:
        await mailboxes.create(connection, address=ADDRESS, ttl_seconds=60, token_sha256=None)
    except AddressTaken:
        return True
    return False
