"""Large content, staged before the statement that stores its message."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import msgspec
import psycopg
import pytest
from psycopg.abc import Buffer
from psycopg.copy import AsyncLibpqWriter
from support.database import incoming_message

from fake_email.postgres.connection import Connection
from fake_email.storage import staging, store
from fake_email.storage.incoming_message import IncomingMessage
from fake_email.storage.recipients import Recipient

NewMailbox = Callable[[], Awaitable[Recipient]]


@pytest.fixture
async def mailbox(new_mailbox: NewMailbox) -> Recipient:
    return await new_mailbox()


async def staged(connection: Connection, content: bytes, *mailbox_ids: int) -> IncomingMessage:
    """An incoming message whose content is staged."""
    staged_id = await staging.put(connection, content)
    return msgspec.structs.replace(incoming_message(content, *mailbox_ids), content=b"", staged_id=staged_id)


async def contents(connection: Connection) -> list[bytes]:
    cursor = await connection.execute("SELECT content FROM message ORDER BY mailbox_id, seq")
    return [content for (content,) in await cursor.fetchall()]


async def has_staged_content(connection: Connection) -> bool:
    cursor = await connection.execute("SELECT FROM staged_content")
    return await cursor.fetchone() is not None


@pytest.mark.parametrize("octets", [0, 1, 131_072, 131_073, 1_000_003])
async def test_staged_content_is_stored_to_the_octet(connection: Connection, mailbox: Recipient, octets: int) -> None:
    content = (bytes(range(256)) * 4_000)[:octets]

    await store.store_messages(connection, [await staged(connection, content, mailbox.mailbox_id)])

    assert await contents(connection) == [content]


async def test_other_tasks_run_between_two_pieces_of_staged_content(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    iterations = 0
    seen_at: list[int] = []

    async def count() -> None:
        nonlocal iterations
        while True:
            iterations += 1
            await asyncio.sleep(0)

    async def write(writer: AsyncLibpqWriter, data: Buffer) -> None:
        seen_at.append(iterations)
        await written(writer, data)

    written = AsyncLibpqWriter.write
    monkeypatch.setattr(AsyncLibpqWriter, "write", write)
    counting = asyncio.create_task(count())
    await staging.put(connection, bytes(2_000_000))
    counting.cancel()

    pieces_at = seen_at[1:-1]  # between the head and the trailer
    assert len(pieces_at) > 10
    assert len(set(pieces_at)) == len(pieces_at)


async def test_stored_content_is_no_longer_staged(connection: Connection, mailbox: Recipient) -> None:
    await store.store_messages(connection, [await staged(connection, b"large", mailbox.mailbox_id)])

    assert not await has_staged_content(connection)


async def test_staged_content_reaches_every_mailbox(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox_ids = [(await new_mailbox()).mailbox_id for _ in range(2)]

    await store.store_messages(connection, [await staged(connection, b"large", *mailbox_ids)])

    assert await contents(connection) == [b"large", b"large"]


async def test_a_mailbox_counts_the_octets_of_staged_content(connection: Connection, mailbox: Recipient) -> None:
    await store.store_messages(connection, [await staged(connection, b"large", mailbox.mailbox_id)])

    cursor = await connection.execute("SELECT stored_octets FROM mailbox WHERE id = %s", [mailbox.mailbox_id])
    assert await cursor.fetchone() == (5,)


async def test_staged_content_that_is_stored_already_is_acknowledged_and_kept_once(
    connection: Connection, mailbox: Recipient
) -> None:
    again = await staged(connection, b"large", mailbox.mailbox_id)

    outcomes = [await store.store_messages(connection, [again]) for _ in range(2)]

    assert [[(each.live, each.stored) for each in outcome] for outcome in outcomes] == [[(1, 1)], [(1, 0)]]
    assert await contents(connection) == [b"large"]


async def test_a_message_whose_content_is_no_longer_staged_is_refused(
    connection: Connection, mailbox: Recipient
) -> None:
    lost = msgspec.structs.replace(incoming_message(b"large", mailbox.mailbox_id), content=b"", staged_id=uuid.uuid4())

    with pytest.raises(psycopg.errors.NotNullViolation):
        await store.store_messages(connection, [lost])

    assert await contents(connection) == []


async def test_content_staged_more_than_an_hour_ago_is_dropped(connection: Connection) -> None:
    abandoned, recent = await staging.put(connection, b"abandoned"), await staging.put(connection, b"recent")
    await connection.execute(
        "UPDATE staged_content SET staged_at = now() - interval '61 minutes' WHERE id = %s", [abandoned]
    )

    dropped = [await staging.drop_abandoned(connection) for _ in range(2)]

    cursor = await connection.execute("SELECT id FROM staged_content")
    assert (dropped, await cursor.fetchall()) == ([1, 0], [(recent,)])
