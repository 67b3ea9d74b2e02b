"""The number of sessions that the daemon admits: in all, and from one client."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

import psutil
import pytest
from support.harness import Pair, Service, foreign_address, running_smtp
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS

from fake_email.command import raise_file_limit
from fake_email.settings import Settings
from smtp_ingest.deadlines import Deadlines
from smtp_ingest.live_sessions import LiveSessions


@pytest.fixture(scope="module")
def foreign() -> str:
    """An address of this host other than the daemon's, which counts like the address of another host."""
    address = foreign_address()
    if address is None:
        pytest.skip("this host has no IPv4 address but the loopback's")
    return address


@asynccontextmanager
async def connection(port: int, source: str = "127.0.0.1", host: str = "127.0.0.1") -> AsyncIterator[SmtpClient]:
    """A client that has not read the greeting."""
    reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0))
    try:
        yield SmtpClient(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def greeted(port: int, source: str) -> AsyncIterator[SmtpClient]:
    """A client that connects again until it is greeted, with a deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS), AsyncExitStack() as stack:
        code = 0
        while code != 220:
            client = await stack.enter_async_context(connection(port, source))
            code = (await client.reply()).code
        yield client


async def refusal(port: int, source: str = "127.0.0.1") -> tuple[int, str, bool]:
    """The code and enhanced code for a new client, and whether the connection is then closed."""
    async with connection(port, source) as client:
        reply = await client.reply()
        return reply.code, reply.text[:5], await client.is_closed()


def limits(service: Service) -> set[object]:
    """The limits that the log names."""
    return {event["limit"] for event in service.events() if event["event"] == "limit_reached"}


# From one client


@pytest.fixture(scope="module")
def limited(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """A daemon that admits two sessions of one client."""
    directory = tmp_path_factory.mktemp("limited")
    with running_smtp(pair.database_url, directory, SMTP_MAX_CLIENT_SESSIONS="2") as running:
        yield running


async def test_a_client_at_its_limit_is_refused(limited: tuple[Pair, Service], foreign: str) -> None:
    pair, service = limited
    async with greeted(pair.smtp_port, foreign), greeted(pair.smtp_port, foreign):
        refused = await refusal(pair.smtp_port, foreign)

    assert refused == (421, "4.7.0", True)
    assert limits(service) == {"smtp_max_client_sessions"}


async def test_a_client_may_connect_again_after_a_session_has_ended(
    limited: tuple[Pair, Service], foreign: str
) -> None:
    pair, _ = limited
    async with greeted(pair.smtp_port, foreign), greeted(pair.smtp_port, foreign) as ended:
        await ended.converse(("QUIT", 221))

        async with greeted(pair.smtp_port, foreign) as another:
            await another.converse(("NOOP", 250))


async def test_a_client_on_this_host_has_no_limit_of_its_own(limited: tuple[Pair, Service]) -> None:
    pair, _ = limited
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connection(pair.smtp_port)) for _ in range(3)]

        assert [(await client.reply()).code for client in clients] == [220] * 3


# In all


@pytest.fixture(scope="module")
def full(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """A daemon with default settings, and 1,000 silent sessions with it."""
    raise_file_limit()
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("full")) as (daemon, service), ExitStack() as stack:
        for _ in range(1_000):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", daemon.smtp_port), DEADLINE_SECONDS))
            assert client.recv(100).startswith(b"220 ")
        yield daemon, service


async def test_a_client_beyond_1000_sessions_is_refused(full: tuple[Pair, Service]) -> None:
    daemon, service = full

    assert await refusal(daemon.smtp_port) == (421, "4.7.0", True)
    assert limits(service) == {"smtp_max_sessions"}


async def test_1000_idle_sessions_take_less_than_200_megabytes(full: tuple[Pair, Service]) -> None:
    _, service = full

    assert psutil.Process(service.pid).memory_info().rss < 200_000_000


# Slots of idle sessions


@pytest.fixture
def small(pair: Pair, tmp_path: Path) -> Iterator[Pair]:
    """A daemon that admits three sessions in all."""
    with running_smtp(pair.database_url, tmp_path, SMTP_MAX_SESSIONS="3") as (own, _):
        yield own


async def test_a_client_without_a_session_gets_the_slot_of_the_session_that_was_idle_longest(
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


async def test_a_session_with_an_open_transaction_keeps_its_slot(small: Pair, foreign: str) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            client = await stack.enter_async_context(SmtpClient.connect(small.smtp_port))
            await client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))

        refused = await refusal(small.smtp_port, foreign)

    assert refused == (421, "4.7.0", True)


async def test_a_client_with_a_session_gets_no_slot_of_an_idle_session(small: Pair) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(SmtpClient.connect(small.smtp_port))

        refused = await refusal(small.smtp_port)

    assert refused == (421, "4.7.0", True)


class Idle:
    """An idle session of a client at an address that this host does not have."""

    is_idle = True

    def __init__(self, peer: str, settings: Settings) -> None:
        self.peer = peer
        self.deadlines = Deadlines(settings)
        self.is_ended = False

    def end_for_new_client(self) -> None:
        self.is_ended = True

    def drain(self) -> None:
        self.is_ended = True

    def abort(self) -> None:
        self.is_ended = True


@pytest.mark.parametrize("exempt", [(), ("2001:db8::/32", "192.0.2.0/24")], ids=["counted", "exempt"])
@pytest.mark.parametrize(
    ("peers", "new", "ended"),
    [
        (["2001:db8:0:1::1", "2001:db8:0:1::2"], "2001:db8:0:2::1", [True, False]),
        (["2001:db8:0:1::1", "2001:db8:0:1::2"], "2001:db8:0:1::3", [False, False]),
        (["2001:db8:0:1::1", "2001:db8:0:2::1"], "2001:db8:0:3::1", [False, False]),
        (["192.0.2.1", "::ffff:192.0.2.1"], "192.0.2.2", [True, False]),
        (["192.0.2.1", "192.0.2.2"], "192.0.2.3", [False, False]),
    ],
)
def test_the_sessions_of_a_network_are_those_of_one_client(
    peers: list[str], new: str, ended: list[bool], exempt: tuple[str, ...]
) -> None:
    settings = Settings(
        database_url="postgresql:///", domain=("mx.test",), smtp_max_sessions=2, smtp_exempt_networks=exempt
    )
    sessions = LiveSessions(settings)
    idle = [Idle(peer, settings) for peer in peers]
    for session in idle:
        assert sessions.admit(session, "198.51.100.1", 0) is None

    limit = sessions.admit(Idle(new, settings), "198.51.100.1", 0)

    assert [session.is_ended for session in idle] == ended
    assert limit == (None if any(ended) else "smtp_max_sessions")


async def test_a_client_on_this_host_has_no_limit_whatever_its_address(
    foreign: str, database_url: str, tmp_path: Path
) -> None:
    settings = {"SMTP_HOST": "0.0.0.0", "SMTP_MAX_CLIENT_SESSIONS": "1"}
    with running_smtp(database_url, tmp_path, **settings) as (pair, _):
        async with AsyncExitStack() as stack:
            own = [await stack.enter_async_context(connection(pair.smtp_port, foreign, foreign)) for _ in range(2)]
            codes = [(await client.reply()).code for client in own]

    assert codes == [220, 220]
