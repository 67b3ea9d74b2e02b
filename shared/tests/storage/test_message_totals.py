"""The messages ever stored are those that are there and those that expired, were deleted or were dropped."""

import ast
import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from support.database import incoming_message, without_room

import fake_email
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import open_database
from fake_email.storage import (
    mailboxes,
    many_messages,
    message,
    message_totals,
    purge,
    purge_batch,
    role_mailboxes,
    store,
)
from fake_email.storage.recipients import Recipient
from fake_email.storage.store import Quota

NewMailbox = Callable[[], Awaitable[Recipient]]
Remove = Callable[[Connection, int], Awaitable[object]]

PACKAGES = Path(fake_email.__file__).parent
DELETES = re.compile(r"DELETE\s+FROM\s+(?:message|mailbox)\b|TRUNCATE\s")
EXPIRE = "UPDATE mailbox SET expires_at = now() - interval '2 minutes' WHERE id = %s"
STORED = 3


async def fill(connection: Connection, mailbox_id: int) -> None:
    """Store STORED messages in the mailbox."""
    await store.store_messages(connection, [incoming_message(b"%d" % number, mailbox_id) for number in range(STORED)])


async def numbers(connection: Connection) -> dict[str, int]:
    """The totals that are not 0."""
    totals = await message_totals.fetch(connection)
    names = ("stored", "there", "expired", "deleted", "dropped", "missing")
    return {name: number for name in names if (number := getattr(totals, name))}


async def delete_one(connection: Connection, mailbox_id: int) -> None:
    cursor = await connection.execute("SELECT id FROM message WHERE mailbox_id = %s LIMIT 1", [mailbox_id])
    [(message_id,)] = await cursor.fetchall()
    await message.delete(connection, message_id, token_sha256=None)


async def delete_many(connection: Connection, mailbox_id: int) -> None:
    await many_messages.delete(connection, mailbox_id, [1, 3])


async def drop_oldest(connection: Connection, mailbox_id: int) -> None:
    await role_mailboxes.drop_oldest(connection, [mailbox_id], Quota(messages=1, octets=10))


async def delete_mailbox(connection: Connection, mailbox_id: int) -> None:
    await mailboxes.delete(connection, mailbox_id)
    await purge_batch.delete(connection)


async def expire(connection: Connection, mailbox_id: int) -> None:
    await connection.execute(EXPIRE, [mailbox_id])


async def purge_expired(connection: Connection, mailbox_id: int) -> None:
    await expire(connection, mailbox_id)
    await purge_batch.delete(connection)


async def purge_on_a_full_disk(connection: Connection, mailbox_id: int) -> None:
    await expire(connection, mailbox_id)
    with without_room(connection.info.dsn, "tombstone"):
        async with open_database(connection.info.dsn, connections=1) as database:
            await purge.delete_all(database)


# How each statement that deletes messages or mailboxes is executed, and where the messages then are.
WAYS: dict[tuple[str, str], tuple[Remove, dict[str, int]]] = {
    ("storage/message", "_DELETE"): (delete_one, {"there": 2, "deleted": 1}),
    ("storage/many_messages", "_DELETE"): (delete_many, {"there": 1, "deleted": 2}),
    ("storage/role_mailboxes", "_DROP_OLDEST"): (drop_oldest, {"there": 1, "dropped": 2}),
    ("storage/purge_batch", "_DELETE_MESSAGES"): (purge_expired, {"expired": 3}),
    ("storage/purge_batch", "_DELETE_MAILBOXES"): (delete_mailbox, {"expired": 3}),
    ("storage/purge_batch", "_DELETE_MESSAGES_ONLY"): (purge_on_a_full_disk, {"expired": 3}),
}


def deleting_statements() -> Iterator[tuple[str, str]]:
    """The module and the name of each constant that deletes messages or mailboxes."""
    for path in PACKAGES.rglob("*.py"):
        source = path.read_text()
        for node in ast.parse(source).body if DELETES.search(source) else ():
            if DELETES.search(ast.get_source_segment(source, node) or ""):
                targets = node.targets if isinstance(node, ast.Assign) else []
                name = ", ".join(ast.unparse(each) for each in targets)
                yield str(path.relative_to(PACKAGES).with_suffix("")), name


def test_each_statement_that_deletes_messages_has_a_test_of_what_it_counts() -> None:
    assert sorted(deleting_statements()) == sorted(WAYS)


@pytest.mark.parametrize(("remove", "left"), WAYS.values(), ids=["/".join(each) for each in WAYS])
async def test_a_message_that_leaves_is_counted_where_it_went(
    connection: Connection, new_mailbox: NewMailbox, remove: Remove, left: dict[str, int]
) -> None:
    mailbox = await new_mailbox()
    await fill(connection, mailbox.mailbox_id)

    await remove(connection, mailbox.mailbox_id)

    assert await numbers(connection) == {"stored": STORED, **left}


async def test_messages_have_expired_with_their_mailbox_before_and_after_each_step_of_the_purge(
    connection: Connection, new_mailbox: NewMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge_batch, "BATCH_MESSAGES", 1)
    mailbox = await new_mailbox()
    await fill(connection, mailbox.mailbox_id)
    await expire(connection, mailbox.mailbox_id)
    observed = [await numbers(connection)]

    while (await purge_batch.delete(connection)).messages:
        observed.append(await numbers(connection))

    assert observed == [{"stored": STORED, "expired": STORED}] * (1 + STORED)


async def test_what_left_a_mailbox_before_its_end_stays_counted_after_it(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    for _ in range(2):
        mailbox = await new_mailbox()
        await fill(connection, mailbox.mailbox_id)
        await delete_one(connection, mailbox.mailbox_id)
        await drop_oldest(connection, mailbox.mailbox_id)
        await purge_expired(connection, mailbox.mailbox_id)

    assert await numbers(connection) == {"stored": 6, "expired": 2, "deleted": 2, "dropped": 2}


async def test_a_message_that_vanished_from_a_live_mailbox_is_missing(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    await fill(connection, mailbox.mailbox_id)

    await connection.execute("DELETE FROM message WHERE seq = 2")

    assert await numbers(connection) == {"stored": 3, "there": 2, "missing": 1}


async def test_no_message_is_missing_at_any_moment_while_others_store_delete_drop_and_purge(
    database_url: str, connection: Connection, new_mailbox: NewMailbox
) -> None:
    role, *others = [(await new_mailbox()).mailbox_id for _ in range(6)]
    missing = set()

    async with open_database(database_url, connections=4) as database:

        async def write(mailbox_id: int, number: int) -> None:
            incoming = [incoming_message(b"%d of %d" % (each, number), mailbox_id) for each in range(STORED)]
            await database.write(lambda each: store.store_messages(each, incoming))

        async def remove_some(remove: Remove, *ids: int) -> None:
            async def remove_from(mailbox_id: int) -> None:
                await database.write(lambda each: remove(each, mailbox_id))

            await asyncio.gather(*map(remove_from, ids))

        async def work() -> None:
            for number in range(6):
                await asyncio.gather(*(write(mailbox_id, number) for mailbox_id in (role, *others)))
                await asyncio.gather(remove_some(drop_oldest, role), remove_some(delete_many, *others))
            await remove_some(purge_expired, *others[:3])

        working = asyncio.create_task(work())
        while not working.done():
            missing.add((await message_totals.fetch(connection)).missing)
        await working

    assert missing == {0}
    assert await numbers(connection) == {"stored": 108, "there": 33, "expired": 48, "deleted": 10, "dropped": 17}
