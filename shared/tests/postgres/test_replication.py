"""Commits that wait for a replica: a commit whose wait is cancelled is not acknowledged."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

import psycopg
import pytest
from postgres import EmbeddedPostgres
from structlog.testing import capture_logs
from support.database import incoming_message, make_mailbox, own_postgres
from support.waiting import DEADLINE_SECONDS, deadline, until

from fake_email.errors import DatabaseAway
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import Database, open_database
from fake_email.storage import mailboxes
from fake_email.storage import store as storage_store
from fake_email.storage.store import Outcome

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
COUNT = "SELECT count(*) FROM message"
TOKEN = b"the token"


class Write(Protocol):
    """Database.write, for work that stores."""

    def __call__(
        self, work: Callable[[Connection], Awaitable[list[Outcome]]], *, answer_seconds: float
    ) -> Awaitable[list[Outcome]]: ...


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with own_postgres() as server:
        yield server


@pytest.fixture
def watcher(server: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("TRUNCATE mailbox CASCADE")
        yield connection
        set_replica(connection, "")


@pytest.fixture
async def database(server: EmbeddedPostgres) -> AsyncIterator[Database]:
    async with open_database(server.url, connections=3) as database:
        yield database


@pytest.fixture(params=["pool", "lane"])
async def write(database: Database, request: pytest.FixtureRequest) -> AsyncIterator[Write]:
    """Writes by any connection of the pool, and by one that is kept."""
    if request.param == "pool":
        yield database.write
    else:
        async with database.lane() as lane:
            yield partial(database.write, lane=lane)


@pytest.fixture
def mailbox_id(server: EmbeddedPostgres, watcher: psycopg.Connection) -> int:
    make_mailbox(server.url)
    [(only,)] = watcher.execute("SELECT id FROM mailbox").fetchall()
    return int(only)


def set_replica(watcher: psycopg.Connection, name: str) -> None:
    """Make each commit from now on wait for this replica; "" makes commits wait for none, soon."""
    watcher.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    watcher.execute("SELECT pg_reload_conf()")
    if name:  # the server reads its settings some time after pg_reload_conf() has returned
        assert any(a_commit_waits(watcher) for _ in deadline())


def a_commit_waits(watcher: psycopg.Connection) -> bool:
    """Commit something, and return true if the commit waits for the replica; the wait is cancelled."""
    waited = False
    with psycopg.connect(watcher.info.dsn, autocommit=True) as probe:
        probe.pgconn.send_query(b"SELECT pg_logical_emit_message(true, '', '')")
        while probe.pgconn.is_busy():
            if probe.info.backend_pid in waiting(watcher):
                waited = True
                watcher.execute("SELECT pg_cancel_backend(%s)", [probe.info.backend_pid])
            probe.pgconn.consume_input()
        while probe.pgconn.get_result():  # libpq wants each result fetched before the connection is closed in order
            pass
    return waited


def waiting(watcher: psycopg.Connection) -> list[int]:
    """The pids of the server processes that wait for the replica."""
    return [pid for (pid,) in watcher.execute(WAITING).fetchall()]


async def store(write: Write, mailbox_id: int) -> list[Outcome]:
    return await write(
        lambda connection: storage_store.store_messages(
            connection, [incoming_message(b"Subject: one\r\n\r\n", mailbox_id)]
        ),
        answer_seconds=10 * DEADLINE_SECONDS,
    )


@asynccontextmanager
async def storing(
    write: Write, watcher: psycopg.Connection, mailbox_id: int
) -> AsyncIterator[asyncio.Task[list[Outcome]]]:
    """A message that is committed on this server, and waits for a replica that does not exist."""
    set_replica(watcher, "nobody")
    task = asyncio.create_task(store(write, mailbox_id))
    await until(lambda: len(waiting(watcher)) == 1)
    try:
        yield task
    finally:
        task.cancel()
        set_replica(watcher, "")


async def test_a_commit_whose_wait_for_the_replica_was_cancelled_is_not_acknowledged(
    write: Write, watcher: psycopg.Connection, mailbox_id: int
) -> None:
    async with storing(write, watcher, mailbox_id) as task:
        watcher.execute("SELECT pg_cancel_backend(%s)", waiting(watcher))

        with pytest.raises(DatabaseAway):
            await task

    assert watcher.execute(COUNT).fetchone() == (1,)


async def test_a_commit_whose_connection_was_cut_is_repeated_and_waits_again(
    write: Write, watcher: psycopg.Connection, mailbox_id: int
) -> None:
    async with storing(write, watcher, mailbox_id) as task:
        [first] = waiting(watcher)
        watcher.execute("SELECT pg_terminate_backend(%s)", [first])
        await until(lambda: waiting(watcher) not in ([], [first]))
        assert watcher.execute(COUNT).fetchone() == (1,)
        assert not task.done()
        set_replica(watcher, "")

        outcomes = await task

    assert outcomes == [Outcome(live=1, stored=0)]


async def test_storing_a_message_again_waits_for_a_replica_that_does_not_have_it_yet(
    write: Write, watcher: psycopg.Connection, mailbox_id: int
) -> None:
    async with storing(write, watcher, mailbox_id) as first:
        watcher.execute("SELECT pg_cancel_backend(%s)", waiting(watcher))
        with pytest.raises(DatabaseAway):
            await first
    async with storing(write, watcher, mailbox_id) as second:
        assert not second.done()
        set_replica(watcher, "")

        assert await second == [Outcome(live=1, stored=0)]


async def test_creating_a_mailbox_again_waits_for_a_replica_that_does_not_have_it_yet(
    database: Database, watcher: psycopg.Connection
) -> None:
    async def create() -> None:
        await database.run(
            lambda connection: mailboxes.create(
                connection, address="reader@mx.test", ttl_seconds=60, token_sha256=TOKEN
            ),
            answer_seconds=10 * DEADLINE_SECONDS,
        )

    set_replica(watcher, "nobody")
    creating = asyncio.create_task(create())
    await until(lambda: len(waiting(watcher)) == 1)
    [first] = waiting(watcher)
    watcher.execute("SELECT pg_terminate_backend(%s)", [first])
    await until(lambda: waiting(watcher) not in ([], [first]))
    assert not creating.done()
    set_replica(watcher, "")

    await creating

    assert watcher.execute("SELECT address FROM mailbox").fetchall() == [("reader@mx.test",)]


async def test_while_a_given_up_commit_waits_for_its_replica_no_other_commit_begins_and_reads_continue(
    database: Database, write: Write, watcher: psycopg.Connection, mailbox_id: int
) -> None:
    async def store_within(seconds: float) -> None:
        await write(
            lambda connection: storage_store.store_messages(
                connection, [incoming_message(b"Subject: one\r\n\r\n", mailbox_id)]
            ),
            answer_seconds=seconds,
        )

    set_replica(watcher, "nobody")
    with capture_logs() as logged:
        for _ in range(10):
            with pytest.raises(DatabaseAway):
                await store_within(0.1)
    await database.probe()
    waited = len(waiting(watcher))
    set_replica(watcher, "")
    await until(lambda: not waiting(watcher))

    await store_within(DEADLINE_SECONDS)

    assert waited == 1
    assert [line for line in logged if line["event"] == "replica_away"] == [
        {"event": "replica_away", "log_level": "error"}
    ]
