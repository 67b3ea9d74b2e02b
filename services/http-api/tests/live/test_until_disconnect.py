"""Waiting calls: the connections and slots that they use, and that a call that has ended uses none."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from support.calls import CALLS
from support.content import message
from support.database import MANY_CONNECTIONS, count_connections, make_mailbox, store
from support.harness import Pair, running_http
from support.http_client import client
from support.waiting import DEADLINE_SECONDS, until

WAITING = [
    "GET /api/inbox/wait?timeout=120&",
    "GET /api/inbox/poll?wait=60&",
    "POST /api/inbox/take?timeout=120&",
]
SLOTS = 5


@pytest.fixture(scope="module")
def service(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """An http-api on the database of the pair, with few slots for each client."""
    with running_http(
        pair.database_url,
        tmp_path_factory.mktemp("waiting"),
        HTTP_MAX_CLIENT_STREAMS=str(SLOTS),
        HTTP_MAX_MAILBOX_STREAMS="600",
    ) as service:
        yield service


class WaitingCall:
    """A call that was sent and has no response yet, as it is on the wire."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, service: Pair, call: str, forwarded: str = "127.0.0.1") -> AsyncIterator["WaitingCall"]:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(service.environ["HTTP_PORT"]))
        try:
            writer.write(f"{call} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {forwarded}\r\n\r\n".encode())
            await writer.drain()
            yield cls(reader, writer)
        finally:
            writer.transport.abort()

    async def answer(self) -> bytes:
        """The whole response: status line, header and content."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: ([0-9]+)", head)
            return head + await self.reader.readexactly(int(length[1]) if length else 0)


async def fill(service: Pair, call: str, forwarded: str, stack: AsyncExitStack) -> bytes:
    """Make as many waiting calls as the client has slots, and one more; the response to that last one."""
    calls = [await stack.enter_async_context(WaitingCall.open(service, call, forwarded)) for _ in range(SLOTS + 1)]
    answers = [asyncio.create_task(each.answer()) for each in calls]
    done, others = await asyncio.wait(answers, timeout=DEADLINE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        other.cancel()
    assert (len(done), len(others)) == (1, SLOTS)
    return done.pop().result()


async def until_slot(service: Pair, address: str, forwarded: str) -> None:
    """Return when the client has a free slot."""
    async with client(service.http_url) as http, asyncio.timeout(DEADLINE_SECONDS):
        query = {"address": address, "timeout": "1"}
        while (await http.get("/api/inbox/wait", params=query, headers={"X-Forwarded-For": forwarded})).is_error:
            pass


def test_every_call_that_can_wait_is_tried_here() -> None:
    can_wait = [call for call in CALLS if "too_many_streams" in call.codes and not call.is_stream]

    paths = {call.bare_path for call in can_wait}
    assert paths == {call.partition(" ")[2].partition("?")[0] for call in WAITING}, (
        "add a request that waits for long to WAITING"
    )


@pytest.mark.parametrize(
    ("call", "forwarded"),
    [(WAITING[0], "198.51.100.1"), (WAITING[1], "198.51.100.2"), (WAITING[2], "198.51.100.6")],
)
async def test_a_client_past_its_slots_is_refused_and_has_them_again_when_it_disconnects(
    service: Pair, call: str, forwarded: str
) -> None:
    empty, full = make_mailbox(service.database_url), make_mailbox(service.database_url)
    await store(service.database_url, full, message())
    async with AsyncExitStack() as stack:
        refused = await fill(service, f"{call}address={empty}", forwarded, stack)
        async with client(service.http_url) as http:
            headers = {"X-Forwarded-For": forwarded}
            at_once = await http.get("/api/inbox/poll", params={"address": full, "wait": "9"}, headers=headers)

    assert refused.startswith(b"HTTP/1.1 429 ")
    assert b'"code":"too_many_streams"' in refused
    assert b"retry-after: 10\r\n" in refused
    assert at_once.status_code == 200
    await until_slot(service, full, forwarded)


async def test_a_wait_that_has_its_response_releases_its_slot(service: Pair) -> None:
    address = make_mailbox(service.database_url)
    await store(service.database_url, address, message())
    headers = {"X-Forwarded-For": "198.51.100.3"}

    async with client(service.http_url) as http:
        answers = [
            await http.get("/api/inbox/wait", params={"address": address}, headers=headers) for _ in range(3 * SLOTS)
        ]

    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize("call", WAITING[:2])
async def test_500_waiting_calls_use_no_database_connection_and_all_get_the_message(service: Pair, call: str) -> None:
    address = make_mailbox(service.database_url)
    async with AsyncExitStack() as stack:
        calls = []
        async with client(service.http_url) as http:
            for _ in range(5):
                calls += [
                    await stack.enter_async_context(WaitingCall.open(service, f"{call}address={address}"))
                    for _ in range(100)
                ]
                # Once this call has its response, those above have their turns: a client may have only so many calls
                # that wait for one.
                assert (await http.get("/api/inbox", params={"address": address})).status_code == 200
        await until(lambda: count_connections(service.database_url) < MANY_CONNECTIONS)

        await store(service.database_url, address, message("for all"))
        answers = await asyncio.gather(*(each.answer() for each in calls))

    assert [answer for answer in answers if b'"subject":"for all"' not in answer] == []


async def test_sigterm_ends_every_waiting_call_with_503(pair: Pair, tmp_path: Path) -> None:
    stopping = Pair(pair.database_url, tmp_path, HTTP_MAX_CLIENT_STREAMS=str(SLOTS))
    service = stopping.start_http()
    address = make_mailbox(pair.database_url)
    try:
        async with AsyncExitStack() as stack:
            calls = [
                await stack.enter_async_context(
                    WaitingCall.open(stopping, f"{WAITING[0]}address={address}", "198.51.100.5")
                )
                for _ in range(SLOTS + 1)
            ]
            answers = [asyncio.create_task(each.answer()) for each in calls]
            await asyncio.wait(answers, timeout=DEADLINE_SECONDS, return_when=asyncio.FIRST_COMPLETED)

            status = await asyncio.to_thread(service.stop)
            refused, *others = sorted(await asyncio.gather(*answers))
    finally:
        stopping.end()

    assert status == 0
    assert refused.startswith(b"HTTP/1.1 429 ")
    assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in others)
    assert all(b'"code":"service_stopping"' in answer and b"retry-after: " in answer for answer in others)


async def test_a_client_that_disconnects_during_its_search_has_its_slots_released(service: Pair) -> None:
    address, full = make_mailbox(service.database_url), make_mailbox(service.database_url)
    text = "\r\n".join(["a" * 998] * 260)
    await store(service.database_url, address, *(message(str(number), text) for number in range(20)))
    await store(service.database_url, full, message())
    call = f"GET /api/inbox/wait?timeout=120&address={address}&text=/((a%7B0,30%7D)%7B0,20%7D)b/"
    async with AsyncExitStack() as stack:
        refused = await fill(service, call, "198.51.100.4", stack)

    assert refused.startswith(b"HTTP/1.1 429 ")
    await until_slot(service, full, "198.51.100.4")
    assert "call_failed" not in [event["event"] for event in service.services[0].events()]
