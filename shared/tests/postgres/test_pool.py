"""The pool: a caller gets the result of its work, or DatabaseAway in time."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager

import msgspec
import psycopg
import psycopg.conninfo
import pytest
from postgres import EmbeddedPostgres
from structlog.testing import capture_logs
from support.database import frozen, without_room
from support.waiting import DEADLINE_SECONDS, until

from fake_email.errors import AddressTaken, DatabaseAway, DatabaseFull
from fake_email.postgres.connection import Connection, conninfo
from fake_email.postgres.pool import Database, open_database

CONNECTIONS = 3
# No caller waits longer for a database that is away; http-api responds with 503 in under 2 s.
AWAY_SECONDS = 5.0
OURS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'fake-email'"
COUNT_OURS = f"SELECT count(*) {OURS}"
END_OURS = f"SELECT pg_terminate_backend(pid) {OURS}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url, connections=CONNECTIONS) as database:
        yield database


@contextmanager
def stopped(server: EmbeddedPostgres) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


def sleeps(seconds: float) -> Callable[[Connection], Awaitable[float]]:
    """Work that takes `seconds`, and returns them."""

    async def sleep(connection: Connection) -> float:
        await connection.execute("SELECT pg_sleep(%s)", [seconds])
        return seconds

    return sleep


async def waiting_for_a_connection() -> asyncio.Task[object]:
    """The task with which asyncio.wait_for waits for a connection of the pool (Python 3.11)."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            for task in asyncio.all_tasks():
                if getattr(task.get_coro(), "__qualname__", "") == "Condition.wait":
                    return task
            await asyncio.sleep(0)


async def fill(database: Database) -> None:
    """Make the pool open all its connections."""
    together = asyncio.Barrier(CONNECTIONS)

    async def meet(connection: Connection) -> None:
        await connection.execute("SELECT 1")
        await together.wait()

    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(*(database.run(meet, answer_seconds=DEADLINE_SECONDS) for _ in range(CONNECTIONS)))


async def status(run: Awaitable[object]) -> str:
    """ "away" when `run` raises DatabaseAway, else "here"."""
    try:
        await run
    except DatabaseAway:
        return "away"
    return "here"


async def ask(database: Database, callers: int) -> list[str]:
    """The status for each of some concurrent callers, in time."""
    async with asyncio.timeout(AWAY_SECONDS):
        return await asyncio.gather(*(status(database.probe()) for _ in range(callers)))


async def until_back(database: Database) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await ask(database, 1) == ["away"]:
            pass


async def test_a_caller_gets_the_result_of_its_work(database: Database) -> None:
    result = await database.run(sleeps(0))

    assert result == 0


async def test_work_is_in_autocommit(database: Database, watcher: psycopg.Connection) -> None:
    await database.run(lambda connection: connection.execute("CREATE TABLE kept ()"))

    assert watcher.execute("SELECT to_regclass('kept') IS NOT NULL").fetchone() == (True,)


async def test_there_are_never_more_connections_than_the_limit(database: Database, watcher: psycopg.Connection) -> None:
    await fill(database)

    await asyncio.gather(*(database.run(sleeps(0.01)) for _ in range(4 * CONNECTIONS)))

    assert watcher.execute(COUNT_OURS).fetchone() == (CONNECTIONS,)


async def test_connections_are_closed_at_the_end_of_the_block(database_url: str, watcher: psycopg.Connection) -> None:
    async with open_database(database_url, connections=CONNECTIONS) as database:
        await fill(database)

    await until(lambda: watcher.execute(COUNT_OURS).fetchone() == (0,))


async def test_no_caller_fails_when_idle_connections_were_cut(database: Database, watcher: psycopg.Connection) -> None:
    await fill(database)
    watcher.execute(END_OURS)
    await until(lambda: watcher.execute(COUNT_OURS).fetchone() == (0,))

    statuses = [await ask(database, 1) for _ in range(CONNECTIONS)]

    assert statuses == [["here"]] * CONNECTIONS


async def test_no_concurrent_caller_fails_when_idle_connections_were_cut(
    database: Database, watcher: psycopg.Connection
) -> None:
    await fill(database)
    watcher.execute(END_OURS)
    await until(lambda: watcher.execute(COUNT_OURS).fetchone() == (0,))

    statuses = await ask(database, CONNECTIONS)

    assert statuses == ["here"] * CONNECTIONS


async def test_work_runs_again_when_its_connection_is_cut(database: Database, watcher: psycopg.Connection) -> None:
    runs: list[int] = []

    async def cut_once(connection: Connection) -> int:
        runs.append(connection.info.backend_pid)
        if len(runs) == 1:
            watcher.execute("SELECT pg_terminate_backend(%s)", runs)
        await connection.execute("SELECT 1")
        return connection.info.backend_pid

    result = await database.run(cut_once)

    first, second = runs
    assert result == second != first


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELECT 1 / 0", psycopg.errors.DivisionByZero),
        ("INSERT INTO message (id) VALUES (gen_random_uuid())", psycopg.errors.NotNullViolation),
        ("SELECT nothing", psycopg.errors.UndefinedColumn),
    ],
)
async def test_an_error_of_the_database_is_raised_unchanged(
    database: Database, statement: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await database.run(lambda connection: connection.execute(statement.encode()))


async def test_a_full_disk_is_reported_at_once_as_database_full_and_logged_once(
    database: Database, database_url: str
) -> None:
    with without_room(database_url, "tombstone"), capture_logs() as logged:
        for _ in range(2):
            with pytest.raises(DatabaseFull):
                await database.run(lambda connection: connection.execute("INSERT INTO tombstone VALUES ('')"))
        await database.probe()

    assert logged == [{"event": "database_full", "log_level": "error"}]


async def test_an_error_of_the_work_is_raised_unchanged_without_a_second_run(database: Database) -> None:
    runs: list[int] = []

    async def fail(_: Connection) -> None:
        runs.append(1)
        raise AddressTaken

    with pytest.raises(AddressTaken):
        await database.run(fail)

    assert len(runs) == 1


async def test_work_that_fails_returns_its_connection(database: Database) -> None:
    for _ in range(2 * CONNECTIONS):
        with pytest.raises(psycopg.errors.DivisionByZero):
            await database.run(lambda connection: connection.execute("SELECT 1 / 0"))

    statuses = await ask(database, 1)

    assert statuses == ["here"]


async def test_a_cancelled_caller_returns_its_connection(database: Database, watcher: psycopg.Connection) -> None:
    sleeping = f"SELECT count(*) {OURS} AND wait_event = 'PgSleep'"
    async with asyncio.TaskGroup() as tasks:
        callers = [tasks.create_task(database.run(sleeps(60), answer_seconds=60)) for _ in range(CONNECTIONS)]
        await until(lambda: watcher.execute(sleeping).fetchone() == (CONNECTIONS,))
        for caller in callers:
            caller.cancel()

    statuses = await ask(database, CONNECTIONS)

    assert statuses == ["here"] * CONNECTIONS


async def test_work_is_cut_off_when_an_answer_takes_too_long(database: Database) -> None:
    default, longer = await asyncio.gather(
        database.run(sleeps(60)), database.run(sleeps(1.9), answer_seconds=60), return_exceptions=True
    )

    assert isinstance(default, DatabaseAway)
    assert longer == 1.9


async def test_work_may_take_long_as_long_as_each_answer_comes_in_time(database: Database) -> None:
    async def sleep_thrice(connection: Connection) -> float:
        return sum([await sleeps(each)(connection) for each in (0.6, 0.6, 0.6)])

    slept = await database.run(sleep_thrice)

    assert slept == pytest.approx(1.8)


async def test_a_late_answer_costs_only_its_own_connection_while_other_answers_come(
    database: Database, watcher: psycopg.Connection
) -> None:
    await fill(database)
    before = set(watcher.execute(f"SELECT pid {OURS}"))

    async with asyncio.timeout(AWAY_SECONDS):
        late = asyncio.create_task(status(database.run(sleeps(60))))
        while not late.done():
            await database.probe()

    assert late.result() == "away"
    assert len(before.intersection(watcher.execute(f"SELECT pid {OURS}"))) >= CONNECTIONS - 1


async def test_the_locks_of_silent_work_are_released_soon_and_the_work_runs_again(
    database: Database, watcher: psycopg.Connection
) -> None:
    watcher.execute("CREATE TABLE locked ()")
    has_locked, is_free = asyncio.Event(), asyncio.Event()

    async def lock(connection: Connection) -> None:
        async with connection.transaction():
            await connection.execute("LOCK TABLE locked")
            has_locked.set()
            await is_free.wait()
            await connection.execute("SELECT 1")

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as tasks:
        silent = tasks.create_task(status(database.run(lock, answer_seconds=DEADLINE_SECONDS)))
        await has_locked.wait()
        await database.run(lambda connection: connection.execute("SELECT FROM locked"), answer_seconds=DEADLINE_SECONDS)
        is_free.set()

    assert silent.result() == "here"


async def test_a_busy_database_is_not_away_while_it_answers_any_caller(database_url: str) -> None:
    async with open_database(database_url, connections=1) as database:
        results = await asyncio.gather(*(database.run(sleeps(seconds)) for seconds in (0.6, 0.6, 0.6, 0.1)))

    assert results == [0.6, 0.6, 0.6, 0.1]


async def test_callers_are_served_in_the_order_of_their_calls(database_url: str) -> None:
    served: list[str] = []

    async def ask_as(name: str, seconds: float, database: Database) -> None:
        await database.run(sleeps(seconds))
        served.append(name)

    async with open_database(database_url, connections=1) as only_one, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(ask_as("first", 0.8, only_one))
        tasks.create_task(ask_as("second", 0.8, only_one))
        tasks.create_task(ask_as("third", 0, only_one))
        await first
        tasks.create_task(ask_as("fourth", 0, only_one))

    assert served == ["first", "second", "third", "fourth"]


class Outage(msgspec.Struct):
    """The statuses for callers during an outage and after it, and the events that were logged."""

    during: list[str]
    after: list[str]
    logged: list[tuple[str, str]]


@pytest.fixture(scope="module", params=[stopped, frozen])
def outage(server: EmbeddedPostgres, request: pytest.FixtureRequest) -> Outage:
    async def record() -> Outage:
        async with open_database(server.url, connections=CONNECTIONS) as database:
            await fill(database)
            with capture_logs() as lines:
                with request.param(server):
                    during = await ask(database, 4 * CONNECTIONS)
                await until_back(database)
                after = await ask(database, 4 * CONNECTIONS)
            return Outage(during, after, [(line["event"], line["log_level"]) for line in lines])

    return asyncio.run(record())


def test_callers_get_database_away_in_time(outage: Outage) -> None:
    assert outage.during == ["away"] * 4 * CONNECTIONS


def test_a_database_that_is_back_is_used_again(outage: Outage) -> None:
    assert outage.after == ["here"] * 4 * CONNECTIONS


def test_an_outage_is_logged_once_when_it_begins_and_once_when_it_ends(outage: Outage) -> None:
    assert outage.logged == [("database_away", "warning"), ("database_back", "info")]


async def test_a_database_that_starts_after_the_pool_is_used(server: EmbeddedPostgres) -> None:
    async with AsyncExitStack() as stack:
        with stopped(server):
            database = await stack.enter_async_context(open_database(server.url, connections=CONNECTIONS))
            before = await ask(database, 1)
        await until_back(database)

    assert before == ["away"]


async def test_a_statement_that_was_given_up_stops_waiting_for_its_lock(
    database: Database, database_url: str, watcher: psycopg.Connection
) -> None:
    waiting = f"SELECT count(*) {OURS} AND wait_event_type = 'Lock'"
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE mailbox")
        with pytest.raises(DatabaseAway):
            await database.run(
                lambda connection: connection.execute("SELECT FROM mailbox"), answer_seconds=AWAY_SECONDS / 10
            )

        await until(lambda: watcher.execute(waiting).fetchone() == (0,))


def test_deadlines_are_added_to_a_database_url() -> None:
    filled = psycopg.conninfo.conninfo_to_dict(conninfo("postgresql://fake-email@127.0.0.1:5433/mail"))

    assert filled == {
        "user": "fake-email",
        "host": "127.0.0.1",
        "port": "5433",
        "dbname": "mail",
        "application_name": "fake-email",
        "connect_timeout": "4",
        "keepalives_idle": "5",
        "keepalives_interval": "2",
        "keepalives_count": "3",
        "tcp_user_timeout": "10000",
    }


def test_the_deadlines_in_a_database_url_are_kept() -> None:
    filled = psycopg.conninfo.conninfo_to_dict(
        conninfo("postgresql://127.0.0.1/mail?connect_timeout=9&application_name=mine")
    )

    assert (filled["connect_timeout"], filled["application_name"]) == ("9", "mine")


async def setting(database_url: str, name: str) -> object:
    """The value of a server setting in one of our sessions."""

    async def ask(connection: Connection) -> object:
        cursor = await connection.execute("SELECT current_setting(%s)", [name])
        return await cursor.fetchone()

    async with open_database(database_url, connections=1) as database:
        return await database.run(ask)


async def test_our_sessions_set_deadlines_at_the_server(database_url: str) -> None:
    assert await setting(database_url, "idle_in_transaction_session_timeout") == ("5s",)
    assert await setting(database_url, "client_connection_check_interval") == ("1s",)


async def test_the_servers_deadlines_in_a_database_url_are_kept(database_url: str) -> None:
    url = psycopg.conninfo.make_conninfo(database_url, options="-c idle_in_transaction_session_timeout=9s")

    assert await setting(url, "idle_in_transaction_session_timeout") == ("9s",)
    assert await setting(url, "client_connection_check_interval") == ("1s",)


async def test_a_cancellation_that_comes_together_with_a_connection_ends_the_task(database: Database) -> None:
    async def ask_and_stay() -> None:
        await database.probe()
        await asyncio.Event().wait()

    task = asyncio.create_task(ask_and_stay())
    if sys.version_info < (3, 12):
        (await waiting_for_a_connection()).add_done_callback(lambda _: task.cancel())
    else:
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.wait([task], timeout=DEADLINE_SECONDS)

    assert task.cancelled()
    await fill(database)  # no connection is missing
