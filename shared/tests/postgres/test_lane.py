"""A lane: its work is on one connection while that works, and otherwise has the guarantees of the pool."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import psutil
import psycopg
import pytest
import uvloop
from postgres import EmbeddedPostgres
from structlog.testing import capture_logs
from support.database import frozen, own_postgres, without_room
from support.firewall import Way, firewall
from support.waiting import DEADLINE_SECONDS, until

from fake_email.errors import DatabaseAway, DatabaseFull
from fake_email.postgres import prepared
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import open_database
from fake_email.postgres.tcp_progress import duplicate_socket

CONNECTIONS = 3
AWAY_SECONDS = 5.0
PID = prepared.statement("pid", "SELECT pg_backend_pid(), {none}", values={"none": "text"}, arrays={}, parts={})
SLEEP = prepared.statement("sleep", "SELECT pg_sleep({seconds})", values={"seconds": "integer"}, arrays={}, parts={})
DIVIDE = prepared.statement("divide", "SELECT 1 / {by}", values={"by": "integer"}, arrays={}, parts={})
FILL = prepared.statement(
    "fill", "INSERT INTO tombstone VALUES ({hash})", values={"hash": "bytea"}, arrays={}, parts={}
)
END = "SELECT pg_terminate_backend(%s)"

Write = Callable[[Callable[[Connection], Awaitable[int]]], Awaitable[int]]


async def pid(connection: Connection) -> int:
    result = await prepared.execute(connection, PID, {"none": None})
    return int(result.get_value(0, 0) or b"")


def executes(statement: prepared.Statement, **values: object) -> Callable[[Connection], Awaitable[int]]:
    """Work that runs `statement`; returns the pid of its server process."""

    async def work(connection: Connection) -> int:
        await prepared.execute(connection, statement, values)
        return connection.info.backend_pid

    return work


def is_gone(watcher: psycopg.Connection, backend: int) -> bool:
    return watcher.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [backend]).fetchone() is None


@pytest.fixture
async def write(database_url: str) -> AsyncIterator[Write]:
    async with open_database(database_url, connections=CONNECTIONS) as database, database.lane() as lane:

        def write_in_lane(work: Callable[[Connection], Awaitable[int]]) -> Awaitable[int]:
            return database.write(work, lane=lane)

        yield write_in_lane


async def test_all_work_has_the_same_connection(write: Write) -> None:
    assert len({await write(pid) for _ in range(5)}) == 1


async def test_the_plans_do_not_depend_on_parameters(write: Write) -> None:
    async def mode(connection: Connection) -> int:
        cursor = await connection.execute("SELECT (current_setting('plan_cache_mode') = 'force_generic_plan')::int")
        [(is_generic,)] = await cursor.fetchall()
        return int(is_generic)

    assert await write(mode) == 1


async def test_work_gets_another_connection_when_the_idle_one_was_ended(
    write: Write, watcher: psycopg.Connection
) -> None:
    for _ in range(3):
        first = await write(pid)
        watcher.execute(END, [first])
        await until(partial(is_gone, watcher, first))

        assert await write(pid) != first


async def test_work_runs_again_when_its_connection_is_ended(write: Write, watcher: psycopg.Connection) -> None:
    pids: list[int] = []

    async def end_once(connection: Connection) -> int:
        pids.append(connection.info.backend_pid)
        if len(pids) == 1:
            watcher.execute(END, pids)
        return await pid(connection)

    result = await write(end_once)

    first, second = pids
    assert result == second != first


async def test_an_error_of_the_server_is_raised_unchanged_and_costs_no_connection(write: Write) -> None:
    before = await write(pid)

    with pytest.raises(psycopg.errors.DivisionByZero):
        await write(executes(DIVIDE, by=0))

    assert await write(pid) == before


async def test_a_full_disk_is_reported_and_costs_no_connection(write: Write, database_url: str) -> None:
    before = await write(pid)
    with without_room(database_url, "tombstone"), capture_logs() as logged, pytest.raises(DatabaseFull):
        await write(executes(FILL, hash=b""))

    assert logged == [{"event": "database_full", "log_level": "error"}]
    assert await write(pid) == before


async def test_a_late_answer_raises_database_away_and_the_next_work_has_another_connection(write: Write) -> None:
    before = await write(pid)

    async with asyncio.timeout(AWAY_SECONDS):
        with pytest.raises(DatabaseAway):
            await write(executes(SLEEP, seconds=60))

    assert await write(pid) != before


async def test_a_cancelled_caller_costs_only_the_connection(write: Write, watcher: psycopg.Connection) -> None:
    before = await write(pid)
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
    caller = asyncio.ensure_future(write(executes(SLEEP, seconds=60)))
    await until(lambda: watcher.execute(sleeping, [before]).fetchone() == (1,))
    caller.cancel()
    await asyncio.wait([caller])

    assert await write(pid) != before


async def test_the_connection_returns_to_the_pool(database_url: str) -> None:
    async with open_database(database_url, connections=1) as database:
        async with database.lane() as lane:
            kept = await database.write(pid, lane=lane)

        assert await database.run(pid) == kept


@contextmanager
def stopped(server: EmbeddedPostgres) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@pytest.mark.parametrize("outage", [stopped, frozen])
async def test_an_outage_is_told_in_time_and_logged_once(
    server: EmbeddedPostgres, outage: Callable[[EmbeddedPostgres], AbstractContextManager[None]]
) -> None:
    async with (
        open_database(server.url, connections=CONNECTIONS) as database,
        database.lane() as lane,
        asyncio.timeout(DEADLINE_SECONDS),
    ):
        await database.write(pid, lane=lane)
        with capture_logs() as logged:
            with outage(server):
                for _ in range(2):
                    with pytest.raises(DatabaseAway):
                        async with asyncio.timeout(AWAY_SECONDS):
                            await database.write(pid, lane=lane)
            while True:
                try:
                    await database.write(pid, lane=lane)
                    break
                except DatabaseAway:
                    pass

    assert [line["event"] for line in logged] == ["database_away", "database_back"]


@pytest.mark.parametrize("way", ["request", "answer"])
async def test_work_whose_request_or_answer_is_lost_runs_again_on_another_connection(
    database_url: str, way: Way
) -> None:
    pids: list[int] = []
    async with (
        firewall(database_url) as between,
        open_database(between.url, connections=CONNECTIONS) as database,
        database.lane() as lane,
        asyncio.timeout(DEADLINE_SECONDS),
        asyncio.TaskGroup() as tasks,
    ):
        watch = tasks.create_task(database.watch())

        async def lose_once(connection: Connection) -> int:
            pids.append(connection.info.backend_pid)
            if len(pids) == 1:
                with duplicate_socket(connection) as client:
                    between.forget(way, client.getsockname())
            return await pid(connection)

        result = await database.write(lose_once, answer_seconds=2 * DEADLINE_SECONDS, lane=lane)
        watch.cancel()

    first, second = pids
    assert result == second != first


@contextmanager
def _ending(backend: int) -> Iterator[None]:
    """Stop a server process during the block, which ends then: it says so, and its connection is reset.

    The octets sent to it meanwhile are unread then, and so the kernel resets the connection (RFC 9293 §3.6.1).
    """
    process = psutil.Process(backend)
    process.suspend()
    process.terminate()  # which the process sees when it goes on
    yield
    process.resume()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_work_whose_connection_is_reset_while_it_waits_has_another_one(
    run: Callable[[Coroutine[object, object, int]], int],
) -> None:
    """The services run on uvloop, which tells of an error on a socket once."""

    async def work(url: str) -> int:
        async with open_database(url, connections=CONNECTIONS) as database, database.lane() as lane:
            backend = await database.write(pid, lane=lane)
            with _ending(backend):
                writing = asyncio.create_task(database.write(pid, lane=lane))
                # The statement waits in the buffer of the stopped process.
                await until(lambda: any(each.is_asked for each in database._working))  # noqa: SLF001  # nothing else shows it
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await writing

    with own_postgres() as server:
        assert run(work(server.url)) > 0
