"""GET /api/inbox/stream: the messages of a mailbox as server-sent events, each once, in order, without delay."""

import asyncio
import hashlib
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, aclosing
from functools import partial

import httpx
import psycopg
import pytest
from support.content import message
from support.database import MANY_CONNECTIONS, count_connections, make_mailbox, store
from support.harness import Pair
from support.http_client import StreamedEvent, problem, stream
from support.inside import CLIENT, opened, streams_of
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, until

from fake_email.errors import MailboxNotFound
from fake_email.storage.message_list import Cursor
from http_api.live.shared_reads import Page

# After its LISTEN a connection queries the mailboxes once, and from then on sends empty queries only.
_TERMINATE_LISTENERS = """
    SELECT pg_terminate_backend(pid)
    FROM pg_stat_activity
    WHERE datname = current_database() AND (query LIKE 'SELECT id, last_seq FROM mailbox %' OR query = '')
"""


@pytest.fixture(scope="module", autouse=True)
def early(pair: Pair) -> Iterator[socket.socket]:
    """A stream of a mailbox that gets no mail; opened first, so that the last test waits less."""
    address = make_mailbox(pair.database_url)
    with socket.create_connection(("127.0.0.1", int(pair.environ["HTTP_PORT"]))) as connection:
        connection.settimeout(2 * DEADLINE_SECONDS)
        connection.sendall(f"GET /api/inbox/stream?address={address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        yield connection


def receives(connection: socket.socket, octets: bytes) -> bool:
    """True when the octets come before the connection ends."""
    received = b""
    while octets not in received and (more := connection.recv(65_536)):
        received += more
    return octets in received


async def deliver(smtp: SmtpClient, address: str, *contents: bytes) -> None:
    for content in contents:
        reply = await smtp.deliver(content, address)
        assert reply.code == 250, reply


async def take(http: httpx.AsyncClient, address: str, count: int, **options: str) -> list[StreamedEvent]:
    """The first `count` events of a stream."""
    taken: list[StreamedEvent] = []
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(stream(http, address, **options)) as events:
        async for event in events:
            taken.append(event)
            if len(taken) == count:
                break
    return taken


def terminate_listeners(pair: Pair) -> int:
    """The number of connections that were ended."""
    with psycopg.connect(pair.database_url) as connection:
        return connection.execute(_TERMINATE_LISTENERS).rowcount


def expire(pair: Pair, address: str) -> None:
    with psycopg.connect(pair.database_url) as connection:
        connection.execute("UPDATE mailbox SET expires_at = now() WHERE address = %s", [address])


async def private(http: httpx.AsyncClient) -> tuple[str, str]:
    """Address and token of a new private mailbox."""
    made = (await http.post("/api/temporary-address", json={"private": True})).json()
    return made["temp_email_addr"], made["token"]


async def test_a_message_is_an_event_with_its_seq_and_what_poll_shows(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, message("Gr\u00fc\u00dfe"))

    [event] = await take(http, address, 1)

    polled = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]
    assert event == StreamedEvent(event="message", id="1", data=polled[0])


async def test_a_stream_has_its_content_type_and_is_not_cached(http: httpx.AsyncClient, address: str) -> None:
    async with http.stream("GET", "/api/inbox/stream", params={"address": address}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store, no-transform"
        assert answer.headers["x-accel-buffering"] == "no"


async def test_without_a_cursor_a_stream_begins_with_the_oldest_message(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, message("a"), message("b"))

    assert [event.data["subject"] for event in await take(http, address, 2)] == ["a", "b"]


async def test_a_stream_goes_on_from_a_seq(http: httpx.AsyncClient, smtp: SmtpClient, address: str) -> None:
    await deliver(smtp, address, message("a"), message("b"), message("c"))

    assert [event.id for event in await take(http, address, 2, since="1")] == ["2", "3"]


async def test_a_stream_goes_on_from_a_time(http: httpx.AsyncClient, smtp: SmtpClient, address: str) -> None:
    await deliver(smtp, address, message("a"))
    polled = (await http.get("/api/inbox/poll", params={"address": address})).json()
    await deliver(smtp, address, message("b"))

    assert [event.id for event in await take(http, address, 1, since=polled["next_since"])] == ["2"]


async def test_the_last_event_id_takes_precedence_over_since(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, message("a"), message("b"), message("c"))

    assert [event.id for event in await take(http, address, 1, last_event_id="2", since="0")] == ["3"]


async def test_an_empty_last_event_id_is_ignored(http: httpx.AsyncClient, smtp: SmtpClient, address: str) -> None:
    await deliver(smtp, address, message("a"), message("b"))
    http.headers["Last-Event-ID"] = ""

    assert [event.id for event in await take(http, address, 1, since="1")] == ["2"]


@pytest.mark.parametrize("last_event_id", ["abc", "-1", "1.5", "1 2", "\xb2", "2026-01-31T12:00:00Z", "9" * 30])
async def test_a_last_event_id_that_is_no_event_id_is_refused(
    http: httpx.AsyncClient, address: str, last_event_id: str
) -> None:
    headers = {b"Last-Event-ID": last_event_id.encode("latin-1")}

    answer = await http.get("/api/inbox/stream", params={"address": address}, headers=headers)

    members = problem(answer)
    assert (answer.status_code, members["code"], members["field"]) == (400, "bad_input", "Last-Event-ID")


async def test_a_since_that_is_no_cursor_is_refused(http: httpx.AsyncClient, address: str) -> None:
    answer = await http.get("/api/inbox/stream", params={"address": address, "since": "yesterday"})

    assert (answer.status_code, problem(answer)["field"]) == (400, "since")


@pytest.mark.parametrize("parameters", [{}, {"address": ""}, {"address": "name"}])
async def test_a_stream_needs_an_address(http: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    answer = await http.get("/api/inbox/stream", params=parameters)

    assert (answer.status_code, problem(answer)["field"]) == (400, "address")


async def test_a_stream_of_a_mailbox_that_does_not_exist_is_a_problem(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/inbox/stream", params={"address": "missing@nowhere.test"})

    assert (answer.status_code, problem(answer)["code"]) == (404, "mailbox_not_found")


async def test_a_stream_of_an_expired_mailbox_is_a_problem(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    expire(pair, address)

    answer = await http.get("/api/inbox/stream", params={"address": address})

    assert (answer.status_code, problem(answer)["code"]) == (404, "mailbox_not_found")


async def test_a_private_mailbox_is_streamed_to_its_bearer(
    pair: Pair, http: httpx.AsyncClient, smtp: SmtpClient
) -> None:
    address, token = await private(http)
    await deliver(smtp, address, message("secret"))
    http.headers["Authorization"] = f"Bearer {token}"

    [event] = await take(http, address, 1)

    assert event.data["subject"] == "secret"


async def test_a_private_mailbox_is_streamed_to_the_access_token_in_the_query_which_a_browser_can_send(
    http: httpx.AsyncClient, smtp: SmtpClient
) -> None:
    address, token = await private(http)
    await deliver(smtp, address, message("secret"))

    [event] = await take(http, address, 1, access_token=token)

    assert event.data["subject"] == "secret"


@pytest.mark.parametrize("parameters", [{}, {"access_token": ""}, {"access_token": "wrong"}])
async def test_without_its_token_a_private_mailbox_has_no_stream(
    http: httpx.AsyncClient, parameters: dict[str, str]
) -> None:
    address, _ = await private(http)
    missing = await http.get("/api/inbox/stream", params={"address": "missing@nowhere.test"} | parameters)

    answer = await http.get("/api/inbox/stream", params={"address": address} | parameters)

    assert (answer.status_code, answer.content) == (404, missing.content)


async def test_a_stream_has_no_messages_of_another_mailbox(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    other = (await http.post("/api/temporary-address")).json()["temp_email_addr"]

    async with aclosing(stream(http, address)) as events:
        first = asyncio.ensure_future(anext(events))
        await deliver(smtp, other, message("not yours"))
        await deliver(smtp, address, message("yours"))

        assert (await first).data["subject"] == "yours"


async def test_all_streams_of_a_mailbox_get_every_message_in_order(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    readers = [asyncio.create_task(take(http, address, 20)) for _ in range(30)]

    await deliver(smtp, address, *(message(str(number)) for number in range(20)))

    expected = [(str(number + 1), str(number)) for number in range(20)]
    for taken in await asyncio.gather(*readers):
        assert [(event.id, event.data["subject"]) for event in taken] == expected


async def test_an_idle_stream_gets_each_message_that_comes(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(stream(http, address)) as events:
        for subject in ("a", "b", "c"):
            await deliver(smtp, address, message(subject))
            assert (await anext(events)).data["subject"] == subject


async def test_streams_opened_while_mail_pours_in_get_each_message_once(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    are_open = asyncio.Event()

    async def pour(writer: int) -> None:
        async with SmtpClient.connect(pair.smtp_port) as session:
            await deliver(session, address, *(message(f"{writer}-{number}") for number in range(29)))
            await are_open.wait()
            await deliver(session, address, message(f"{writer}-29"))

    async with asyncio.TaskGroup() as tasks:
        for writer in range(4):
            tasks.create_task(pour(writer))
        readers = []
        for _ in range(12):
            readers.append(tasks.create_task(take(http, address, 120)))
            await http.get("/api/inbox/poll", params={"address": address})
        are_open.set()

    everything = [event.data for event in readers[0].result()]
    assert [each["seq"] for each in everything] == list(range(1, 121))
    assert all([event.data for event in reader.result()] == everything for reader in readers)


async def test_a_stream_brings_all_pages_of_a_mailbox(http: httpx.AsyncClient, smtp: SmtpClient, address: str) -> None:
    await deliver(smtp, address, *(message(str(number)) for number in range(101)))

    taken = await take(http, address, 101)

    assert [event.id for event in taken] == [str(number + 1) for number in range(101)]


async def test_a_message_that_is_stored_while_nobody_listens_is_not_missed(
    pair: Pair, http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    taken: list[StreamedEvent] = []
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(stream(http, address)) as events:
        for number in range(5):
            await until(lambda: terminate_listeners(pair) > 0)
            await deliver(smtp, address, message(str(number)))
            taken.append(await anext(events))

    assert [event.data["subject"] for event in taken] == ["0", "1", "2", "3", "4"]


async def test_a_stream_that_cannot_read_the_table_reads_it_later(
    pair: Pair, http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(stream(http, address)) as events:
        await deliver(smtp, address, message("a"))
        first = await anext(events)

        with psycopg.connect(pair.database_url) as locking, psycopg.connect(pair.database_url) as telling:
            locking.execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
            telling.execute("SELECT pg_notify('message_stored', id || ':2') FROM mailbox WHERE address = %s", [address])
            telling.commit()
            # The stream reads first, and both wait for the lock.
            polled = await http.get("/api/inbox/poll", params={"address": address})
        assert polled.status_code == 503
        await deliver(smtp, address, message("b"))
        second = await anext(events)

    assert [first.data["subject"], second.data["subject"]] == ["a", "b"]


async def test_idle_streams_cost_no_database_connection(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    request = f"GET /api/inbox/stream?address={address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    async with AsyncExitStack() as stack, asyncio.timeout(DEADLINE_SECONDS):
        for _ in range(300):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(pair.environ["HTTP_PORT"]))
            stack.callback(writer.close)
            writer.write(request)
            await reader.readuntil(b"retry: ")

        # One that an earlier test cut may end late.
        await until(lambda: count_connections(pair.database_url) < MANY_CONNECTIONS)


async def test_a_reader_that_disconnects_is_no_longer_counted(pair: Pair, address: str) -> None:
    async with streams_of(pair) as streams, opened(streams, address) as (reader, serving):
        await until(lambda: len(streams) == 1)

        reader.disconnects.set()
        await until(serving.done)

        assert len(streams) == 0


async def test_streams_of_a_mailbox_at_the_same_cursor_share_one_read(
    pair: Pair, smtp: SmtpClient, address: str
) -> None:
    async with streams_of(pair) as streams, AsyncExitStack() as stack:
        readers = [(await stack.enter_async_context(opened(streams, address)))[0] for _ in range(50)]
        await deliver(smtp, address, message("a"))
        await streams.database.run(streams.waiters.connected)
        await until(lambda: all(b"id: 1" in reader.received for reader in readers))
        before = streams.shared_reads.begun

        await deliver(smtp, address, message("b"))
        await streams.database.run(streams.waiters.connected)
        await until(lambda: all(b"id: 2" in reader.received for reader in readers))

        assert streams.shared_reads.begun == before + 1


async def test_a_read_for_the_right_token_is_not_shared_with_another_token(
    pair: Pair, http: httpx.AsyncClient, smtp: SmtpClient
) -> None:
    address, token = await private(http)
    await deliver(smtp, address, message("secret"))
    right, wrong = hashlib.sha256(token.encode()).digest(), hashlib.sha256(b"wrong").digest()
    async with streams_of(pair) as streams:
        read = partial(streams.shared_reads.page, CLIENT, Cursor(), address=address, after=0)

        page, *refused = await asyncio.gather(
            read(token_sha256=right), read(token_sha256=wrong), read(token_sha256=None), return_exceptions=True
        )

    assert isinstance(page, Page)
    assert [type(each) for each in refused] == [MailboxNotFound, MailboxNotFound]


async def test_a_stream_whose_reader_wants_the_head_alone_ends_after_the_head(pair: Pair, address: str) -> None:
    async with streams_of(pair) as streams, opened(streams, address, disconnects_at_once=True) as (reader, serving):
        await until(serving.done)

        assert len(streams) == 0
        assert b"event: " not in reader.received


async def test_a_reader_that_has_disconnected_is_sent_nothing(pair: Pair, smtp: SmtpClient, address: str) -> None:
    async with (
        streams_of(pair) as streams,
        opened(streams, address) as (gone, serving),
        opened(streams, address) as (reader, _),
    ):
        gone.disconnects.set()
        await until(serving.done)
        await deliver(smtp, address, message("a"))

        await streams.database.run(streams.waiters.connected)
        await until(lambda: b"id: 1" in reader.received)

        assert b"id: 1" not in gone.received


async def test_a_stream_that_cannot_read_the_table_still_gets_comments(pair: Pair, address: str) -> None:
    with psycopg.connect(pair.database_url) as database:
        database.execute("LOCK TABLE message")
        async with streams_of(pair) as streams, opened(streams, address) as (reader, _):
            await until(lambda: streams.shared_reads.begun == 1)  # others may wait for the lock too
            for _ in range(1_000):  # more than all groups there are
                for each in tuple(streams.next_group()):
                    each.comment()
            await until(lambda: reader.received.endswith(b"\n\n:\n\n"))


def test_an_idle_stream_gets_comments(early: socket.socket) -> None:
    assert receives(early, b"\n:\n\n")


@pytest.mark.parametrize(
    ("headers", "query", "subjects"),
    [
        ({}, {"lastEventId": "1", "since": "0"}, ["b", "c"]),
        ({"Last-Event-ID": "2"}, {"lastEventId": "1"}, ["c"]),
        ({}, {"lastEventId": "", "since": "2"}, ["c"]),
    ],
)
async def test_last_event_id_may_be_in_the_query_where_a_library_appends_it(
    pair: Pair,
    http: httpx.AsyncClient,
    address: str,
    headers: dict[str, str],
    query: dict[str, str],
    subjects: list[str],
) -> None:
    await store(pair.database_url, address, message("a"), message("b"), message("c"))

    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        aclosing(stream(http, address, last_event_id=headers.get("Last-Event-ID"), **query)) as events,
    ):
        got = [(await anext(events)).data["subject"] for _ in subjects]

    assert got == subjects
