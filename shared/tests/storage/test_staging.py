"""Content that is put where the statement that stores it finds it."""

import uuid
from collections.abc import Awaitable, Callable

import msgspec
import psycopg
import pytest
from support.harness import arrival

from fake_email.postgres.connection import Connection
from fake_email.storage import staging, store
from fake_email.storage.mailboxes import Recipient
from fake_email.storage.store import IncomingMessage

NewMailbox = Callable[[], Awaitable[Recipient]]


@pytest.fixture
async def mailbox(new_mailbox: NewMailbox) -> Recipient:
    return await new_mailbox()


async def staged_arrival(connection: Connection, content: bytes, *mailbox_ids: int) -> IncomingMessage:
    """As `arrival`, with its content staged."""
    staged_id = await staging.put(connection, content)
    return msgspec.structs.replace(arrival(content, *mailbox_ids), content=b"", staged_id=staged_id)


async def contents(connection: Connection) -> list[bytes]:
    cursor = await connection.execute("SELECT content FROM message ORDER BY mailbox_id, seq")
    return [content for (content,) in await cursor.fetchall()]


async def is_anything_staged(connection: Connection) -> bool:
    cursor = await connection.execute("SELECT FROM staged_content")
    return await cursor.fetchone() is not None


@pytest.mark.parametrize("octets", [0, 1, 131_072, 131_073, 1_000_003])
async def test_staged_content_is_stored_to_the_octet(connection: Connection, mailbox: Recipient, octets: int) -> None:
    content = (bytes(range(256)) * 4_000)[:octets]

    await store.store_messages(connection, [await staged_arrival(connection, content, mailbox.mailbox_id)])

    assert await contents(connection) == [content]


async def test_what_is_stored_is_staged_no_more(connection: Connection, mailbox: Recipient) -> None:
    await store.store_messages(connection, [await staged_arrival(connection, b"large", mailbox.mailbox_id)])

    assert not await is_anything_staged(connection)


async def test_staged_content_reaches_every_mailbox(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox_ids = [(await new_mailbox()).mailbox_id for _ in range(2)]

    await store.store_messages(connection, [await staged_arrival(connection, b"large", *mailbox_ids)])

    assert await contents(connection) == [b"large", b"large"]


async def test_a_mailbox_counts_the_octets_of_what_was_staged(connection: Connection, mailbox: Recipient) -> None:
    await store.store_messages(connection, [await staged_arrival(connection, b"large", mailbox.mailbox_id)])

    cursor = await connection.execute("SELECT stored_octets FROM mailbox WHERE id = %s", [mailbox.mailbox_id])
    assert await cursor.fetchone() == (5,)


async def test_staged_content_that_is_stored_already_is_acknowledged_and_kept_once(
    connection: Connection, mailbox: Recipient
) -> None:
    again = await staged_arrival(connection, b"large", mailbox.mailbox_id)

    outcomes = [await store.store_messages(connection, [again]) for _ in range(2)]

    assert [[(each.live, each.stored) for each in outcome] for outcome in outcomes] == [[(1, 1)], [(1, 0)]]
    assert await contents(connection) == [b"large"]


async def test_content_that_is_staged_no_more_is_refused(connection: Connection, mailbox: Recipient) -> None:
    lost = msgspec.structs.replace(arrival(b"large", mailbox.mailbox_id), content=b"", staged_id=uuid.uuid4())

    with pytest.raises(psycopg.errors.NotNullViolation):
        await store.store_messages(connection, [lost])

    assert await contents(connection) == []


async def test_what_nobody_fetched_within_an_hour_is_abandoned(connection: Connection) -> None:
    abandoned, recent = await staging.put(connection, b"abandoned"), await staging.put(connection, b"recent")
    await connection.execute(
        "UPDATE staged_content SET staged_at = now() - interval '61 minutes' WHERE id = %s", [abandoned]
    )

    dropped = [await staging.drop_abandoned(connection) for _ in range(2)]

    cursor = await connection.execute("SELECT id FROM staged_content")
    assert (dropped, await cursor.fetchall()) == ([1, 0], [(recent,)])
