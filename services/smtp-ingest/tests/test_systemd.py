"""What systemd hands over and is told: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3)."""

import asyncio
import os
import signal
import smtplib
import socket
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import psycopg
import pytest
from support.harness import (
    DEADLINE_SECONDS,
    DOMAINS,
    Pair,
    Service,
    SmtpClient,
    failed_start,
    make_mailbox,
    message,
    running_smtp,
)
from support.service_manager import Manager

WATCHDOG = {"WATCHDOG_USEC": "20000"}


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with closing(Manager(str(tmp_path / "notify"))) as manager:
        yield manager


@pytest.fixture
def notifying(pair: Pair, manager: Manager, tmp_path: Path) -> Iterator[tuple[Pair, Service]]:
    """A daemon that tells `manager`."""
    with running_smtp(pair.database_url, tmp_path, **manager.environ) as running:
        yield running


@pytest.fixture(scope="module")
def watched(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Manager]]:
    """A daemon whose manager waits 20 ms for a sign of life."""
    directory = tmp_path_factory.mktemp("watched")
    with (
        closing(Manager(str(directory / "notify"))) as manager,
        running_smtp(pair.database_url, directory, **manager.environ, **WATCHDOG) as (daemon, _),
    ):
        yield daemon, manager


# What the manager is told


@pytest.mark.parametrize("place", ["{directory}/notify", "{directory}/a@b", "\0{unique}"])
def test_the_manager_is_told_that_the_daemon_is_ready(pair: Pair, tmp_path: Path, place: str) -> None:
    address = place.format(directory=tmp_path, unique=f"{uuid.uuid4()}@test")

    with closing(Manager(address)) as manager, running_smtp(pair.database_url, tmp_path, **manager.environ):
        told = manager.wait_for("READY")

    assert told == {"READY": "1"}


async def test_the_manager_is_told_how_many_sessions_there_are(watched: tuple[Pair, Manager]) -> None:
    daemon, manager = watched

    async with SmtpClient.connect(daemon.smtp_port), SmtpClient.connect(daemon.smtp_port):
        told = manager.wait_for("STATUS", lambda status: not status.startswith(("0 ", "1 ")))

    assert told["STATUS"] == "2 sessions"


def test_the_manager_is_told_of_a_reload_and_its_end(notifying: tuple[Pair, Service], manager: Manager) -> None:
    _, service = notifying
    manager.wait_for("READY")

    service.process.send_signal(signal.SIGHUP)
    reloading = manager.wait_for("RELOADING")
    ready = manager.wait_for("READY")

    assert reloading["RELOADING"] == "1"
    assert reloading["MONOTONIC_USEC"].isdecimal()
    assert ready == {"READY": "1"}


async def test_the_manager_is_told_of_the_end_while_transactions_are_still_under_way(
    notifying: tuple[Pair, Service], manager: Manager
) -> None:
    pair, service = notifying
    async with SmtpClient.connect(pair.smtp_port) as client:
        await client.begin(make_mailbox(pair.database_url))

        service.process.terminate()
        await asyncio.to_thread(manager.wait_for, "STOPPING")
        await client.send(message() + b".\r\n")
        reply = await client.reply()

    assert reply.code == 250


def test_a_manager_that_is_gone_holds_up_nothing(pair: Pair, tmp_path: Path) -> None:
    with running_smtp(pair.database_url, tmp_path, NOTIFY_SOCKET=str(tmp_path / "nobody")) as (_, service):
        assert service.stop() == 0


async def test_a_manager_that_does_not_read_holds_up_nothing(watched: tuple[Pair, Manager]) -> None:
    daemon, manager = watched
    manager.overwhelm()

    async with SmtpClient.connect(daemon.smtp_port) as client:
        await client.converse(*[("NOOP", 250)] * 50)


# The watchdog


def test_the_watchdog_is_fed_again_and_again(watched: tuple[Pair, Manager]) -> None:
    _, manager = watched

    fed = [manager.wait_for("WATCHDOG")["WATCHDOG"] for _ in range(5)]

    assert fed == ["1"] * 5


class Stderr:
    """A pipe for stderr; once it is full, who logs waits."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        # Of an end that is not blocking itself, as the daemon's is.
        self._end = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def fill(self) -> None:
        for octets in (b"x" * 4_096, b"x"):
            with suppress(BlockingIOError):
                while True:
                    os.write(self._end, octets)

    def empty(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._end, 65_536):
                pass

    def close(self) -> None:
        os.close(self._end)


async def test_the_watchdog_of_a_loop_that_is_stuck_is_not_fed(pair: Pair, manager: Manager, tmp_path: Path) -> None:
    with ExitStack() as ends:
        stderr = ends.enter_context(closing(Stderr(tmp_path / "stderr")))
        listener = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
        log = ends.enter_context((tmp_path / "stderr").open("r+b", buffering=0))
        service = Service("smtp-ingest", pair.environ | manager.environ | WATCHDOG, log, [listener])
        ends.callback(service.kill)
        manager.wait_for("READY")

        # The end of a session is logged: the loop waits for a pipe that takes no more, and whatever is no loop goes on.
        stderr.fill()
        async with SmtpClient.connect(listener.getsockname()[1]) as client:
            await client.converse(("QUIT", 221))
        manager.wait_for_silence()

        stderr.empty()
        assert manager.wait_for("WATCHDOG")["WATCHDOG"] == "1"


# Sockets


@pytest.fixture(scope="module")
def listeners() -> Iterator[list[socket.socket]]:
    """What a socket unit holds: a port of IPv4 and one of IPv6."""
    with (
        socket.create_server(("127.0.0.1", 0)) as four,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as six,
    ):
        yield [four, six]


def greeting(listener: socket.socket) -> bytes:
    with socket.create_connection(listener.getsockname()[:2], DEADLINE_SECONDS) as client:
        return client.recv(3)


@pytest.fixture
def daemon(pair: Pair, tmp_path: Path) -> Iterator[Pair]:
    """One that the test starts."""
    daemon = Pair(pair.database_url, tmp_path)
    try:
        yield daemon
    finally:
        daemon.end()


def test_every_socket_that_is_handed_over_is_served(daemon: Pair, listeners: list[socket.socket]) -> None:
    daemon.start_smtp(listeners)

    assert [greeting(listener) for listener in listeners] == [b"220", b"220"]


def test_a_daemon_with_sockets_binds_none_of_its_own(daemon: Pair, listeners: list[socket.socket]) -> None:
    four, six = listeners

    daemon.start_smtp([six], SMTP_PORT=str(four.getsockname()[1]))

    assert daemon.smtp_port == six.getsockname()[1]


def test_mail_that_comes_by_ipv6_names_its_client(daemon: Pair, listeners: list[socket.socket]) -> None:
    address = make_mailbox(daemon.database_url)
    daemon.start_smtp(listeners)

    with smtplib.SMTP("::1", listeners[1].getsockname()[1]) as client:
        client.sendmail("writer@client.test", [address], message())

    query = "SELECT client_address FROM message JOIN mailbox ON mailbox.id = mailbox_id WHERE address = %s"
    with psycopg.connect(daemon.database_url) as connection:
        assert connection.execute(query, [address]).fetchall() == [("::1",)]


def test_sockets_for_another_process_are_left_alone(daemon: Pair, listeners: list[socket.socket]) -> None:
    daemon.start_smtp(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2")

    assert daemon.smtp_port not in {listener.getsockname()[1] for listener in listeners}


async def test_who_connects_while_the_daemon_ends_waits_for_the_next_one(
    daemon: Pair, listeners: list[socket.socket]
) -> None:
    port = listeners[0].getsockname()[1]
    ending = daemon.start_smtp(listeners)
    async with SmtpClient.connect(port) as client:
        await client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))
        ending.process.terminate()
        ending.wait_for_event("stopping")
        await client.converse(("NOOP", 250))

        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await client.converse(("RSET", 250))

    assert await asyncio.to_thread(ending.process.wait, DEADLINE_SECONDS) == 0
    daemon.start_smtp(listeners)
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await reader.read(3) == b"220"
    writer.close()


def test_what_a_manager_would_not_say_ends_the_start_with_one_line_that_names_it() -> None:
    ended = failed_start(DOMAIN=DOMAINS[0], WATCHDOG_USEC="soon")

    assert ended.returncode == 2
    assert ended.stderr == "WATCHDOG_USEC: not a number, which the service manager would give\n"
