"""The daemon under systemd: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3)."""

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
from support.content import message
from support.database import make_mailbox
from support.harness import DOMAINS, Pair, Service, failed_start, running_smtp
from support.service_manager import Manager
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, until

WATCHDOG = {"WATCHDOG_USEC": "20000"}


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with closing(Manager(str(tmp_path / "notify"))) as manager:
        yield manager


@pytest.fixture
def notifying(pair: Pair, manager: Manager, tmp_path: Path) -> Iterator[tuple[Pair, Service]]:
    """A daemon that notifies `manager`."""
    with running_smtp(pair.database_url, tmp_path, **manager.environ) as running:
        yield running


@pytest.fixture(scope="module")
def watched(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Manager]]:
    """A daemon with a watchdog of 20 ms."""
    directory = tmp_path_factory.mktemp("watched")
    with (
        closing(Manager(str(directory / "notify"))) as manager,
        running_smtp(pair.database_url, directory, **manager.environ, **WATCHDOG) as (daemon, _),
    ):
        yield daemon, manager


# Notifications


@pytest.mark.parametrize("notify_socket", ["{directory}/notify", "{directory}/a@b", "\0{unique}"])
def test_the_manager_is_notified_that_the_daemon_is_ready(pair: Pair, tmp_path: Path, notify_socket: str) -> None:
    address = notify_socket.format(directory=tmp_path, unique=f"{uuid.uuid4()}@test")

    with closing(Manager(address)) as manager, running_smtp(pair.database_url, tmp_path, **manager.environ):
        notification = manager.wait_for("READY")

    assert notification == {"READY": "1"}


async def test_the_status_has_the_number_of_sessions(watched: tuple[Pair, Manager]) -> None:
    daemon, manager = watched

    async with SmtpClient.connect(daemon.smtp_port), SmtpClient.connect(daemon.smtp_port):
        notification = manager.wait_for("STATUS", lambda status: not status.startswith(("0 ", "1 ")))

    assert notification["STATUS"] == "2 sessions"


def test_the_manager_is_notified_of_the_begin_and_end_of_a_reload(
    notifying: tuple[Pair, Service], manager: Manager
) -> None:
    _, service = notifying
    manager.wait_for("READY")

    service.process.send_signal(signal.SIGHUP)
    reloading = manager.wait_for("RELOADING")
    ready = manager.wait_for("READY")

    assert reloading["RELOADING"] == "1"
    assert reloading["MONOTONIC_USEC"].isdecimal()
    assert ready == {"READY": "1"}


async def test_the_manager_is_notified_of_the_stop_before_transactions_in_flight_end(
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


def test_the_daemon_runs_and_stops_without_its_manager(pair: Pair, tmp_path: Path) -> None:
    with running_smtp(pair.database_url, tmp_path, NOTIFY_SOCKET=str(tmp_path / "nobody")) as (_, service):
        assert service.stop() == 0


async def test_a_manager_that_does_not_read_delays_no_session(watched: tuple[Pair, Manager]) -> None:
    daemon, manager = watched
    manager.overwhelm()

    async with SmtpClient.connect(daemon.smtp_port) as client:
        await client.converse(*[("NOOP", 250)] * 50)


# The watchdog


def test_the_watchdog_is_notified_repeatedly(watched: tuple[Pair, Manager]) -> None:
    _, manager = watched

    notified = [manager.wait_for("WATCHDOG")["WATCHDOG"] for _ in range(5)]

    assert notified == ["1"] * 5


class Stderr:
    """A pipe for stderr; once the pipe is full, a process that logs waits."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        # This end does not block; the daemon's end does.
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


async def test_the_watchdog_of_a_stuck_event_loop_is_not_notified(pair: Pair, manager: Manager, tmp_path: Path) -> None:
    with ExitStack() as ends:
        stderr = ends.enter_context(closing(Stderr(tmp_path / "stderr")))
        listening = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
        log = ends.enter_context((tmp_path / "stderr").open("r+b", buffering=0))
        service = Service("smtp-ingest", pair.environ | manager.environ | WATCHDOG, log, [listening])
        ends.callback(service.kill)
        manager.wait_for("READY")

        # The daemon logs the end of the session: the full pipe blocks the event loop, while threads would go on.
        stderr.fill()
        async with SmtpClient.connect(listening.getsockname()[1]) as client:
            await client.converse(("QUIT", 221))
        manager.wait_for_silence()

        stderr.empty()
        assert manager.wait_for("WATCHDOG")["WATCHDOG"] == "1"


# Sockets


async def test_the_process_that_checks_senders_holds_no_socket_of_the_daemon(
    pair: Pair, manager: Manager, tmp_path: Path
) -> None:
    with ExitStack() as ends:
        listening = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
        log = ends.enter_context((tmp_path / "stderr").open("wb"))
        checks = {"AUTHENTICATION": "on", "AUTHENTICATION_RESOLVER": "127.0.0.1:9"}  # where nobody replies
        service = Service("smtp-ingest", pair.environ | manager.environ | checks, log, [listening])
        ends.callback(service.kill)
        manager.wait_for("READY")

        async with SmtpClient.connect(listening.getsockname()[1]) as client:
            await client.deliver(message(), make_mailbox(pair.database_url))
        await until(lambda: checkers(service.pid) != [])
        [checker] = checkers(service.pid)
        standard_input, first_inherited = descriptor(checker, 0), descriptor(checker, 3)
        listening_socket = f"socket:[{os.fstat(listening.fileno()).st_ino}]"

    assert standard_input.startswith("socket:")
    # The daemon has the socket as its descriptor 3; the test's own descriptor of it is inherited by every process.
    assert first_inherited != listening_socket


def checkers(pid: int) -> list[str]:
    """The pids of the processes that check senders for this daemon."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for each in children if b"smtp_ingest.authentication" in Path(f"/proc/{each}/cmdline").read_bytes()]


def descriptor(pid: str, number: int) -> str:
    """The file or socket that a process has open under this number; empty without one."""
    with suppress(FileNotFoundError):
        return str(Path(f"/proc/{pid}/fd/{number}").readlink())
    return ""


@pytest.fixture(scope="module")
def sockets() -> Iterator[list[socket.socket]]:
    """The sockets of a socket unit: an IPv4 port and an IPv6 port."""
    with (
        socket.create_server(("127.0.0.1", 0)) as four,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as six,
    ):
        yield [four, six]


def greeting(listening: socket.socket) -> bytes:
    with socket.create_connection(listening.getsockname()[:2], DEADLINE_SECONDS) as client:
        return client.recv(3)


@pytest.fixture
def daemon(pair: Pair, tmp_path: Path) -> Iterator[Pair]:
    """A daemon that the test starts."""
    daemon = Pair(pair.database_url, tmp_path)
    try:
        yield daemon
    finally:
        daemon.end()


def test_the_daemon_serves_every_socket_of_the_socket_unit(daemon: Pair, sockets: list[socket.socket]) -> None:
    daemon.start_smtp(sockets)

    assert [greeting(each) for each in sockets] == [b"220", b"220"]


def test_the_socket_that_is_named_for_metrics_has_the_metrics(daemon: Pair, sockets: list[socket.socket]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as metrics:
        service = daemon.start_smtp([sockets[0], metrics], LISTEN_FDNAMES="fake-email-smtp-ingest.socket:metrics")
        shown = service.wait_for_event("metrics_listening")

        assert shown["port"] == metrics.getsockname()[1]
        assert daemon.smtp_port == sockets[0].getsockname()[1]
        assert [event["event"] for event in service.events()].count("listening") == 1


def test_a_daemon_with_sockets_of_a_socket_unit_does_not_bind_its_own(
    daemon: Pair, sockets: list[socket.socket]
) -> None:
    four, six = sockets

    daemon.start_smtp([six], SMTP_PORT=str(four.getsockname()[1]))

    assert daemon.smtp_port == six.getsockname()[1]


def test_mail_over_ipv6_is_kept_with_the_address_of_its_client(daemon: Pair, sockets: list[socket.socket]) -> None:
    address = make_mailbox(daemon.database_url)
    daemon.start_smtp(sockets)

    with smtplib.SMTP("::1", sockets[1].getsockname()[1]) as client:
        client.sendmail("writer@client.test", [address], message())

    query = "SELECT client_address FROM message JOIN mailbox ON mailbox.id = mailbox_id WHERE address = %s"
    with psycopg.connect(daemon.database_url) as connection:
        assert connection.execute(query, [address]).fetchall() == [("::1",)]


def test_sockets_for_another_process_are_not_used(daemon: Pair, sockets: list[socket.socket]) -> None:
    daemon.start_smtp(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2")

    assert daemon.smtp_port not in {each.getsockname()[1] for each in sockets}


async def test_a_client_that_connects_while_the_daemon_stops_is_served_by_the_next_daemon(
    daemon: Pair, sockets: list[socket.socket]
) -> None:
    port = sockets[0].getsockname()[1]
    ending = daemon.start_smtp(sockets)
    async with SmtpClient.connect(port) as client:
        await client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))
        ending.process.terminate()
        ending.wait_for_event("stopping")
        await client.converse(("NOOP", 250))

        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await client.converse(("RSET", 250))

    assert await asyncio.to_thread(ending.process.wait, DEADLINE_SECONDS) == 0
    daemon.start_smtp(sockets)
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await reader.read(3) == b"220"
    writer.close()


def test_the_start_fails_with_one_line_that_names_an_invalid_variable_of_the_manager() -> None:
    ended = failed_start(DOMAIN=DOMAINS[0], WATCHDOG_USEC="soon")

    assert ended.returncode == 2
    assert ended.stderr == "WATCHDOG_USEC: not a number; only the service manager sets it\n"
