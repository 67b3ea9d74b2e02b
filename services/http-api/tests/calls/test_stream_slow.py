"""A reader that takes nothing is cut off, and nothing is buffered for it; when it comes back it has missed nothing."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import aclosing, closing

import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair, Service
from support.http_client import client, stream
from support.inside import opened, streams_of
from support.waiting import DEADLINE_SECONDS, until

# More than every buffer between the two ends together.
MESSAGES = 60
TEXT = "x" * 60_000


@pytest.fixture(scope="module")
def service(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """An http-api of our own, which cuts off a reader after 2 s."""
    service = Pair(pair.database_url, tmp_path_factory.mktemp("slow"))
    try:
        yield service, service.start_http(HTTP_STALL_SECONDS="2")
    finally:
        service.end()


@pytest.fixture
def address(pair: Pair) -> str:
    return make_mailbox(pair.database_url)


def takes_nothing(service: Pair, address: str) -> socket.socket:
    """The reader of a stream, whose kernel buffers little for it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.connect(("127.0.0.1", int(service.environ["HTTP_PORT"])))
    connection.sendall(f"GET /api/inbox/stream?address={address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return connection


async def until_cut_off(process: Service) -> dict[str, object]:
    """The log event of the next cut. The reader itself notices only when it reads again."""
    before = len(cuts(process))
    await until(lambda: len(cuts(process)) > before)
    return cuts(process)[-1]


def cuts(process: Service) -> list[dict[str, object]]:
    return [event for event in process.events() if event["event"] == "stream_cut"]


def ends_early(connection: socket.socket) -> bool:
    """Read what came; True when the connection is then reset, and not closed."""
    connection.settimeout(DEADLINE_SECONDS)
    try:
        while connection.recv(65_536):
            pass
    except ConnectionResetError:
        return True
    return False


async def test_a_reader_that_takes_nothing_is_cut_off_and_it_is_logged(
    service: tuple[Pair, Service], address: str
) -> None:
    pair, process = service
    await store(pair.database_url, address, *(message(str(number), TEXT) for number in range(MESSAGES)))
    with closing(takes_nothing(pair, address)) as connection:
        event = await until_cut_off(process)

        assert event["reason"] == "nothing taken"
        assert ends_early(connection)


async def test_a_reader_that_was_cut_off_comes_back_and_has_missed_nothing(
    service: tuple[Pair, Service], address: str
) -> None:
    pair, process = service
    await store(pair.database_url, address, *(message(str(number), TEXT) for number in range(MESSAGES)))
    with closing(takes_nothing(pair, address)):
        await until_cut_off(process)

    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        client(pair.http_url) as http,
        aclosing(stream(http, address, last_event_id="1")) as events,
    ):
        seqs = [int((await anext(events)).id) for _ in range(1, MESSAGES)]

    assert seqs == list(range(2, MESSAGES + 1))


async def test_a_reader_that_takes_nothing_delays_no_other_reader(service: tuple[Pair, Service], address: str) -> None:
    pair, _ = service
    with closing(takes_nothing(pair, address)):
        async with (
            asyncio.timeout(DEADLINE_SECONDS),
            client(pair.http_url) as http,
            aclosing(stream(http, address)) as events,
        ):
            await store(pair.database_url, address, *(message(str(number), TEXT) for number in range(MESSAGES)))
            seqs = [int((await anext(events)).id) for _ in range(MESSAGES)]

    assert seqs == list(range(1, MESSAGES + 1))


async def test_a_reader_that_is_quiet_because_nothing_comes_is_not_cut_off(
    service: tuple[Pair, Service], address: str
) -> None:
    pair, process = service
    other = make_mailbox(pair.database_url)
    await store(pair.database_url, other, *(message(str(number), TEXT) for number in range(MESSAGES)))
    async with (
        asyncio.timeout(2 * DEADLINE_SECONDS),
        client(pair.http_url) as http,
        aclosing(stream(http, address)) as events,
    ):
        heard = asyncio.ensure_future(anext(events))
        # Meanwhile another reader, which takes nothing, is cut off.
        with closing(takes_nothing(pair, other)):
            await until_cut_off(process)
        await store(pair.database_url, address, message("a"))

        assert (await heard).data["subject"] == "a"


async def test_a_reader_that_has_not_taken_a_message_is_sent_no_further_ones(pair: Pair, address: str) -> None:
    async with (
        streams_of(pair) as streams,
        opened(streams, address) as (slow, _),
        opened(streams, address) as (fast, _),
    ):
        slow.takes.clear()
        await store(pair.database_url, address, *(message(str(number), TEXT) for number in range(20)))
        await streams.database.run(streams.waiters.connected)

        await until(lambda: b"id: 20\n" in fast.received)

        assert len(slow.received) < 2 * len(TEXT)
