"""The two services as real processes, for tests."""

import ipaddress
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psutil
from support.waiting import DEADLINE_SECONDS, deadline

COMMANDS = Path(sys.executable).parent
DOMAINS = ("mx.test", "other.test")
# Behind a proxy all tests are one client, which may make more mailboxes and calls than a real client.
GENEROUS = {
    "CREATIONS_PER_MINUTE": "1000000",
    "FAILED_TOKENS_PER_MINUTE": "1000000",
    "CALLS_PER_MINUTE": "1000000000",
}

# Below 32,768, where the kernel's own choice begins (ip(7), ip_local_port_range). Each process of pytest has a range of
# its own, and each run begins at a random port of it.
_RANGE = 4_000
_FIRST_PORT = 10_000 + _RANGE * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 5)
_PORTS = (_FIRST_PORT + each % _RANGE for each in itertools.count(random.randrange(_RANGE)))

# The first starts compile all libraries, several at once.
_START_SECONDS = 2 * DEADLINE_SECONDS

# sd_listen_fds(3): the sockets are the descriptors from 3 on, and LISTEN_PID is the pid of the command.
_HAND_OVER = """
import fcntl, os, sys

copies = [fcntl.fcntl(int(number), fcntl.F_DUPFD_CLOEXEC, 100) for number in sys.argv[2:]]
for number, copy in enumerate(copies, 3):
    os.dup2(copy, number)
os.execve(sys.argv[1], sys.argv[1:2], os.environ | {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(copies))})
"""


class Service:
    """One service as a real process.

    `log` receives its stderr; `sockets` are passed to it as systemd would; `prefix` is a command that starts it, and
    `commands` the directory of its program.
    """

    def __init__(
        self,
        name: str,
        environ: Mapping[str, str],
        log: IO[bytes],
        sockets: Sequence[socket.socket] = (),
        prefix: Sequence[str] = (),
        commands: Path = COMMANDS,
    ) -> None:
        self.log = Path(log.name)
        numbers = [each.fileno() for each in sockets]
        hand_over = [sys.executable, "-ISc", _HAND_OVER] if sockets else []
        self.process = subprocess.Popen(
            [*prefix, *hand_over, commands / name, *map(str, numbers)],
            env=os.environ | dict(environ),
            stderr=log,
            pass_fds=numbers,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def events(self) -> list[dict[str, object]]:
        """Return the events that it has logged so far."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def wait_for_event(self, name: str, seconds: float = DEADLINE_SECONDS) -> dict[str, object]:
        """Wait for the first event of that name."""
        for _ in deadline(seconds):
            for event in self.events():
                if event["event"] == name:
                    return event
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}: {self.log.read_text()}")
        raise AssertionError(f"no {name} in: {self.log.read_text()}")

    def stop(self) -> int:
        """Send SIGTERM and return the exit status."""
        self.process.terminate()
        return self.process.wait(DEADLINE_SECONDS)

    def kill(self) -> None:
        """Send SIGKILL to the service and its workers."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE_SECONDS)


class Pair:
    """smtp-ingest and http-api on one database; `commands` is the directory of their programs."""

    commands = COMMANDS

    def __init__(self, database_url: str, directory: Path, **environ: str) -> None:
        self._directory = directory
        self.environ = {
            "DATABASE_URL": database_url,
            "DOMAIN": ",".join(DOMAINS),
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": "0",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(free_port()),
            # Checks would start one more process for each service, and ask the resolver of this machine.
            "AUTHENTICATION": "off",
            **GENEROUS,
            **environ,
        }
        self.smtp_port = 0
        self.http_url = f"http://127.0.0.1:{self.environ['HTTP_PORT']}"
        self.services: list[Service] = []

    @property
    def database_url(self) -> str:
        return self.environ["DATABASE_URL"]

    def start_smtp(self, sockets: Sequence[socket.socket] = (), **environ: str) -> Service:
        """Start another smtp-ingest; with SMTP_PORT=0 the kernel chooses the port."""
        service = self._start("smtp-ingest", environ, sockets)
        port = service.wait_for_event("listening", _START_SECONDS)["port"]
        assert isinstance(port, int)
        self.smtp_port = port
        return service

    def start_http(self, *sockets: socket.socket, **environ: str) -> Service:
        """Start an http-api and return when it is ready."""
        service = self._start("http-api", environ, sockets)
        for _ in deadline(_START_SECONDS):
            if self.is_healthy():
                return service
            if service.process.poll() is not None:
                break
        raise AssertionError(f"http-api was not ready: {service.log.read_text()}")

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.http_url}/api/health", timeout=5) as response:
                return bool(response.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    def _start(self, name: str, environ: Mapping[str, str], sockets: Sequence[socket.socket] = ()) -> Service:
        with (self._directory / f"{name}-{len(self.services)}.log").open("wb") as log:
            service = Service(name, self.environ | dict(environ), log, sockets, commands=self.commands)
        self.services.append(service)
        return service

    def end(self) -> None:
        for service in self.services:
            service.kill()


@contextmanager
def running_pair(database_url: str, directory: Path, **environ: str) -> Iterator[Pair]:
    """Run both services during the block, ready from its start."""
    pair = Pair(database_url, directory, **environ)
    try:
        pair.start_smtp()
        pair.start_http()
        yield pair
    finally:
        pair.end()


@contextmanager
def running_http(database_url: str, directory: Path, **environ: str) -> Iterator[Pair]:
    """Run http-api alone during the block, ready from its start."""
    pair = Pair(database_url, directory, **environ)
    try:
        pair.start_http()
        yield pair
    finally:
        pair.end()


@contextmanager
def running_smtp(database_url: str, directory: Path, **environ: str) -> Iterator[tuple[Pair, Service]]:
    """Run smtp-ingest alone during the block, ready from its start."""
    pair = Pair(database_url, directory, **environ)
    try:
        yield pair, pair.start_smtp()
    finally:
        pair.end()


def failed_start(command: str = "smtp-ingest", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a service that is expected to fail at its start."""
    known = {name: value for name, value in os.environ.items() if name not in {"DOMAIN", "DATABASE_URL"}}
    return subprocess.run(
        [COMMANDS / command],
        env=known | {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": "0", "DATABASE_URL": "postgresql:///"} | environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def foreign_address() -> str | None:
    """Return an IPv4 address of this host beside the loopback's, to act as another client; None without one."""
    for addresses in psutil.net_if_addrs().values():
        for each in addresses:
            if each.family == socket.AF_INET and not ipaddress.ip_address(each.address).is_loopback:
                return each.address
    return None


def free_port() -> int:
    """Return a TCP port that is free, and that no other test of this run gets.

    The port is outside the kernel's own range, so that no other program gets it before the test uses it.
    """
    return next(port for port in _PORTS if _is_free(port))


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
