"""Failover: two servers, of which one takes writes, and then the other."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from urllib.parse import quote

import psycopg
import psycopg.conninfo
import pytest
from postgres import EmbeddedPostgres, throw_away
from support.database import frozen
from support.waiting import DEADLINE_SECONDS, deadline, until

from fake_email.errors import DatabaseAway
from fake_email.postgres import notifications
from fake_email.postgres.connection import ANSWER_SECONDS, Connection, conninfo
from fake_email.postgres.hosts import HostConnection
from fake_email.postgres.lane import Lane
from fake_email.postgres.notifications import Notification
from fake_email.postgres.pool import Database, open_database

CONNECTIONS = 3
NAME = "SELECT current_setting('cluster_name')"
READ_ONLY = "ALTER SYSTEM SET default_transaction_read_only = on"
READ_WRITE = "ALTER SYSTEM RESET default_transaction_read_only"
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
# Long enough for the host that answers to refuse.
REFUSED_SECONDS = 0.5
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' ORDER BY pid"


class ServersListenedTo:
    """The names of the servers that a listener connected to, in order."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.awaited = asyncio.Event()

    async def connected(self, connection: Connection) -> None:
        self.names.append(await name(connection))

    def notified(self, notification: Notification) -> None:
        """Ignore it: only the connections matter here."""

    def lost(self) -> None:
        """Ignore it: the next connection says enough."""


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[EmbeddedPostgres, EmbeddedPostgres]]:
    with throw_away(settings={"cluster_name": "a"}) as a, throw_away(settings={"cluster_name": "b"}) as b:
        yield a, b


@pytest.fixture
def a(servers: tuple[EmbeddedPostgres, EmbeddedPostgres]) -> Iterator[EmbeddedPostgres]:
    """The server that takes writes."""
    with settings_reset(servers[0]):
        yield servers[0]


@pytest.fixture
def b(servers: tuple[EmbeddedPostgres, EmbeddedPostgres]) -> Iterator[EmbeddedPostgres]:
    """The server that refuses writes."""
    with settings_reset(servers[1]):
        alter(servers[1], READ_ONLY)
        yield servers[1]


@pytest.fixture
def url(a: EmbeddedPostgres, b: EmbeddedPostgres) -> str:
    hosts = ",".join(str(psycopg.conninfo.conninfo_to_dict(each.url)["host"]) for each in (b, a))
    return f"postgresql://postgres@/postgres?host={quote(hosts, safe='')}&target_session_attrs=read-write"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with open_database(url, connections=CONNECTIONS) as database:
        yield database


@contextmanager
def settings_reset(server: EmbeddedPostgres) -> Iterator[None]:
    """Reset the server's settings after the block."""
    try:
        yield
    finally:
        alter(server, "ALTER SYSTEM RESET ALL")


def alter(server: EmbeddedPostgres, statement: str) -> None:
    """Change the server's settings, and return when new connections have them."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(statement)
        before = connection.execute("SELECT pg_conf_load_time()").fetchone()
        connection.execute("SELECT pg_reload_conf()")
        for _ in deadline():
            with psycopg.connect(server.url) as another:
                if another.execute("SELECT pg_conf_load_time()").fetchone() != before:
                    return
    raise AssertionError("the server does not read its settings")


async def name(connection: Connection) -> str:
    cursor = await connection.execute(NAME)
    [(cluster_name,)] = await cursor.fetchall()
    return str(cluster_name)


async def ask(database: Database, *, answer_seconds: float = ANSWER_SECONDS, lane: Lane | None = None) -> str:
    """The name of the server that answers, or "away"."""
    try:
        return await database.write(name, answer_seconds=answer_seconds, lane=lane)
    except DatabaseAway:
        return "away"


async def fill(database: Database) -> list[str]:
    """Make the pool open all its connections; returns the server of each."""
    together = asyncio.Barrier(CONNECTIONS)

    async def meet(connection: Connection) -> str:
        await together.wait()
        return await name(connection)

    return await asyncio.gather(*(database.run(meet) for _ in range(CONNECTIONS)))


async def until_answered_by(database: Database, server: str) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await ask(database) != server:
            pass


async def test_of_several_hosts_the_primary_is_used(database: Database) -> None:
    assert await fill(database) == ["a"] * CONNECTIONS


async def test_a_promotion_is_noticed_while_another_host_does_not_answer(
    url: str, a: EmbeddedPostgres, b: EmbeddedPostgres
) -> None:
    """A host is frozen and the other refuses, until it is promoted."""
    with frozen(a):
        connecting = asyncio.create_task(HostConnection.connect(conninfo(url)))
        await asyncio.wait([connecting], timeout=REFUSED_SECONDS)
        alter(b, READ_WRITE)

        async with await connecting as connection:
            assert await name(connection) == "b"


async def test_connecting_fails_when_one_host_refuses_and_the_other_does_not_answer(
    url: str, a: EmbeddedPostgres
) -> None:
    with frozen(a), pytest.raises(psycopg.OperationalError):
        await HostConnection.connect(conninfo(url), connect_timeout=2)


async def test_a_host_that_does_not_answer_leaves_no_connection_open(
    url: str, a: EmbeddedPostgres, b: EmbeddedPostgres
) -> None:
    with frozen(b):
        async with await HostConnection.connect(conninfo(url)) as connection:
            server = await name(connection)

    assert server == "a"
    # The server begins to answer when it is no longer frozen, and then finds that nobody is there.
    with psycopg.connect(b.url, autocommit=True) as own:
        await until(lambda: own.execute(OTHERS).fetchone() == (0,))


async def test_a_server_that_no_longer_takes_writes_is_no_longer_used(
    database: Database, a: EmbeddedPostgres, b: EmbeddedPostgres
) -> None:
    await fill(database)
    alter(b, READ_WRITE)
    alter(a, READ_ONLY)

    answered_by = [await ask(database) for _ in range(2 * CONNECTIONS)]

    assert answered_by == ["b"] * 2 * CONNECTIONS


async def test_a_lane_leaves_a_server_that_no_longer_takes_writes(
    database: Database, a: EmbeddedPostgres, b: EmbeddedPostgres
) -> None:
    # A connection that is still being opened to the first server would be asked once more after the replacement.
    await fill(database)
    async with database.lane() as lane:
        before = await ask(database, lane=lane)
        alter(b, READ_WRITE)
        alter(a, READ_ONLY)

        answered_by = [await ask(database, lane=lane) for _ in range(2)]

    assert (before, answered_by) == ("a", ["b", "b"])


async def test_work_of_a_lane_that_waits_for_a_frozen_server_runs_on_the_new_primary(
    database: Database, a: EmbeddedPostgres, b: EmbeddedPostgres
) -> None:
    async with database.lane() as lane:
        await ask(database, lane=lane)
        with frozen(a):
            alter(b, READ_WRITE)
            async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as tasks:
                waiting = tasks.create_task(ask(database, answer_seconds=10 * DEADLINE_SECONDS, lane=lane))
                await until_answered_by(database, "b")

    assert waiting.result() == "b"


async def test_a_frozen_server_costs_one_time_out_and_not_one_for_each_connection(
    database: Database, a: EmbeddedPostgres, b: EmbeddedPostgres
) -> None:
    await fill(database)
    with frozen(a):
        alter(b, READ_WRITE)

        answered_by = [await ask(database) for _ in range(2)]

    assert answered_by == ["away", "b"]


async def test_work_that_waits_for_a_frozen_server_runs_on_the_new_primary(
    database: Database, a: EmbeddedPostgres, b: EmbeddedPostgres
) -> None:
    await fill(database)
    with frozen(a):
        alter(b, READ_WRITE)
        async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(ask(database, answer_seconds=10 * DEADLINE_SECONDS))
            await until_answered_by(database, "b")

    assert waiting.result() == "b"


async def test_a_listener_at_a_frozen_server_moves_to_the_new_primary(
    url: str, a: EmbeddedPostgres, b: EmbeddedPostgres
) -> None:
    servers = ServersListenedTo()
    async with asyncio.TaskGroup() as tasks:
        listener = tasks.create_task(notifications.listen(url, servers))
        await until(lambda: servers.names == ["a"])
        with frozen(a):
            alter(b, READ_WRITE)
            await until(lambda: servers.names == ["a", "b"])
        listener.cancel()


async def test_writing_to_a_read_only_server_raises_database_away(a: EmbeddedPostgres) -> None:
    async with open_database(a.url, connections=CONNECTIONS) as database:
        await fill(database)
        alter(a, READ_ONLY)

        with pytest.raises(DatabaseAway):
            await database.run(lambda connection: connection.execute("CREATE TABLE one ()"))

        assert await ask(database) == "a"
