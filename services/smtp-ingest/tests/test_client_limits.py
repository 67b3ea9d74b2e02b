"""How many connections there may be: in all, and from one client."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

import psutil
import pytest
from support.harness import DEADLINE_SECONDS, Pair, Service, SmtpClient, foreign_address, running_smtp

from fake_email.command import raise_file_limit
from fake_email.settings import Settings
from smtp_ingest.client_limits import ClientLimits


@pytest.fixture(scope="module")
def foreign() -> str:
    """An address of this host that the daemon does not listen on, as a client of another host would have it."""
    address = foreign_address()
    if address is None:
        pytest.skip("this host has no IPv4 address but the loopback's")
    return address


@asynccontextmanager
async def connection(port: int, source: str = "127.0.0.1", host: str = "127.0.0.1") -> AsyncIterator[SmtpClient]:
    """A client that has read nothing yet."""
    reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0))
    try:
        yield SmtpClient(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def greeted(port: int, source: str) -> AsyncIterator[SmtpClient]:
    """A client that tries until it is greeted, with a deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS), AsyncExitStack() as stack:
        code = 0
        while code != 220:
            client = await stack.enter_async_context(connection(port, source))
            code = (await client.reply()).code
        yield client


async def refusal(port: int, source: str = "127.0.0.1") -> tuple[int, str, bool]:
    """What a new client hears, and whether it is left alone then."""
    async with connection(port, source) as client:
        reply = await client.reply()
        return reply.code, reply.text[:5], await client.is_closed()


def limits(service: Service) -> set[object]:
    """The limits that the log names."""
    return {event["limit"] for event in service.events() if event["event"] == "limit_reached"}


# From one client


@pytest.fixture(scope="module")
def crowded(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """A daemon for which two connections of one client are enough."""
    directory = tmp_path_factory.mktemp("crowded")
    with running_smtp(pair.database_url, directory, SMTP_MAX_CLIENT_SESSIONS="2") as running:
        yield running


async def test_a_connection_too_many_of_a_client_is_refused(crowded: tuple[Pair, Service], foreign: str) -> None:
    pair, service = crowded
    async with greeted(pair.smtp_port, foreign), greeted(pair.smtp_port, foreign):
        refused = await refusal(pair.smtp_port, foreign)

    assert refused == (421, "4.7.0", True)
    assert limits(service) == {"smtp_max_client_sessions"}


async def test_a_client_whose_connection_ended_may_make_another(crowded: tuple[Pair, Service], foreign: str) -> None:
    pair, _ = crowded
    async with greeted(pair.smtp_port, foreign), greeted(pair.smtp_port, foreign) as ended:
        await ended.converse(("QUIT", 221))

        async with greeted(pair.smtp_port, foreign) as another:
            await another.converse(("NOOP", 250))


async def test_a_client_of_this_host_has_no_limit_of_its_own(crowded: tuple[Pair, Service]) -> None:
    pair, _ = crowded
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connection(pair.smtp_port)) for _ in range(3)]

        assert [(await client.reply()).code for client in clients] == [220] * 3


# In all


@pytest.fixture(scope="module")
def full(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """A daemon without further settings, and 1,000 sessions with it that say nothing."""
    raise_file_limit()
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("full")) as (daemon, service), ExitStack() as stack:
        for _ in range(1_000):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", daemon.smtp_port), DEADLINE_SECONDS))
            assert client.recv(100).startswith(b"220 ")
        yield daemon, service


async def test_with_1000_idle_sessions_one_more_is_told_so(full: tuple[Pair, Service]) -> None:
    daemon, service = full

    assert await refusal(daemon.smtp_port) == (421, "4.7.0", True)
    assert limits(service) == {"smtp_max_sessions"}


async def test_1000_idle_sessions_take_less_than_200_megabytes(full: tuple[Pair, Service]) -> None:
    _, service = full

    assert psutil.Process(service.pid).memory_info().rss < 200_000_000


# How clients are counted


@pytest.fixture
def small(pair: Pair, tmp_path: Path) -> Iterator[Pair]:
    """A daemon that takes three sessions."""
    with running_smtp(pair.database_url, tmp_path, SMTP_MAX_SESSIONS="3") as (own, _):
        yield own


async def test_a_client_that_has_none_gets_the_place_of_the_session_that_was_idle_longest(
    small: Pair, foreign: str
) -> None:
    async with AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(SmtpClient.connect(small.smtp_port)) for _ in range(3)]
        await idle[0].converse(("NOOP", 250))

        async with connection(small.smtp_port, foreign) as client:
            greeting = await client.reply()
            ended = await idle[1].reply()
            await idle[0].converse(("NOOP", 250))
            await idle[2].converse(("NOOP", 250))

    assert greeting.code == 220
    assert (ended.code, ended.text[:5]) == (421, "4.7.0")


async def test_nobody_gets_the_place_of_a_transaction(small: Pair, foreign: str) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            client = await stack.enter_async_context(SmtpClient.connect(small.smtp_port))
            await client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))

        refused = await refusal(small.smtp_port, foreign)

    assert refused == (421, "4.7.0", True)


async def test_a_client_that_has_a_session_gets_nobodys_place(small: Pair) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(SmtpClient.connect(small.smtp_port))

        refused = await refusal(small.smtp_port)

    assert refused == (421, "4.7.0", True)


def clients(sessions: int = 2, per_minute: int = 1_000, exempt: tuple[str, ...] = ()) -> ClientLimits:
    return ClientLimits(
        Settings(
            database_url="postgresql:///",
            domain=("mx.test",),
            smtp_max_client_sessions=sessions,
            smtp_max_client_sessions_per_minute=per_minute,
            smtp_exempt_networks=exempt,
        )
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"),
        ("fe80::1%eth0", "fe80::2%eth1"),
    ],
    ids=["IPv4 mapped to IPv6", "an IPv6 /64", "zones"],
)
def test_one_client_may_have_several_addresses(one: str, other: str) -> None:
    assert clients().key(one) == clients().key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", "192.0.2.2"),
        ("2001:db8:0:1::1", "2001:db8:0:2::1"),
        ("0.0.0.1", "0:0:0:1::"),
        ("192.0.2.1", "::c000:201:0:0:0:1"),
    ],
)
def test_different_clients_are_counted_apart(one: str, other: str) -> None:
    assert clients().key(one) != clients().key(other)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "198.51.100.7", "2001:db8:1:2::3", ""],
)
def test_this_host_and_exempt_networks_are_not_counted(address: str) -> None:
    exempt = clients(exempt=("198.51.100.0/24", "2001:db8:1::/48"))

    assert exempt.key(address) is None


async def test_this_host_is_not_counted_by_whatever_address_it_comes(
    foreign: str, database_url: str, tmp_path: Path
) -> None:
    settings = {"SMTP_HOST": "0.0.0.0", "SMTP_MAX_CLIENT_SESSIONS": "1"}
    with running_smtp(database_url, tmp_path, **settings) as (pair, _):
        async with AsyncExitStack() as stack:
            own = [await stack.enter_async_context(connection(pair.smtp_port, foreign, foreign)) for _ in range(2)]
            codes = [(await client.reply()).code for client in own]

    assert codes == [220, 220]


def test_a_client_outside_the_exempt_networks_is_counted() -> None:
    assert clients(exempt=("198.51.100.0/24", "2001:db8:1::/48")).key("198.51.101.7") is not None


def test_a_client_has_so_many_sessions_at_a_time() -> None:
    counted = clients(sessions=2)

    assert [counted.admit(1, 0), counted.admit(1, 0), counted.admit(1, 0)] == [None, None, "smtp_max_client_sessions"]


def test_one_client_takes_no_place_of_another() -> None:
    counted = clients(sessions=1)
    counted.admit(1, 0)

    assert counted.admit(2, 0) is None


def test_a_session_that_ended_leaves_its_place() -> None:
    counted = clients(sessions=2)
    counted.admit(1, 0)
    counted.admit(1, 0)

    counted.leave(1)

    assert [counted.admit(1, 0), counted.admit(1, 0)] == [None, "smtp_max_client_sessions"]


def test_a_session_that_was_refused_takes_no_place() -> None:
    counted = clients(sessions=1)
    counted.admit(1, 0)
    counted.admit(1, 0)

    counted.leave(1)

    assert counted.admit(1, 0) is None


def test_a_client_begins_so_many_sessions_a_minute() -> None:
    counted = clients(per_minute=2)
    for _ in range(2):
        counted.admit(1, 0)
        counted.leave(1)

    assert counted.admit(1, 59.9) == "smtp_max_client_sessions_per_minute"


def test_a_client_that_waited_begins_anew() -> None:
    counted = clients(per_minute=1)
    counted.admit(1, 0)

    assert counted.admit(1, 60) is None


def test_a_minute_begins_with_the_first_session_of_each_client() -> None:
    counted = clients(per_minute=1)
    counted.admit(1, 0)
    counted.admit(2, 30)

    assert [counted.admit(1, 60), counted.admit(2, 60)] == [None, "smtp_max_client_sessions_per_minute"]


def test_a_client_that_is_refused_does_not_wait_longer_for_trying() -> None:
    counted = clients(per_minute=1)
    counted.admit(1, 0)
    counted.admit(1, 59)

    assert counted.admit(1, 60) is None


def test_of_more_than_65536_clients_a_minute_the_one_known_longest_is_forgotten() -> None:
    counted = clients(per_minute=1)

    for key in range(65_537):
        counted.admit(key, 0)

    assert [counted.admit(key, 0) is None for key in (65_536, 1, 0)] == [False, False, True]
