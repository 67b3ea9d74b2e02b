"""Postgres for tests: servers that may fail, mailboxes and messages without the services, locks and full tables."""

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
from postgres import EmbeddedPostgres, throw_away
from support.harness import DOMAINS
from support.waiting import DEADLINE_SECONDS, until

from fake_email import parse
from fake_email.authentication import Authentication, MethodResult, Verdict
from fake_email.postgres import migrate
from fake_email.storage import mailboxes, verdicts
from fake_email.storage import store as storage_store
from fake_email.storage.incoming_message import Delivery, IncomingMessage, Trace, new_id

CHECKED = Verdict(
    authentication=Authentication(status="checked", spf=MethodResult(result="pass", reason="as told")),
    results_field="mx.test;\r\n\tspf=pass smtp.mailfrom=client.test",
)
MIGRATIONS = Path(__file__).parents[2] / "db/migrations"
# More than the pools of all services that run on the database of a test; one for each of its calls would be hundreds.
MANY_CONNECTIONS = 60


def count_connections(database_url: str) -> int:
    """Return how many connections the services have; those of tests and of Postgres itself do not count."""
    of_ours = "datname = current_database() AND application_name = 'fake-email'"
    with psycopg.connect(database_url) as connection:
        [(number,)] = connection.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {of_ours}").fetchall()
    return int(number)


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


def incoming_message(content: bytes, *mailbox_ids: int, reverse_path: str = "writer@client.test") -> IncomingMessage:
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
            await storage_store.store_messages(connection, [incoming_message(content, mailbox.id)])


async def put(database_url: str, address: str, *contents: bytes) -> list[str]:
    """Store messages whose checks have not ended in one transaction, and return their ids."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        cursor = await connection.execute("SELECT id FROM mailbox WHERE address = %s", [address])
        [[mailbox_id]] = await cursor.fetchall()
        incoming = [incoming_message(content, mailbox_id) for content in contents]
        await storage_store.store_messages(connection, incoming)
    return [str(each.deliveries[0].id) for each in incoming]


async def end_check(database_url: str, message_id: str, verdict: Verdict = CHECKED) -> bool:
    """End the check of a message, as smtp-ingest would."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        return await verdicts.store(connection, uuid.UUID(message_id), verdict)


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
