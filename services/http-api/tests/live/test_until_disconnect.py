"""Calls that are held: what they cost, and that nothing is left of one when it is over."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from support.calls import CALLS
from support.harness import DEADLINE_SECONDS, Pair, client, make_mailbox, message, running_http, store

HELD = ["/api/inbox/wait?timeout=120&", "/api/inbox/poll?wait=60&"]
PLACES = 5


@pytest.fixture(scope="module")
def service(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """An http-api on the pair's database with few places for each client and mailbox."""
    with running_http(
        pair.database_url,
        tmp_path_factory.mktemp("held"),
        HTTP_MAX_CLIENT_STREAMS=str(PLACES),
        HTTP_MAX_MAILBOX_STREAMS="600",
    ) as service:
        yield service


class Held:
    """A call that was sent and not answered, as it is on the wire."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, service: Pair, path: str, forwarded: str = "127.0.0.1") -> AsyncIterator["Held"]:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(service.environ["HTTP_PORT"]))
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {forwarded}\r\n\r\n".encode())
            await writer.drain()
            yield cls(reader, writer)
        finally:
            writer.transport.abort()

    async def answer(self) -> bytes:
        """Status line, header and what there is of the rest."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: ([0-9]+)", head)
            return head + await self.reader.readexactly(int(length[1]) if length else 0)


async def fill(service: Pair, path: str, forwarded: str, stack: AsyncExitStack) -> bytes:
    """Hold as many calls as the client has places, and one more; what that one is answered."""
    held = [await stack.enter_async_context(Held.open(service, path, forwarded)) for _ in range(PLACES + 1)]
    answers = [asyncio.create_task(each.answer()) for each in held]
    done, others = await asyncio.wait(answers, timeout=DEADLINE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        other.cancel()
    assert (len(done), len(others)) == (1, PLACES)
    return done.pop().result()


async def until_place(service: Pair, address: str, forwarded: str) -> None:
    """Return when the client can hold a call."""
    async with client(service.http_url) as http, asyncio.timeout(DEADLINE_SECONDS):
        query = {"address": address, "timeout": "1"}
        while (await http.get("/api/inbox/wait", params=query, headers={"X-Forwarded-For": forwarded})).is_error:
            pass


def connections(service: Pair) -> int:
    """How many the services have to their database."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(service.database_url) as connection:
        [(number,)] = connection.execute(query).fetchall()
    return int(number)


def test_each_call_that_can_be_held_is_held_here() -> None:
    can_be_held = [call for call in CALLS if "too_many_streams" in call.codes and not call.is_stream]

    paths = {call.bare_path for call in can_be_held}
    assert paths == {path.partition("?")[0] for path in HELD}, "give HELD a request that is held for long"


@pytest.mark.parametrize(("path", "forwarded"), [(HELD[0], "198.51.100.1"), (HELD[1], "198.51.100.2")])
async def test_a_client_past_its_places_is_refused_and_has_them_again_when_it_leaves(
    service: Pair, path: str, forwarded: str
) -> None:
    empty, full = make_mailbox(service.database_url), make_mailbox(service.database_url)
    await store(service.database_url, full, message())
    async with AsyncExitStack() as stack:
        refused = await fill(service, f"{path}address={empty}", forwarded, stack)
        async with client(service.http_url) as http:
            headers = {"X-Forwarded-For": forwarded}
            at_once = await http.get("/api/inbox/poll", params={"address": full, "wait": "9"}, headers=headers)

    assert refused.startswith(b"HTTP/1.1 429 ")
    assert b'"code":"too_many_streams"' in refused
    assert b"retry-after: 10\r\n" in refused
    assert at_once.status_code == 200
    await until_place(service, full, forwarded)


async def test_a_wait_that_was_answered_has_no_place_any_more(service: Pair) -> None:
    address = make_mailbox(service.database_url)
    await store(service.database_url, address, message())
    headers = {"X-Forwarded-For": "198.51.100.3"}

    async with client(service.http_url) as http:
        answers = [
            await http.get("/api/inbox/wait", params={"address": address}, headers=headers) for _ in range(3 * PLACES)
        ]

    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize("path", HELD)
async def test_500_who_wait_cost_no_database_connection_and_are_all_answered(service: Pair, path: str) -> None:
    address = make_mailbox(service.database_url)
    async with AsyncExitStack() as stack:
        held = [await stack.enter_async_context(Held.open(service, f"{path}address={address}")) for _ in range(500)]
        async with client(service.http_url) as http:
            assert (await http.get("/api/inbox", params={"address": address})).status_code == 200
        before = connections(service)

        await store(service.database_url, address, message("for all"))
        answers = await asyncio.gather(*(each.answer() for each in held))

    assert before < 30  # two services' pools, and what listens
    assert all(b'"subject":"for all"' in answer for answer in answers)


async def test_sigterm_answers_who_waits(pair: Pair, tmp_path: Path) -> None:
    stopping = Pair(pair.database_url, tmp_path, HTTP_MAX_CLIENT_STREAMS=str(PLACES))
    service = stopping.start_http()
    address = make_mailbox(pair.database_url)
    try:
        async with AsyncExitStack() as stack:
            held = [
                await stack.enter_async_context(Held.open(stopping, f"{HELD[0]}address={address}", "198.51.100.5"))
                for _ in range(PLACES + 1)
            ]
            answers = [asyncio.create_task(each.answer()) for each in held]
            await asyncio.wait(answers, timeout=DEADLINE_SECONDS, return_when=asyncio.FIRST_COMPLETED)

            status = await asyncio.to_thread(service.stop)
            refused, *others = sorted(await asyncio.gather(*answers))
    finally:
        stopping.end()

    assert status == 0
    assert refused.startswith(b"HTTP/1.1 429 ")
    assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in others)
    assert all(b'"code":"service_stopping"' in answer and b"retry-after: " in answer for answer in others)


async def test_a_client_that_leaves_while_it_searches_gives_its_places_back(service: Pair) -> None:
    address, full = make_mailbox(service.database_url), make_mailbox(service.database_url)
    text = "\r\n".join(["a" * 998] * 260)
    await store(service.database_url, address, *(message(str(number), text) for number in range(20)))
    await store(service.database_url, full, message())
    path = f"/api/inbox/wait?timeout=120&address={address}&text=/((a%7B0,30%7D)%7B0,20%7D)b/"
    async with AsyncExitStack() as stack:
        refused = await fill(service, path, "198.51.100.4", stack)

    assert refused.startswith(b"HTTP/1.1 429 ")
    await until_place(service, full, "198.51.100.4")
    assert "call_failed" not in [event["event"] for event in service.services[0].events()]
