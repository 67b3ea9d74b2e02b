"""How tests reach the program: its two processes, and clients that speak to them over real sockets."""

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
# All tests are one client, and make more mailboxes than one client should.
GENEROUS = {
    "CREATIONS_PER_MINUTE": "1000000",
    "FAILED_TOKENS_PER_MINUTE": "1000000",
    "CALLS_PER_MINUTE": "1000000000",
}

# Below 32,768, where the kernel begins (ip(7), ip_local_port_range); a share for each of pytest's processes, and each
# run begins somewhere else in it.
_SHARE = 5_000
_FIRST_PORT = 10_000 + _SHARE * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4)
_PORTS = (_FIRST_PORT + each % _SHARE for each in itertools.count(random.randrange(_SHARE)))

# sd_listen_fds(3): the sockets are the descriptors from 3 on, and LISTEN_PID is the pid that the command then has.
_HAND_OVER = """
import fcntl, os, sys

copies = [fcntl.fcntl(int(number), fcntl.F_DUPFD_CLOEXEC, 100) for number in sys.argv[2:]]
for number, copy in enumerate(copies, 3):
    os.dup2(copy, number)
os.execve(sys.argv[1], sys.argv[1:2], os.environ | {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(copies))})
"""


class Service:
    """One service as a real process.

    `log` is where its stderr goes, `listeners` what systemd would hand over, `prefix` a command that becomes it.
    """

    def __init__(
        self,
        name: str,
        environ: Mapping[str, str],
        log: IO[bytes],
        listeners: Sequence[socket.socket] = (),
        prefix: Sequence[str] = (),
    ) -> None:
        self.log = Path(log.name)
        numbers = [listener.fileno() for listener in listeners]
        hand_over = [sys.executable, "-ISc", _HAND_OVER] if listeners else []
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
        """What it logged so far."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def wait_for_event(self, name: str) -> dict[str, object]:
        """The first event of that name, waited for."""
        for _ in deadline():
            for event in self.events():
                if event["event"] == name:
                    return event
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}: {self.log.read_text()}")
        raise AssertionError(f"no {name} in: {self.log.read_text()}")

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.terminate()
        return self.process.wait(DEADLINE_SECONDS)

    def kill(self) -> None:
        """SIGKILL to it and its workers."""
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

    def start_smtp(self, listeners: Sequence[socket.socket] = (), **environ: str) -> Service:
        """Another smtp-ingest; SMTP_PORT=0 lets the kernel choose."""
        service = self._start("smtp-ingest", environ, listeners)
        port = service.wait_for_event("listening")["port"]
        assert isinstance(port, int)
        self.smtp_port = port
        return service

    def start_http(self, *listeners: socket.socket, **environ: str) -> Service:
        """An http-api, once it is ready."""
        service = self._start("http-api", environ, listeners)
        for _ in deadline():
            if self.is_healthy():
                return service
            if service.process.poll() is not None:
                break
        raise AssertionError(f"http-api was not ready: {service.log.read_text()}")

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.http_url}/api/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    def _start(self, name: str, environ: Mapping[str, str], listeners: Sequence[socket.socket] = ()) -> Service:
        with (self._directory / f"{name}-{len(self.services)}.log").open("wb") as log:
            service = Service(name, self.environ | dict(environ), log, listeners)
        self.services.append(service)
        return service

    def end(self) -> None:
        for service in self.services:
            service.kill()


@contextmanager
def running_pair(database_url: str, directory: Path, **environ: str) -> Iterator[Pair]:
    """Both services, ready; gone after the block."""
    pair = Pair(database_url, directory, **environ)
    try:
        pair.start_smtp()
        pair.start_http()
        yield pair
    finally:
        pair.end()


@contextmanager
def running_http(database_url: str, directory: Path, **environ: str) -> Iterator[Pair]:
    """http-api alone, ready; gone after the block."""
    pair = Pair(database_url, directory, **environ)
    try:
        pair.start_http()
        yield pair
    finally:
        pair.end()


@contextmanager
def running_smtp(database_url: str, directory: Path, **environ: str) -> Iterator[tuple[Pair, Service]]:
    """smtp-ingest alone, ready; gone after the block."""
    pair = Pair(database_url, directory, **environ)
    try:
        yield pair, pair.start_smtp()
    finally:
        pair.end()


def failed_start(command: str = "smtp-ingest", **environ: str) -> subprocess.CompletedProcess[str]:
    """A service that is expected to end by itself, before it serves."""
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
    """An address of this host beside the loopback's: a client that connects from it counts as one of another host."""
    for addresses in psutil.net_if_addrs().values():
        for each in addresses:
            if each.family == socket.AF_INET and not ipaddress.ip_address(each.address).is_loopback:
                return each.address
    return None


def deadline(seconds: float = DEADLINE_SECONDS) -> Iterator[None]:
    """Turns of a loop that waits for something to become true, a few milliseconds apart, until it is too late."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        yield
        time.sleep(0.01)


async def until(is_so: Callable[[], bool]) -> None:
    """Return when it is so; other tasks go on meanwhile, and a deadline raises TimeoutError."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not is_so():  # noqa: ASYNC110  # what is waited for is in another process
            await asyncio.sleep(0.01)


async def until_one_waits(connection: psycopg.Connection) -> None:
    """Return when a connection to the same database waits for a lock that another one holds."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await until(lambda: connection.execute(waiting).fetchone() == (1,))


async def heard(listener: psycopg.AsyncConnection, channel: str) -> list[str]:
    """The payloads that were sent on `channel` up to now, to a connection that listens there."""
    mark = "that is all"
    await listener.execute("SELECT pg_notify(%s, %s)", [channel, mark])
    payloads: list[str] = []
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(listener.notifies()) as notifications:
        async for notification in notifications:
            if notification.payload == mark:
                break
            payloads.append(notification.payload)
    return payloads


def free_port() -> int:
    """A TCP port that nobody listens on, and that nobody else of this run is given.

    Nor is it one of those that the kernel chooses from, or it would be somebody's before it is used here.
    """
    return next(port for port in _PORTS if _is_free(port))


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


class Reply(msgspec.Struct, frozen=True):
    """An SMTP reply: its code, and the text of its lines."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class SmtpClient:
    """A session that says exactly what the test says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @asynccontextmanager
    async def connect(cls, port: int) -> AsyncIterator["SmtpClient"]:
        """A session whose greeting was read."""
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
        """The next reply; raises EOFError when the session was closed instead."""
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
        """Say each line and expect its code; the last reply."""
        for line, code in exchanges:
            reply = await self.command(line)
            assert reply.code == code, (line, reply)
        return reply

    async def begin(self, *recipients: str, reverse_path: str = "writer@client.test") -> None:
        """EHLO, MAIL, RCPT for each, DATA."""
        await self.converse(
            ("EHLO client.test", 250),
            (f"MAIL FROM:<{reverse_path}>", 250),
            *((f"RCPT TO:<{recipient}>", 250) for recipient in recipients),
            ("DATA", 354),
        )

    async def deliver(self, content: bytes, *recipients: str, reverse_path: str = "writer@client.test") -> Reply:
        """A whole transaction; the reply to the final dot. `content` ends with CRLF, and needs no dots doubled."""
        await self.begin(*recipients, reverse_path=reverse_path)
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        await self.send(stuffed + b".\r\n")
        return await self.reply()

    async def is_closed(self) -> bool:
        """Whether the server closes the connection, having said nothing more."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.reader.read() == b""


def client(url: str) -> httpx.AsyncClient:
    """A client of the API; it reads no certificates, which takes a while and plain HTTP has none of."""
    return httpx.AsyncClient(base_url=url, timeout=30, verify=False)


class StreamedEvent(msgspec.Struct, frozen=True):
    """One server-sent event; `id` is empty where it has none."""

    event: str
    id: str
    data: dict[str, object]


async def stream(
    http: httpx.AsyncClient, address: str, *, last_event_id: str | None = None, **parameters: str
) -> AsyncGenerator[StreamedEvent, None]:
    """The events of a mailbox's stream, until the server ends it."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
    async with http.stream(
        "GET", "/api/inbox/stream", params={"address": address, **parameters}, headers=headers
    ) as answer:
        assert answer.status_code == 200, answer
        async for event in events(answer):
            yield event


async def events(answer: httpx.Response) -> AsyncIterator[StreamedEvent]:
    """The events of an answer that is a stream."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield StreamedEvent(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
            fields = {}


def message(subject: str = "Hello", body: str = "Hello there.") -> bytes:
    """A small message, another one for each subject and body."""
    return (f"From: Writer <writer@client.test>\r\nTo: reader@mx.test\r\nSubject: {subject}\r\n\r\n{body}\r\n").encode()


@contextmanager
def own_postgres(
    settings: Mapping[str, str] | None = None, prefix: Sequence[str] = (), *, durable: bool = False
) -> Iterator[EmbeddedPostgres]:
    """A migrated server that nobody else uses, to be stopped, started and killed."""
    with throw_away(durable=durable, settings=settings, prefix=prefix) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            migrate.migrate(connection, migrate.read(MIGRATIONS))
        yield server


@contextmanager
def frozen(postgres: EmbeddedPostgres) -> Iterator[None]:
    """Connections stay, and new ones are made by the kernel, but nobody answers."""
    postmaster = psutil.Process(postgres.postmaster_pid)
    postmaster.suspend()  # first, so that it makes no more of them
    all_of_it = processes(postgres)
    try:
        for process in all_of_it:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        yield
    finally:
        for process in all_of_it:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def processes(postgres: EmbeddedPostgres) -> list[psutil.Process]:
    """Every process of the server."""
    postmaster = psutil.Process(postgres.postmaster_pid)
    return [postmaster, *postmaster.children(recursive=True)]


def kill(postgres: EmbeddedPostgres) -> None:
    """SIGKILL to every process of the server."""
    for process in processes(postgres):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def make_mailbox(database_url: str, lives: str = "1 hour") -> str:
    """The address of a new mailbox, made without the API; `lives` is an interval of Postgres."""
    address = f"{uuid.uuid4().hex}@{DOMAINS[0]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO mailbox (address, expires_at) VALUES (%s, now() + %s::interval)", [address, lives]
        )
    return address


def arrival(content: bytes, *mailbox_ids: int, reverse_path: str = "writer@client.test") -> IncomingMessage:
    """`content` on its way to these mailboxes, each under the recipient `N@mx.test`."""
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
    """Commit each in a transaction of its own, in this order, as smtp-ingest would."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        mailbox = await mailboxes.fetch(connection, address=address, token_sha256=None)
        for content in contents:
            await storage_store.store_messages(connection, [arrival(content, mailbox.id)])


def stored(database_url: str, address: str) -> list[bytes]:
    """The content of each message in a mailbox, oldest first, as a new connection to the database sees them."""
    query = """
        SELECT content
        FROM message
        JOIN mailbox ON mailbox.id = message.mailbox_id
        WHERE mailbox.address = %s
        ORDER BY seq
    """
    with psycopg.connect(database_url) as connection:
        return [bytes(content) for (content,) in connection.execute(query, [address])]


def problem(answer: httpx.Response) -> dict[str, object]:
    """The members of an answer that is an error; each has this form (RFC 9457), and says its sentence twice."""
    assert answer.headers["content-type"] == "application/problem+json"
    members: dict[str, object] = answer.json()
    assert members["status"] == answer.status_code
    assert members["title"]
    assert members["code"]
    assert str(members["detail"]).endswith(".")
    assert members["error"] == members["detail"]
    return members


@contextmanager
def locked(database_url: str, address: str) -> Iterator[psycopg.Connection]:
    """A mailbox into which nothing can be committed during the block."""
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT FROM mailbox WHERE address = %s FOR UPDATE", [address])
        yield connection


def is_waited_for(connection: psycopg.Connection) -> bool:
    """Whether somebody waits for a lock that `connection` holds."""
    # Not pg_stat_activity: within a transaction it goes on showing whom it showed first.
    query = "SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    return connection.execute(query).fetchone() is not None


@contextmanager
def without_room(database_url: str, *tables: str) -> Iterator[Callable[[], int]]:
    """A database that has no room for one more row in any of `tables` during the block; how often it was found so.

    Where it also is `refusing`, what is refused is so first.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE no_room")  # it goes on, also where what was done is undone
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

        def found() -> int:
            row = connection.execute("SELECT last_value FROM no_room WHERE is_called").fetchone()
            return row[0] if row else 0

        try:
            yield found
        finally:
            connection.execute("DROP FUNCTION refuse_room CASCADE")
            connection.execute("DROP SEQUENCE no_room")


@contextmanager
def refusing(database_url: str) -> Iterator[None]:
    """A database that refuses each message to the tag `refused` during the block."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE message ADD CONSTRAINT refused CHECK (recipient NOT LIKE '%+refused@%')")
        try:
            yield
        finally:
            connection.execute("ALTER TABLE message DROP CONSTRAINT refused")
