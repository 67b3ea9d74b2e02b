"""One message, marked as seen and deleted: counters, notifications and tokens."""

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Callable

import pytest
from support.database import incoming_message

from fake_email.errors import MessageNotFound
from fake_email.postgres.connection import Connection
from fake_email.postgres.notifications import Deleted
from fake_email.postgres.pool import open_database
from fake_email.storage import mailboxes, message_list, recipients, store
from fake_email.storage import message as stored_message
from fake_email.storage.recipients import Recipient

AssertMessageNotFound = Callable[[uuid.UUID, bytes | None], Awaitable[None]]
TOKEN = hashlib.sha256(b"token").digest()
WRONG = hashlib.sha256(b"wrong").digest()
CONTENT = b"Subject: S\r\n\r\nText.\r\n"


async def put(connection: Connection, mailbox: Recipient, content: bytes = CONTENT) -> uuid.UUID:
    """Store a message and return its id."""
    incoming = incoming_message(content, mailbox.mailbox_id)
    await store.store_messages(connection, [incoming])
    return incoming.deliveries[0].id


async def counters(connection: Connection, mailbox: Recipient) -> tuple[int, int]:
    """The counters of the mailbox: messages and octets."""
    found = (await recipients.find(connection, [mailbox.address]))[mailbox.address]
    return found.message_count, found.stored_octets


async def blocks_another(connection: Connection) -> bool:
    """True while another session waits for a lock that this connection holds."""
    query = "SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    return await (await connection.execute(query)).fetchone() is not None


@pytest.fixture
async def mailbox(new_mailbox: Callable[[], Awaitable[Recipient]]) -> Recipient:
    return await new_mailbox()


@pytest.fixture
async def private(connection: Connection) -> Recipient:
    """A private mailbox, whose token is TOKEN."""
    address = f"{uuid.uuid4().hex}@mx.test"
    await mailboxes.create(connection, address=address, ttl_seconds=3_600, token_sha256=TOKEN)
    return (await recipients.find(connection, [address]))[address]


async def test_a_deletion_is_counted_and_notified_with_mailbox_seq_and_id(
    connection: Connection, another: Connection, mailbox: Recipient
) -> None:
    await put(connection, mailbox)
    deleted = await put(connection, mailbox, b"another\r\n")
    await another.execute(f"LISTEN {Deleted.CHANNEL}")

    await stored_message.delete(connection, deleted, token_sha256=None)

    async for notification in another.notifies(timeout=20, stop_after=1):
        assert notification.payload == f"{mailbox.mailbox_id}:2:{deleted}"
    assert await counters(connection, mailbox) == (1, len(CONTENT))


async def test_a_deletion_that_is_rolled_back_is_not_notified(
    connection: Connection, another: Connection, mailbox: Recipient
) -> None:
    first, second = await put(connection, mailbox), await put(connection, mailbox, b"another\r\n")
    await another.execute(f"LISTEN {Deleted.CHANNEL}")

    async with connection.transaction(force_rollback=True):
        await stored_message.delete(connection, first, token_sha256=None)
    await stored_message.delete(connection, second, token_sha256=None)

    payloads = [each.payload async for each in another.notifies(timeout=20, stop_after=1)]
    assert payloads == [f"{mailbox.mailbox_id}:2:{second}"]


async def test_of_two_concurrent_deletions_one_finds_the_message(
    connection: Connection, another: Connection, mailbox: Recipient
) -> None:
    await put(connection, mailbox)
    deleted = await put(connection, mailbox, b"another\r\n")

    async with connection.transaction():
        await stored_message.delete(connection, deleted, token_sha256=None)
        second = asyncio.create_task(stored_message.delete(another, deleted, token_sha256=None))
        async with asyncio.timeout(20):
            while not await blocks_another(connection):
                pass

    with pytest.raises(MessageNotFound):
        await second
    assert await counters(connection, mailbox) == (1, len(CONTENT))


async def test_the_same_octets_are_stored_again_after_a_deletion(connection: Connection, mailbox: Recipient) -> None:
    await stored_message.delete(connection, await put(connection, mailbox), token_sha256=None)

    again = await put(connection, mailbox)

    _, listed = await message_list.read(
        connection, address=mailbox.address, token_sha256=None, since=message_list.Cursor(), limit=9
    )
    assert [(each.id, each.seq) for each in listed] == [(again, 2)]
    assert await counters(connection, mailbox) == (1, len(CONTENT))


@pytest.mark.parametrize("token_sha256", [None, WRONG, b"", TOKEN[:-1]])
async def test_without_its_token_no_message_of_a_private_mailbox_is_read_marked_or_deleted(
    connection: Connection,
    database_url: str,
    private: Recipient,
    token_sha256: bytes | None,
    assert_message_not_found: AssertMessageNotFound,
) -> None:
    message_id = await put(connection, private)

    await assert_message_not_found(message_id, token_sha256)

    async with open_database(database_url, connections=1) as database:
        shown = await stored_message.fetch(database, message_id, token_sha256=TOKEN)
    assert shown.listed.seen is False
    assert shown.fields == (("Subject", "S"),)


async def test_a_message_of_an_expired_mailbox_is_not_found_with_the_token_either(
    connection: Connection, private: Recipient, assert_message_not_found: AssertMessageNotFound
) -> None:
    message_id = await put(connection, private)

    await connection.execute("UPDATE mailbox SET expires_at = now()")

    await assert_message_not_found(message_id, TOKEN)
