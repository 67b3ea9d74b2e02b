"""The API while the database is stopped or does not respond, and after it has come back."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
from postgres import EmbeddedPostgres
from support import calls
from support.calls import CALLS, Call, make_known
from support.content import message
from support.database import frozen, make_mailbox, own_postgres, store, without_room
from support.harness import Pair, Service, running_http
from support.http_client import client, problem, stream
from support.waiting import DEADLINE_SECONDS, until

NEED_DATABASE = [call for call in CALLS if "database_away" in call.codes]


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server that these tests may stop."""
    with own_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def service(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """http-api alone, on the server that may be stopped."""
    with running_http(postgres.url, tmp_path_factory.mktemp("away")) as service:
        yield service


@pytest.fixture
async def http(service: Pair) -> AsyncIterator[httpx.AsyncClient]:
    async with client(service.http_url) as http:
        yield http


@pytest.fixture
def address(postgres: EmbeddedPostgres) -> str:
    return make_mailbox(postgres.url)


@contextmanager
def stopped(postgres: EmbeddedPostgres) -> Iterator[None]:
    postgres.stop("immediate")
    try:
        yield
    finally:
        postgres.start()


def is_listening(service: Pair) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(service.environ["HTTP_PORT"]))) == 0


async def until_healthy(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (await http.get("/api/health")).status_code != 200:
            pass


@asynccontextmanager
async def outage(http: httpx.AsyncClient, postgres: EmbeddedPostgres, kind: str) -> AsyncIterator[None]:
    """Keep the database away within the block, and wait for a healthy service after it."""
    await until_healthy(http)
    with {"stopped": stopped, "frozen": frozen}[kind](postgres):
        yield
    await until_healthy(http)


@pytest.mark.parametrize("kind", ["stopped", "frozen"])
async def test_without_a_database_every_call_responds_503_with_retry_after(
    http: httpx.AsyncClient, postgres: EmbeddedPostgres, kind: str, subtests: pytest.Subtests
) -> None:
    known = await make_known(postgres.url)
    http.timeout = httpx.Timeout(10)

    async with outage(http, postgres, kind):
        answers = await asyncio.gather(*(calls.answer(http, call.about_known(known)) for call in NEED_DATABASE))

    for call, answer in zip(NEED_DATABASE, answers, strict=True):
        with subtests.test(str(call)):
            assert (answer.status_code, problem(answer)["code"]) == (503, "database_away")
            assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize("call", [call for call in CALLS if call not in NEED_DATABASE], ids=str)
async def test_a_call_that_needs_no_database_works_without_one(
    http: httpx.AsyncClient, postgres: EmbeddedPostgres, call: Call
) -> None:
    known = await make_known(postgres.url)

    async with outage(http, postgres, "stopped"):
        answer = await calls.answer(http, call.about_known(known))

    assert answer.status_code == call.status


async def test_on_a_full_disk_no_mailbox_is_created_but_existing_ones_can_be_read_and_deleted(
    http: httpx.AsyncClient, postgres: EmbeddedPostgres, address: str
) -> None:
    await store(postgres.url, address, message())

    with without_room(postgres.url, "mailbox", "message", "tombstone"):
        made = await http.post("/api/temporary-address")
        polled = await http.get("/api/inbox/poll", params={"address": address})
        ended = await http.delete("/api/inbox", params={"address": address})

    assert (made.status_code, problem(made)["code"]) == (503, "storage_full")
    assert [polled.json()["new_mail_count"], ended.status_code] == [1, 204]


@pytest.mark.parametrize("kind", ["stopped", "frozen"])
async def test_an_open_stream_survives_an_outage(
    http: httpx.AsyncClient, postgres: EmbeddedPostgres, address: str, kind: str
) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(stream(http, address)) as events:
        await store(postgres.url, address, message("before"))
        first = await anext(events)

        async with outage(http, postgres, kind):
            assert (await http.get("/api/health")).status_code == 503
        await store(postgres.url, address, message("after"))
        second = await anext(events)

    assert [first.data["subject"], second.data["subject"]] == ["before", "after"]


async def test_a_message_stored_before_the_listener_is_back_reaches_streams_and_waiting_polls(
    http: httpx.AsyncClient, postgres: EmbeddedPostgres, address: str
) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(stream(http, address)) as events:
        streamed = asyncio.ensure_future(anext(events))
        polled = asyncio.create_task(http.get("/api/inbox/poll", params={"address": address, "wait": "20"}))

        await until_healthy(http)
        with stopped(postgres):
            pass
        await store(postgres.url, address, message("first thing"))

        assert (await streamed).data["subject"] == "first thing"
        assert [each["subject"] for each in (await polled).json()["messages"]] == ["first thing"]


async def test_a_service_that_starts_without_its_database_is_live_and_works_once_the_database_is_there(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    late = Pair(postgres.url, tmp_path)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(client(late.http_url))
        with stopped(postgres), (tmp_path / "log").open("wb") as log:
            stack.callback(Service("http-api", late.environ, log).kill)
            await until(lambda: is_listening(late))
            assert (await http.get("/api/health")).status_code == 503
            assert (await http.get("/api/health?live")).text == "OK"

        await until_healthy(http)
