"""The limits of open streams for a client, for a mailbox and for a process, and the refusal past each of them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from support.database import make_mailbox
from support.harness import Pair, Service
from support.http_client import client, problem
from support.waiting import DEADLINE_SECONDS

CLIENT, OTHER_CLIENT = "192.0.2.1", "192.0.2.2"
LIMITS = {"HTTP_MAX_CLIENT_STREAMS": "2", "HTTP_MAX_MAILBOX_STREAMS": "5", "HTTP_MAX_STREAMS": "8"}


@pytest.fixture(scope="module")
def service(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """An http-api of our own, with few slots."""
    service = Pair(pair.database_url, tmp_path_factory.mktemp("slots"))
    try:
        yield service, service.start_http(**LIMITS)
    finally:
        service.end()


@pytest.fixture
async def http(service: tuple[Pair, Service]) -> AsyncIterator[httpx.AsyncClient]:
    async with client(service[0].http_url) as http:
        yield http


@pytest.fixture
def addresses(pair: Pair) -> list[str]:
    return [make_mailbox(pair.database_url) for _ in range(2)]


@asynccontextmanager
async def opened(http: httpx.AsyncClient, address: str, by: str = "127.0.0.1") -> AsyncIterator[httpx.Response]:
    """A stream of the client at that address, which a proxy on this host names; or the refusal, read."""
    parameters, headers = {"address": address}, {"X-Forwarded-For": by}
    async with http.stream("GET", "/api/inbox/stream", params=parameters, headers=headers) as answer:
        if answer.status_code != 200:
            await answer.aread()
        yield answer


async def hold(stack: AsyncExitStack, http: httpx.AsyncClient, address: str, by: str, count: int) -> None:
    """Open streams until the stack ends; those of the test before may have their slots for another moment."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        for _ in range(count):
            while (await stack.enter_async_context(opened(http, address, by))).status_code != 200:
                pass


async def until_let_in(http: httpx.AsyncClient, address: str, by: str) -> None:
    """Return when a slot is free, which is a moment after the reader before has disconnected."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            async with opened(http, address, by) as answer:
                if answer.status_code == 200:
                    return


async def test_a_client_past_its_limit_of_streams_gets_429_and_a_time_to_retry(
    http: httpx.AsyncClient, addresses: list[str]
) -> None:
    async with AsyncExitStack() as stack:
        await hold(stack, http, addresses[0], CLIENT, 2)

        async with opened(http, addresses[1], CLIENT) as answer:
            assert (answer.status_code, problem(answer)["code"]) == (429, "too_many_streams")
            assert int(answer.headers["retry-after"]) > 0


async def test_another_client_has_slots_of_its_own(http: httpx.AsyncClient, addresses: list[str]) -> None:
    async with AsyncExitStack() as stack:
        await hold(stack, http, addresses[0], CLIENT, 2)

        await hold(stack, http, addresses[0], OTHER_CLIENT, 2)


async def test_the_addresses_of_an_ipv6_network_of_64_bits_are_one_client(
    http: httpx.AsyncClient, addresses: list[str]
) -> None:
    async with AsyncExitStack() as stack:
        await hold(stack, http, addresses[0], "2001:db8::1", 1)
        await hold(stack, http, addresses[0], "2001:db8::ffff:2", 1)

        async with opened(http, addresses[0], "2001:db8::3") as refused, opened(http, addresses[0], "2001:db8:0:1::3"):
            assert refused.status_code == 429


@pytest.mark.parametrize("loopback", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
async def test_a_client_on_this_host_has_no_limit_of_its_own(
    http: httpx.AsyncClient, addresses: list[str], loopback: str
) -> None:
    async with AsyncExitStack() as stack:
        await hold(stack, http, addresses[0], loopback, 5)


async def test_a_mailbox_past_its_limit_of_streams_has_none_for_any_client(
    http: httpx.AsyncClient, addresses: list[str]
) -> None:
    async with AsyncExitStack() as stack:
        await hold(stack, http, addresses[0], "127.0.0.1", 5)

        async with opened(http, addresses[0]) as answer:
            assert (answer.status_code, problem(answer)["code"]) == (429, "too_many_streams")
        await hold(stack, http, addresses[1], "127.0.0.1", 1)


async def test_past_the_limit_of_all_streams_this_host_gets_none_either(
    http: httpx.AsyncClient, addresses: list[str]
) -> None:
    async with AsyncExitStack() as stack:
        await hold(stack, http, addresses[0], "127.0.0.1", 4)
        await hold(stack, http, addresses[1], "127.0.0.1", 4)

        async with opened(http, addresses[1]) as answer:
            assert (answer.status_code, problem(answer)["code"]) == (429, "too_many_streams")
        assert (await http.get("/api/health")).status_code == 200


async def test_a_stream_that_ends_releases_its_slot(http: httpx.AsyncClient, addresses: list[str]) -> None:
    for _ in range(3):
        async with AsyncExitStack() as stack:
            await hold(stack, http, addresses[0], "192.0.2.3", 2)
        await until_let_in(http, addresses[0], "192.0.2.3")
        await until_let_in(http, addresses[0], "192.0.2.3")


async def test_many_refusals_of_one_limit_are_logged_once(
    service: tuple[Pair, Service], http: httpx.AsyncClient, addresses: list[str]
) -> None:
    async with AsyncExitStack() as stack:
        await hold(stack, http, addresses[0], "192.0.2.4", 2)
        for _ in range(5):
            async with opened(http, addresses[0], "192.0.2.4") as answer:
                assert answer.status_code == 429

    told = [event for event in service[1].events() if event.get("client") == "192.0.2.4"]
    assert [(event["event"], event["limit"]) for event in told] == [("limit_reached", "http_max_client_streams")]
