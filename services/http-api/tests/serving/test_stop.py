"""Start, stop and death of the process: open streams end with it, and their readers go on at the next process."""

import asyncio
import os
import signal
import socket
import subprocess
from contextlib import AsyncExitStack, aclosing

import psutil
import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import COMMANDS, Pair, Service
from support.http_client import client, stream
from support.waiting import DEADLINE_SECONDS, until

# The last query of a connection after its LISTEN.
_COUNT_LISTENERS = """
    SELECT count(*)
    FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'SELECT id, last_seq FROM mailbox %'
"""


@pytest.fixture
def address(database_url: str) -> str:
    return make_mailbox(database_url)


class OpenStream:
    """A stream as it is on the wire."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, pair: Pair, address: str, stack: AsyncExitStack) -> "OpenStream":
        """A stream that has begun; closed with `stack`."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(pair.environ["HTTP_PORT"]))
        stack.callback(writer.close)
        writer.write(f"GET /api/inbox/stream?address={address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        opened = cls(reader, writer)
        await opened.receives(b"retry: ")
        return opened

    async def receives(self, octets: bytes) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.reader.readuntil(octets)

    async def rest(self) -> bytes:
        """The octets that come until the connection is closed."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.reader.read()


def start(**environ: str) -> subprocess.CompletedProcess[str]:
    """http-api, which fails to start."""
    return subprocess.run(
        [COMMANDS / "http-api"],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": "postgresql://localhost/none", **environ},
        capture_output=True,
        check=False,
        text=True,
        timeout=DEADLINE_SECONDS,
    )


def workers(service: Service) -> list[psutil.Process]:
    return psutil.Process(service.pid).children()


def end(service: Service, number: signal.Signals = signal.SIGTERM) -> int:
    service.process.send_signal(number)
    return service.process.wait(DEADLINE_SECONDS)


async def test_sigterm_ends_every_stream_cleanly_and_the_process_with_status_0(own_pair: Pair, address: str) -> None:
    service = own_pair.start_http()
    async with AsyncExitStack() as stack:
        streams = [await OpenStream.open(own_pair, address, stack) for _ in range(200)]

        status = await asyncio.to_thread(end, service)
        rests = await asyncio.gather(*(each.rest() for each in streams))

    assert status == 0
    # RFC 9112 §7.1: without the last chunk a reader takes the response for incomplete.
    assert [rest for rest in rests if not rest.endswith(b"\r\n0\r\n\r\n")] == []


async def test_a_stream_goes_on_at_the_next_process_and_has_missed_nothing(own_pair: Pair, address: str) -> None:
    service = own_pair.start_http()
    async with client(own_pair.http_url) as http, asyncio.timeout(3 * DEADLINE_SECONDS):
        await store(own_pair.database_url, address, message("a"), message("b"))
        async with aclosing(stream(http, address)) as events:
            before = [await anext(events), await anext(events)]
            stopping = asyncio.create_task(asyncio.to_thread(end, service))
            after_the_last = [event async for event in events]
            assert await stopping == 0

        await store(own_pair.database_url, address, message("c"))
        await asyncio.to_thread(own_pair.start_http)
        async with aclosing(stream(http, address, last_event_id=before[-1].id)) as events:
            missed = await anext(events)
            await store(own_pair.database_url, address, message("d"))
            new = await anext(events)

    subjects = [event.data["subject"] for event in (*before, *after_the_last, missed, new)]
    assert subjects == ["a", "b", "c", "d"]


async def test_a_waiting_poll_gets_its_response_before_the_process_ends(own_pair: Pair, address: str) -> None:
    service = own_pair.start_http()
    async with client(own_pair.http_url) as http:
        waiting = asyncio.create_task(http.get("/api/inbox/poll", params={"address": address, "wait": "60"}))
        await http.get("/api/inbox/poll", params={"address": address})

        status = await asyncio.to_thread(end, service)

        assert status == 0
        assert (await waiting).json()["messages"] == []


async def test_a_reader_that_takes_nothing_does_not_delay_the_stop(own_pair: Pair, address: str) -> None:
    service = own_pair.start_http()
    await store(own_pair.database_url, address, *(message(str(number), "x" * 65_536) for number in range(150)))
    with socket.socket() as connection:
        # The kernel of the reader takes little, and ours buffers less than is sent.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(("127.0.0.1", int(own_pair.environ["HTTP_PORT"])))
        connection.sendall(f"GET /api/inbox/stream?address={address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        connection.recv(1)

        assert await asyncio.to_thread(end, service) == 0


async def test_each_worker_listens_once(own_pair: Pair) -> None:
    service = own_pair.start_http(HTTP_WORKERS="2")

    def listeners() -> int:
        with psycopg.connect(own_pair.database_url) as connection:
            [row] = connection.execute(_COUNT_LISTENERS).fetchall()
        return int(row[0])

    await until(lambda: listeners() == 2)
    assert len(workers(service)) == 2


async def open_at_once(pair: Pair, address: str, stack: AsyncExitStack) -> list[OpenStream]:
    """More streams than one worker accepts before the other gets to it."""
    return await asyncio.gather(*(OpenStream.open(pair, address, stack) for _ in range(20)))


async def test_a_message_reaches_the_streams_of_every_worker(own_pair: Pair, address: str) -> None:
    service = own_pair.start_http(HTTP_WORKERS="2")

    def all_have_some() -> bool:
        connections = [worker.net_connections("tcp") for worker in workers(service)]
        return all(any(each.status == "ESTABLISHED" for each in some) for some in connections)

    async with AsyncExitStack() as stack:
        async with asyncio.timeout(DEADLINE_SECONDS):
            streams = await open_at_once(own_pair, address, stack)
            while not all_have_some():  # a worker that a busy machine lets wait accepts none
                await stack.aclose()
                streams = await open_at_once(own_pair, address, stack)

        await store(own_pair.database_url, address, message("a"))

        await asyncio.gather(*(each.receives(b'"subject":"a"') for each in streams))


async def test_ctrl_c_ends_the_streams_of_every_worker(own_pair: Pair, address: str) -> None:
    service = own_pair.start_http(HTTP_WORKERS="2")
    async with AsyncExitStack() as stack:
        streams = await asyncio.gather(*(OpenStream.open(own_pair, address, stack) for _ in range(20)))

        status = await asyncio.to_thread(end, service, signal.SIGINT)
        rests = await asyncio.gather(*(each.rest() for each in streams))

    assert status == 0
    assert all(rest.endswith(b"\r\n0\r\n\r\n") for rest in rests)


def test_a_worker_that_is_killed_ends_the_process_with_status_1(own_pair: Pair) -> None:
    service = own_pair.start_http(HTTP_WORKERS="2")

    workers(service)[0].kill()

    assert service.process.wait(DEADLINE_SECONDS) == 1


def test_a_busy_port_ends_the_start_with_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        ended = start(DOMAIN="mx.test", HTTP_PORT=port)

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert f"127.0.0.1:{port}" in ended.stderr


def test_a_missing_variable_ends_the_start_with_one_line_that_names_it() -> None:
    ended = start()

    assert ended.returncode == 2
    assert ended.stderr.splitlines() == ["DOMAIN: missing; it has no default"]
