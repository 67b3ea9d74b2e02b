"""The two services as real processes, for tests."""

import asyncio
import hashlib
import ipaddress
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO

import httpx
import msgspec
import psutil
import psycopg
from postgres import EmbeddedPostgres, throw_away

from fake_email import parse
from fake_email.postgres import migrate
from fake_email.storage import mailboxes
from fake_email.storage import store as storage_store
from fake_email.storage.store import Delivery, IncomingMessage, Trace, new_id

COMMANDS = Path(sys.executable).parent
MIGRATIONS = Path(__file__).parents[2] / "db/migrations"
DEADLINE_SECONDS = 20.0
DOMAINS = ("mx.test", "other.test")
# All tests are one client, which may make more mailboxes and calls than a real client.
GENEROUS = {
    "CREATIONS_PER_MINUTE": "1000000",
    "FAILED_TOKENS_PER_MINUTE": "1000000",
    "CALLS_PER_MINUTE": "1000000000",
}

# Below 32,768, where the kernel's own choice begins (ip(7), ip_local_port_range). Each process of pytest has a range of
# its own, and each run begins at a random port of it.
_RANGE = 5_000
_FIRST_PORT = 10_000 + _RANGE * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4)
_PORTS = (_FIRST_PORT + each % _RANGE for each in itertools.count(random.randrange(_RANGE)))

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

    `log` receives its stderr; `sockets` are passed to it as systemd would; `prefix` is a command that starts it.
    """

    def __init__(
        self,
        name: str,
        environ: Mapping[str, str],
        log: IO[bytes],
        sockets: Sequence[socket.socket] = (),
        prefix: Sequence[str] = (),
    ) -> None:
        self.log = Path(log.name)
        numbers = [each.fileno() for each in sockets]
        hand_over = [sys.executable, "-ISc", _HAND_OVER] if sockets else []
        self.process = subprocess.Popen(
            [*prefix, *hand_over, COMMANDS / name, *map(str, numbers)],
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

    def wait_for_event(self, name: str) -> dict[str, object]:
        """Wait for the first event of that name."""
        for _ in deadline():
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
    """smtp-ingest and http-api on one database."""

    def __init__(self, database_url: str, directory: Path, **environ: str) -> None:
        self._directory = directory
        self.environ = {
            "DATABASE_URL": database_url,
            "DOMAIN": ",".join(DOMAINS),
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": "0",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(free_port()),
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
        port = service.wait_for_event("listening")["port"]
        assert isinstance(port, int)
        self.smtp_port = port
        return service

    def start_http(self, *sockets: socket.socket, **environ: str) -> Service:
        """Start an http-api and return when it is ready."""
        service = self._start("http-api", environ, sockets)
        for _ in deadline():
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
            service = Service(name, self.environ | dict(environ), log, sockets)
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


def deadline(seconds: float = DEADLINE_SECONDS) -> Iterator[None]:
    """Yield every 10 ms until the deadline, for a loop that waits for a condition."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        yield
        time.sleep(0.01)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until the condition holds, while other tasks run; raises TimeoutError at the deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not is_so():  # noqa: ASYNC110  # another process changes it
            await asyncio.sleep(0.01)


async def until_one_waits(connection: psycopg.Connection) -> None:
    """Return when some connection to the same database waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await until(lambda: connection.execute(waiting).fetchone() == (1,))


async def heard(listener: psycopg.AsyncConnection, channel: str) -> list[str]:
    """Return the payloads sent on `channel` so far; `listener` is a connection that listens there."""
    mark = "end"
    await listener.execute("SELECT pg_notify(%s, %s)", [channel, mark])
    payloads: list[str] = []
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(listener.notifies()) as notifications:
        async for notification in notifications:
            if notification.payload == mark:
                break
            payloads.append(notification.payload)
    return payloads


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


class Reply(msgspec.Struct, frozen=True):
    """An SMTP reply: its code and the text of its lines."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class SmtpClient:
    """An SMTP session that sends exactly the test's octets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @asynccontextmanager
    async def connect(cls, port: int) -> AsyncIterator["SmtpClient"]:
        """Open a session and read its greeting."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        client = cls(reader, writer)
        try:
            greeting = await client.reply()
            assert greeting.code == 220, greeting
            yield client
        finally:
            writer.close()

    async def send(self, octets: bytes) -> None:
        self.writer.write(octets)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.writer.drain()

    async def reply(self) -> Reply:
        """Return the next reply; raises EOFError when the server closes the connection instead."""
        lines: list[str] = []
        async with asyncio.timeout(DEADLINE_SECONDS):
            while line := (await self.reader.readline()).decode():
                lines.append(line[4:].rstrip("\r\n"))
                if line[3:4] != "-":
                    return Reply(int(line[:3]), tuple(lines))
        raise EOFError

    async def command(self, line: str) -> Reply:
        await self.send(line.encode() + b"\r\n")
        return await self.reply()

    async def converse(self, *exchanges: tuple[str, int]) -> Reply:
        """Send each line, check the code of its reply, and return the last reply."""
        for line, code in exchanges:
            reply = await self.command(line)
            assert reply.code == code, (line, reply)
        return reply

    async def begin(self, *recipients: str, reverse_path: str = "writer@client.test") -> None:
        """Send EHLO, MAIL, a RCPT for each recipient, and DATA."""
        await self.converse(
            ("EHLO client.test", 250),
            (f"MAIL FROM:<{reverse_path}>", 250),
            *((f"RCPT TO:<{recipient}>", 250) for recipient in recipients),
            ("DATA", 354),
        )

    async def deliver(self, content: bytes, *recipients: str, reverse_path: str = "writer@client.test") -> Reply:
        """Run a transaction and return the reply to the final dot. `content` ends with CRLF, its dots not doubled."""
        await self.begin(*recipients, reverse_path=reverse_path)
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        await self.send(stuffed + b".\r\n")
        return await self.reply()

    async def is_closed(self) -> bool:
        """Return whether the server closes the connection without a further reply."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.reader.read() == b""


def client(url: str) -> httpx.AsyncClient:
    """Return a client of the API over plain HTTP; it loads no certificates, which would take long."""
    return httpx.AsyncClient(base_url=url, timeout=30, verify=False)


class StreamedEvent(msgspec.Struct, frozen=True):
    """One server-sent event; `id` is "" for an event without an id."""

    event: str
    id: str
    data: dict[str, object]


async def stream(
    http: httpx.AsyncClient, address: str, *, last_event_id: str | None = None, **parameters: str
) -> AsyncGenerator[StreamedEvent, None]:
    """Yield the events of a mailbox's stream until the server ends it."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
    async with http.stream(
        "GET", "/api/inbox/stream", params={"address": address, **parameters}, headers=headers
    ) as response:
        assert response.status_code == 200, response
        async for event in events(response):
            yield event


async def events(response: httpx.Response) -> AsyncIterator[StreamedEvent]:
    """Yield the events of a response that is a stream."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield StreamedEvent(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
            fields = {}


def message(subject: str = "Hello", body: str = "Hello there.") -> bytes:
    """Return the content of a small message, unique to its subject and body."""
    return (f"From: Writer <writer@client.test>\r\nTo: reader@mx.test\r\nSubject: {subject}\r\n\r\n{body}\r\n").encode()


@contextmanager
def own_postgres(
    settings: Mapping[str, str] | None = None, prefix: Sequence[str] = (), *, durable: bool = False
) -> Iterator[EmbeddedPostgres]:
    """A migrated server that the test alone uses, and may stop, start and kill."""
    with throw_away(durable=durable, settings=settings, prefix=prefix) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            migrate.migrate(connection, migrate.read(MIGRATIONS))
        yield server


@contextmanager
def frozen(postgres: EmbeddedPostgres) -> Iterator[None]:
    """Freeze the server during the block: the kernel keeps and accepts connections, but the server does not respond."""
    postmaster = psutil.Process(postgres.postmaster_pid)
    postmaster.suspend()  # first, so that it starts no new process
    frozen_processes = processes(postgres)
    try:
        for process in frozen_processes:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        yield
    finally:
        for process in frozen_processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def processes(postgres: EmbeddedPostgres) -> list[psutil.Process]:
    """Return every process of the server."""
    postmaster = psutil.Process(postgres.postmaster_pid)
    return [postmaster, *postmaster.children(recursive=True)]


def kill(postgres: EmbeddedPostgres) -> None:
    """Send SIGKILL to every process of the server."""
    for process in processes(postgres):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def make_mailbox(database_url: str, lives: str = "1 hour") -> str:
    """Make a mailbox without the API and return its address; `lives` is an interval in Postgres' notation."""
    address = f"{uuid.uuid4().hex}@{DOMAINS[0]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO mailbox (address, expires_at) VALUES (%s, now() + %s::interval)", [address, lives]
        )
    return address


def arrival(content: bytes, *mailbox_ids: int, reverse_path: str = "writer@client.test") -> IncomingMessage:
    """Return an incoming message for these mailboxes; the recipient for mailbox N is `N@mx.test`."""
    return IncomingMessage(
        reverse_path=reverse_path,
        content=content,
        staged_id=None,
        octets=len(content),
        content_sha256=hashlib.sha256(content).digest(),
        parsed=parse.parse(content),
        deliveries=tuple(
            Delivery(id=new_id(), mailbox_id=mailbox_id, recipient=f"{mailbox_id}@mx.test", drops=False)
            for mailbox_id in mailbox_ids
        ),
        trace=Trace(client_address="192.0.2.1", host_name="client.test", protocol="ESMTP", tls=""),
    )


async def store(database_url: str, address: str, *contents: bytes) -> None:
    """Store each content in a transaction of its own, in this order, as smtp-ingest would."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        mailbox = await mailboxes.fetch(connection, address=address, token_sha256=None)
        for content in contents:
            await storage_store.store_messages(connection, [arrival(content, mailbox.id)])


def stored(database_url: str, address: str) -> list[bytes]:
    """Return the content of each message in a mailbox, oldest first, as a new database connection sees them."""
    query = """
        SELECT content
        FROM message
        JOIN mailbox ON mailbox.id = message.mailbox_id
        WHERE mailbox.address = %s
        ORDER BY seq
    """
    with psycopg.connect(database_url) as connection:
        return [bytes(content) for (content,) in connection.execute(query, [address])]


def problem(response: httpx.Response) -> dict[str, object]:
    """Return the members of an error response, after checks of what all errors share (RFC 9457)."""
    assert response.headers["content-type"] == "application/problem+json"
    members: dict[str, object] = response.json()
    assert members["status"] == response.status_code
    assert members["title"]
    assert members["code"]
    assert str(members["detail"]).endswith(".")
    assert members["error"] == members["detail"]
    return members


@contextmanager
def locked(database_url: str, address: str) -> Iterator[psycopg.Connection]:
    """Lock a mailbox during the block, so that no message can be stored in it."""
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT FROM mailbox WHERE address = %s FOR UPDATE", [address])
        yield connection


def is_waited_for(connection: psycopg.Connection) -> bool:
    """Return whether another connection waits for a lock that `connection` holds."""
    # Not pg_stat_activity, whose rows stay the same during a transaction.
    query = "SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    return connection.execute(query).fetchone() is not None


@contextmanager
def without_room(database_url: str, *tables: str) -> Iterator[Callable[[], int]]:
    """Let each insert into `tables` fail with disk_full during the block; yields a function that counts the failures.

    Within `refusing`, a message to the tag `refused` violates its constraint instead.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE no_room")  # a sequence keeps its count after a rollback
        connection.execute("""
            CREATE FUNCTION refuse_room() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF to_jsonb(NEW) ->> 'recipient' LIKE '%+refused@%' THEN
                    RETURN NEW;
                END IF;
                PERFORM nextval('no_room');
                RAISE disk_full;
            END
            $$
        """)
        for table in tables:
            trigger = f"CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_room()"
            connection.execute(trigger.encode())

        def failures() -> int:
            row = connection.execute("SELECT last_value FROM no_room WHERE is_called").fetchone()
            return row[0] if row else 0

        try:
            yield failures
        finally:
            connection.execute("DROP FUNCTION refuse_room CASCADE")
            connection.execute("DROP SEQUENCE no_room")


@contextmanager
def refusing(database_url: str) -> Iterator[None]:
    """Let each message to the tag `refused` violate a constraint during the block."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE message ADD CONSTRAINT refused CHECK (recipient NOT LIKE '%+refused@%')")
        try:
            yield
        finally:
            connection.execute("ALTER TABLE message DROP CONSTRAINT refused")
