"""Open streams of a mailbox that is deleted or expires, or of which a message is deleted."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager

import httpx
import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair
from support.http_client import StreamedEvent, problem, stream
from support.inside import opened, streams_of
from support.waiting import DEADLINE_SECONDS, until

from fake_email.postgres.notifications import Deleted

DELETE_MAILBOX = """
    WITH deleted AS (DELETE FROM mailbox WHERE address = %s RETURNING id)
    SELECT pg_notify('mailbox_gone', '0 ' || id) FROM deleted
"""
DELETE_MESSAGE = """
    WITH deleted AS (
        DELETE FROM message
        USING mailbox
        WHERE mailbox.id = message.mailbox_id AND mailbox.address = %s AND message.seq = %s
        RETURNING message.mailbox_id, message.seq, message.id
    ), notified AS (
        SELECT pg_notify('message_deleted', mailbox_id || ':' || seq || ':' || id) FROM deleted
    )
    SELECT deleted.id FROM deleted, notified
"""
ID = "SELECT id FROM mailbox WHERE address = %s"


@pytest.fixture
def database(pair: Pair) -> Iterator[psycopg.Connection]:
    """A connection in autocommit mode."""
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        yield connection


@asynccontextmanager
async def following(
    http: httpx.AsyncClient, address: str, **options: str
) -> AsyncIterator[AsyncGenerator[StreamedEvent, None]]:
    """The events of a stream; raises TimeoutError when they do not come in time."""
    async with asyncio.timeout(2 * DEADLINE_SECONDS), aclosing(stream(http, address, **options)) as events:
        yield events


def delete_message(database: psycopg.Connection, address: str, seq: int) -> uuid.UUID:
    """Delete the message as another process would; its id."""
    [(message_id,)] = database.execute(DELETE_MESSAGE, [address, seq]).fetchall()
    assert isinstance(message_id, uuid.UUID)
    return message_id


def deleted(mailbox: int, seq: int, message_id: uuid.UUID) -> Deleted:
    return Deleted(mailbox_id=mailbox, seq=seq, message_id=message_id)


def mailbox_id(database: psycopg.Connection, address: str) -> int:
    [(found,)] = database.execute(ID, [address]).fetchall()
    return int(found)


async def test_the_stream_of_a_mailbox_that_is_deleted_ends_with_gone(
    pair: Pair, http: httpx.AsyncClient, address: str, database: psycopg.Connection
) -> None:
    await store(pair.database_url, address, message("a"))
    async with following(http, address) as events:
        await anext(events)

        database.execute(DELETE_MAILBOX, [address])

        assert [event async for event in events] == [
            StreamedEvent(event="gone", id="", data={"temp_email_addr": address})
        ]


async def test_every_stream_of_a_mailbox_that_is_deleted_ends_with_gone(
    pair: Pair, http: httpx.AsyncClient, address: str, database: psycopg.Connection
) -> None:
    await store(pair.database_url, address, message("a"))

    async def hear_all(is_open: asyncio.Semaphore) -> list[str]:
        heard = []
        async with following(http, address) as events:
            async for event in events:
                is_open.release()
                heard.append(event.event)
        return heard

    is_open = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as tasks:
        readers = [tasks.create_task(hear_all(is_open)) for _ in range(20)]
        for _ in readers:
            await is_open.acquire()
        database.execute(DELETE_MAILBOX, [address])

    assert [reader.result() for reader in readers] == [["message", "gone"]] * 20


async def test_a_reader_that_comes_back_to_a_mailbox_that_is_gone_gets_404_which_ends_an_eventsource_for_good(
    http: httpx.AsyncClient, address: str, database: psycopg.Connection
) -> None:
    database.execute(DELETE_MAILBOX, [address])

    answer = await http.get("/api/inbox/stream", params={"address": address}, headers={"Last-Event-ID": "1"})

    # HTML Living Standard §9.2.3: another status than 200 fails the connection, and then nothing reconnects.
    assert (answer.status_code, problem(answer)["code"]) == (404, "mailbox_not_found")


async def test_the_stream_of_a_mailbox_that_expires_ends_with_gone(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url, lives="2 seconds")

    async with following(http, address) as events:
        heard = [event async for event in events]

    assert heard == [StreamedEvent(event="gone", id="", data={"temp_email_addr": address})]


async def test_a_stream_outlives_the_first_expiry_of_a_mailbox_that_was_extended(
    pair: Pair, http: httpx.AsyncClient, database: psycopg.Connection
) -> None:
    address = make_mailbox(pair.database_url, lives="2 seconds")
    [(expiry,)] = database.execute("SELECT expires_at FROM mailbox WHERE address = %s", [address]).fetchall()
    async with following(http, address) as events:
        heard = asyncio.ensure_future(anext(events))
        database.execute("UPDATE mailbox SET expires_at = now() + interval '1 hour' WHERE address = %s", [address])

        await until(
            lambda: database.execute("SELECT now() > %s + interval '2 seconds'", [expiry]).fetchone() == (True,)
        )
        await store(pair.database_url, address, message("after"))

        assert (await heard).data["subject"] == "after"


async def test_the_stream_of_a_mailbox_whose_expiry_was_brought_forward_ends(
    pair: Pair, http: httpx.AsyncClient, address: str, database: psycopg.Connection
) -> None:
    await store(pair.database_url, address, message("a"))
    async with following(http, address) as events:
        await anext(events)

        database.execute("UPDATE mailbox SET expires_at = now() WHERE address = %s", [address])

        assert (await anext(events)).event == "gone"


async def test_a_waiting_poll_gets_404_when_its_mailbox_is_deleted(
    http: httpx.AsyncClient, address: str, database: psycopg.Connection
) -> None:
    waiting = asyncio.create_task(http.get("/api/inbox/poll", params={"address": address, "wait": "60"}))
    await http.get("/api/inbox/poll", params={"address": address})

    database.execute(DELETE_MAILBOX, [address])
    answer = await waiting

    assert (answer.status_code, problem(answer)["code"]) == (404, "mailbox_not_found")


@pytest.mark.parametrize(
    ("channel", "payload"),
    [
        ("mailbox_gone", "{mailbox}"),
        ("mailbox_gone", "look"),
        ("mailbox_gone", "-1 {mailbox}: 99999999999999999999999"),
        ("message_deleted", "look"),
        ("message_deleted", "{mailbox}:1"),
        ("message_deleted", "{mailbox}:1:1"),
        ("message_deleted", "{mailbox}:9999999:0190163d-8694-739b-aea5-966c26f8ad91"),
        ("message_stored", "{mailbox}:9999999999999999999"),
    ],
)
async def test_a_notification_that_is_wrong_or_unknown_changes_nothing(
    pair: Pair, http: httpx.AsyncClient, address: str, database: psycopg.Connection, channel: str, payload: str
) -> None:
    await store(pair.database_url, address, message("a"))
    async with following(http, address) as events:
        await anext(events)

        told = payload.format(mailbox=mailbox_id(database, address))
        database.execute("SELECT pg_notify(%s, %s)", [channel, told])
        await store(pair.database_url, address, message("b"))

        assert (await anext(events)).data["subject"] == "b"


async def test_the_deletion_of_a_message_that_was_sent_is_an_event_without_an_id(
    pair: Pair, http: httpx.AsyncClient, address: str, database: psycopg.Connection
) -> None:
    await store(pair.database_url, address, message("a"), message("b"))
    async with following(http, address) as events:
        shown = [await anext(events), await anext(events)]

        message_id = delete_message(database, address, 1)

        assert await anext(events) == StreamedEvent(event="deleted", id="", data={"id": str(message_id), "seq": 1})
        assert shown[0].data["id"] == str(message_id)


async def test_a_reader_whose_cursor_is_past_a_message_gets_its_deletion(
    pair: Pair, http: httpx.AsyncClient, address: str, database: psycopg.Connection
) -> None:
    await store(pair.database_url, address, message("a"), message("b"), message("c"))
    async with following(http, address, since="2") as events:
        await anext(events)

        message_id = delete_message(database, address, 1)

        assert await anext(events) == StreamedEvent(event="deleted", id="", data={"id": str(message_id), "seq": 1})


async def test_a_message_that_was_deleted_before_the_stream_began_never_comes(
    pair: Pair, http: httpx.AsyncClient, address: str, database: psycopg.Connection
) -> None:
    await store(pair.database_url, address, message("a"), message("b"))
    delete_message(database, address, 1)

    async with following(http, address) as events:
        assert (await anext(events)).id == "2"


async def test_a_message_that_is_deleted_on_its_way_to_a_slow_reader_never_comes_and_neither_does_its_deletion(
    pair: Pair, address: str, database: psycopg.Connection
) -> None:
    await store(pair.database_url, address, message("a"), message("b"), message("c"))
    mailbox = mailbox_id(database, address)
    async with streams_of(pair) as streams, opened(streams, address) as (reader, _):
        reader.takes.clear()
        await until(lambda: b"id: 1" in reader.received)

        streams.waiters.notified(deleted(mailbox, 2, delete_message(database, address, 2)))
        reader.takes.set()
        await until(lambda: b"id: 3" in reader.received)

        assert b"id: 2" not in reader.received
        assert b"event: deleted" not in reader.received


async def test_a_slow_reader_gets_the_deletion_of_a_message_before_the_next_message(
    pair: Pair, address: str, database: psycopg.Connection
) -> None:
    await store(pair.database_url, address, message("a"), message("b"))
    mailbox = mailbox_id(database, address)
    async with streams_of(pair) as streams, opened(streams, address) as (reader, _):
        reader.takes.clear()
        await until(lambda: b"id: 1" in reader.received)

        streams.waiters.notified(deleted(mailbox, 1, delete_message(database, address, 1)))
        reader.takes.set()
        await until(lambda: b"id: 2" in reader.received)

        assert reader.received.index(b"event: deleted") < reader.received.index(b"id: 2")


async def test_a_reader_that_is_too_many_deletions_behind_is_cut_off(pair: Pair, address: str) -> None:
    await store(pair.database_url, address, message("a"))
    async with streams_of(pair) as streams, opened(streams, address) as (reader, serving):
        reader.takes.clear()
        await until(lambda: b"id: 1" in reader.received)
        [mailbox] = streams.waiters.mailbox_ids

        for _ in range(5_000):
            streams.waiters.notified(deleted(mailbox, 1, uuid.uuid4()))
        reader.takes.set()
        await until(serving.done)

        assert reader.is_over
        assert b"event: deleted" not in reader.received


async def test_a_stream_gets_no_deletion_of_another_mailbox(
    pair: Pair, http: httpx.AsyncClient, address: str, database: psycopg.Connection
) -> None:
    other = make_mailbox(pair.database_url)
    await store(pair.database_url, other, message("not yours"))
    await store(pair.database_url, address, message("a"))
    async with following(http, address) as events:
        await anext(events)

        delete_message(database, other, 1)
        message_id = delete_message(database, address, 1)

        assert (await anext(events)).data["id"] == str(message_id)
