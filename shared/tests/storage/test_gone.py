"""An expired or deleted mailbox cannot be used, long before the purge deletes its row."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest
from support.database import heard, incoming_message, until_one_waits

from fake_email.errors import MailboxNotFound, MessageNotFound, OperatorsMailbox
from fake_email.postgres import notifications
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import open_database
from fake_email.storage import (
    attachments,
    mailboxes,
    message_list,
    recipients,
    role_mailboxes,
    store,
    watched_mailboxes,
)
from fake_email.storage import source as stored_source
from fake_email.storage.incoming_message import IncomingMessage
from fake_email.storage.message_list import Cursor
from fake_email.storage.recipients import Recipient
from fake_email.storage.store import Outcome

NewMailbox = Callable[[], Awaitable[Recipient]]
AssertMessageNotFound = Callable[[uuid.UUID, bytes | None], Awaitable[None]]
End = Callable[[Connection, Recipient], Awaitable[None]]


async def expire(connection: Connection, mailbox: Recipient) -> None:
    await connection.execute("UPDATE mailbox SET expires_at = now() WHERE id = %s", [mailbox.mailbox_id])


async def delete(connection: Connection, mailbox: Recipient) -> None:
    await mailboxes.delete(connection, mailbox.mailbox_id)


@pytest.fixture(params=[expire, delete])
def end(request: pytest.FixtureRequest) -> End:
    """The way in which the mailbox ends."""
    chosen: End = request.param
    return chosen


@pytest.fixture
async def listener(another: Connection) -> Connection:
    """A connection that listens for deleted mailboxes."""
    await another.execute(f"LISTEN {notifications.Gone.CHANNEL}".encode())
    return another


@pytest.fixture
async def mailbox(new_mailbox: NewMailbox) -> Recipient:
    return await new_mailbox()


@pytest.fixture
async def stored(connection: Connection, mailbox: Recipient) -> AsyncIterator[IncomingMessage]:
    """A message in the mailbox."""
    stored = incoming_message(b"Subject: kept\r\n\r\nsecret\r\n", mailbox.mailbox_id)
    await store.store_messages(connection, [stored])
    yield stored
    # None of these tests depends on a purge.
    cursor = await connection.execute("SELECT count(*) FROM message")
    assert await cursor.fetchone() == (1,)


async def test_it_is_not_fetched(connection: Connection, mailbox: Recipient, stored: IncomingMessage, end: End) -> None:
    await end(connection, mailbox)

    with pytest.raises(MailboxNotFound):
        await mailboxes.fetch(connection, address=mailbox.address, token_sha256=None)


async def test_it_is_not_listed(connection: Connection, mailbox: Recipient, stored: IncomingMessage, end: End) -> None:
    await end(connection, mailbox)

    with pytest.raises(MailboxNotFound):
        await message_list.read(connection, address=mailbox.address, token_sha256=None, since=Cursor(), limit=10)


async def test_it_is_not_a_recipient(
    connection: Connection, mailbox: Recipient, stored: IncomingMessage, end: End
) -> None:
    await end(connection, mailbox)

    assert await recipients.find(connection, [mailbox.address]) == {}


async def test_no_message_is_stored_in_it(
    connection: Connection, mailbox: Recipient, stored: IncomingMessage, end: End
) -> None:
    await end(connection, mailbox)

    outcomes = await store.store_messages(connection, [incoming_message(b"too late", mailbox.mailbox_id)])

    assert outcomes == [Outcome(live=0, stored=0)]


async def test_the_sources_of_its_messages_are_not_found(
    connection: Connection, mailbox: Recipient, stored: IncomingMessage, end: End
) -> None:
    await end(connection, mailbox)

    with pytest.raises(MessageNotFound):
        await stored_source.find(connection, stored.deliveries[0].id, token_sha256=None, by="mx.test")


async def test_its_messages_cannot_be_opened_marked_or_deleted(
    connection: Connection,
    mailbox: Recipient,
    stored: IncomingMessage,
    end: End,
    assert_message_not_found: AssertMessageNotFound,
) -> None:
    await end(connection, mailbox)

    await assert_message_not_found(stored.deliveries[0].id, None)


async def test_its_attachments_are_not_found(
    connection: Connection, mailbox: Recipient, stored: IncomingMessage, end: End
) -> None:
    await end(connection, mailbox)

    with pytest.raises(MessageNotFound):
        await attachments.find(connection, stored.deliveries[0].id, token_sha256=None)


async def test_its_detail_is_not_found(
    connection: Connection, mailbox: Recipient, stored: IncomingMessage, end: End
) -> None:
    await end(connection, mailbox)

    with pytest.raises(MailboxNotFound):
        await mailboxes.fetch_detail(connection, mailbox.mailbox_id)


async def test_it_is_not_extended_by_a_caller_that_fetched_it_before(
    connection: Connection, mailbox: Recipient, stored: IncomingMessage, end: End
) -> None:
    fetched = await mailboxes.fetch(connection, address=mailbox.address, token_sha256=None)
    await end(connection, mailbox)

    await mailboxes.extend(connection, fetched, ttl_seconds=3_600)

    with pytest.raises(MailboxNotFound):
        await mailboxes.fetch(connection, address=mailbox.address, token_sha256=None)


async def test_reading_a_source_stops(
    database_url: str, connection: Connection, mailbox: Recipient, stored: IncomingMessage, end: End
) -> None:
    found = await stored_source.find(connection, stored.deliveries[0].id, token_sha256=None, by="mx.test")
    async with open_database(database_url, connections=1) as database:
        pieces = stored_source.read(database, found)
        assert await anext(pieces) == found.trace

        await end(connection, mailbox)

        with pytest.raises(MessageNotFound):
            await anext(pieces)


async def test_it_has_no_newest_seq_so_its_waiting_calls_end_after_a_new_listen(
    connection: Connection, mailbox: Recipient, stored: IncomingMessage, end: End
) -> None:
    await end(connection, mailbox)

    assert await watched_mailboxes.newest_seqs(connection, [mailbox.mailbox_id]) == {}


async def test_a_deletion_is_notified_when_it_is_committed(
    connection: Connection, listener: Connection, mailbox: Recipient
) -> None:
    async with connection.transaction():
        await mailboxes.delete(connection, mailbox.mailbox_id)
        before = await heard(listener, notifications.Gone.CHANNEL)
    after = await heard(listener, notifications.Gone.CHANNEL)

    assert (before, after) == ([], [str(mailbox.mailbox_id)])


async def test_deleting_a_mailbox_twice_is_notified_once(
    connection: Connection, listener: Connection, mailbox: Recipient
) -> None:
    for _ in range(2):
        await mailboxes.delete(connection, mailbox.mailbox_id)

    assert await heard(listener, notifications.Gone.CHANNEL) == [str(mailbox.mailbox_id)]


async def test_deleting_an_unknown_mailbox_changes_nothing(connection: Connection, mailbox: Recipient) -> None:
    await mailboxes.delete(connection, mailbox.mailbox_id + 1)

    assert (await mailboxes.fetch(connection, address=mailbox.address, token_sha256=None)).id == mailbox.mailbox_id


async def test_a_deletion_leaves_other_mailboxes_unchanged(connection: Connection, new_mailbox: NewMailbox) -> None:
    deleted, neighbour = await new_mailbox(), await new_mailbox()

    await mailboxes.delete(connection, deleted.mailbox_id)

    assert list(await recipients.find(connection, [deleted.address, neighbour.address])) == [neighbour.address]


async def test_a_role_mailbox_cannot_be_deleted(connection: Connection) -> None:
    await role_mailboxes.create(connection, ["mx.test"])
    found = await recipients.find(connection, ["abuse@mx.test"])

    with pytest.raises(OperatorsMailbox):
        await mailboxes.delete(connection, found["abuse@mx.test"].mailbox_id)

    assert await recipients.find(connection, ["abuse@mx.test"]) == found


async def test_a_writer_that_began_before_a_deletion_and_waits_stores_nothing_in_the_deleted_mailbox(
    connection: Connection, another: Connection, watcher: psycopg.Connection, new_mailbox: NewMailbox
) -> None:
    first, deleted = await new_mailbox(), await new_mailbox()
    both = [incoming_message(b"1", first.mailbox_id), incoming_message(b"2", deleted.mailbox_id)]

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        with watcher.transaction():
            watcher.execute("SELECT FROM mailbox WHERE id = %s FOR UPDATE", [first.mailbox_id])
            storing = tasks.create_task(store.store_messages(another, both))
            await until_one_waits(watcher)
            await mailboxes.delete(connection, deleted.mailbox_id)

    assert storing.result() == [Outcome(live=1, stored=1), Outcome(live=0, stored=0)]


async def test_a_deletion_waits_for_a_writer_and_then_deletes(
    connection: Connection, another: Connection, watcher: psycopg.Connection, mailbox: Recipient
) -> None:
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, connection.transaction():
        outcomes = await store.store_messages(connection, [incoming_message(b"1", mailbox.mailbox_id)])
        tasks.create_task(mailboxes.delete(another, mailbox.mailbox_id))
        await until_one_waits(watcher)

    assert outcomes == [Outcome(live=1, stored=1)]
    assert await recipients.find(connection, [mailbox.address]) == {}
