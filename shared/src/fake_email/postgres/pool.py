"""The pool of connections to Postgres: work gets an answer, or DatabaseAway within a deadline."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from weakref import WeakSet

import msgspec
import psycopg
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from fake_email.errors import DatabaseAway, DatabaseFull
from fake_email.postgres import lost_work
from fake_email.postgres.connection import (
    ANSWER_SECONDS,
    SESSION_SETTINGS,
    Connection,
    TimedConnection,
    conninfo,
    cut,
)
from fake_email.postgres.failover import Demoted, active_backends, checked, wants_primary
from fake_email.postgres.lane import Lane
from fake_email.postgres.outage_log import OutageLog
from fake_email.postgres.runs import Result

# When the server itself ends an idle transaction, psycopg's error is not an OperationalError.
_BROKEN = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout)
# How long a caller waits for a connection, counted anew each time the database answers any caller.
_CONNECTION_SECONDS = 1.5
# The pool connects when it is asked; asking this often notices soon that the database is back.
_ASK_SECONDS = 0.25


class Database:
    """A pool of autocommit connections; no caller waits for it without a deadline."""

    def __init__(self, database_url: str, *, connections: int) -> None:
        self._pool = AsyncConnectionPool(
            conninfo(database_url),
            connection_class=TimedConnection,
            kwargs={"autocommit": True},
            configure=self._configure,
            min_size=1,
            max_size=connections,
            reconnect_timeout=_ASK_SECONDS,
            open=False,
        )
        # In front of the pool, because the pool does not serve callers in the order in which they came.
        self._slots = asyncio.Semaphore(connections)
        self._working: set[TimedConnection] = set()
        # The connections made since the last reason to distrust all older ones.
        self._trusted: WeakSet[Connection] = WeakSet()
        self._host: tuple[str, int] | None = None
        self._answered_at = 0.0
        self._outages = OutageLog()
        # Backends whose commits were given up and may still be running.
        self._given_up: set[int] = set()

    @property
    def is_away(self) -> bool:
        """True from the first caller without an answer until the next with one."""
        return self._outages.is_away

    @property
    def connections_in_use(self) -> int:
        """The number of connections that run work now."""
        return len(self._working)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Database"]:
        """This pool, usable during the block."""
        async with self._pool:
            yield self

    async def run(
        self,
        work: Callable[[TimedConnection], Awaitable[Result]],
        *,
        answer_seconds: float = ANSWER_SECONDS,
        lane: Lane | None = None,
    ) -> Result:
        """Run `work` on a connection and return its result; `work` must be safe to repeat.

        In a `lane` it begins without a wait for a connection.

        When the connection turns out to be broken, `work` runs again on another one. Raises DatabaseAway when no
        connection is available in time or one answer takes longer than `answer_seconds`, and DatabaseFull when the
        disk has no space for what `work` writes.
        """
        asked_at = asyncio.get_running_loop().time()
        if lane is not None:
            return await self._run(work, asked_at, answer_seconds, lane)
        # No deadline here, since a caller would lose its turn: each holder of a connection gives it back in time.
        async with self._slots:
            return await self._run(work, asked_at, answer_seconds)

    async def write(
        self,
        work: Callable[[TimedConnection], Awaitable[Result]],
        *,
        answer_seconds: float = ANSWER_SECONDS,
        lane: Lane | None = None,
    ) -> Result:
        """As `run`, for work that commits.

        Raises DatabaseAway at once while a commit that was given up still waits for its replica: the new commit would
        wait too, and each waiting commit takes a server session that readers need.
        """

        async def checked_work(connection: TimedConnection) -> Result:
            await self._check_replica(connection)
            return await work(connection)

        return await self.run(checked_work, answer_seconds=answer_seconds, lane=lane)

    async def _check_replica(self, connection: Connection) -> None:
        if given_up := frozenset(self._given_up):
            active = await active_backends(connection, given_up)
            self._given_up -= given_up - active.keys()
            if any(active.values()):
                self._outages.replica_away()
                raise DatabaseAway

    @asynccontextmanager
    async def lane(self) -> AsyncIterator[Lane]:
        """A lane for one kind of work that commits, which has one connection of the pool during the block."""
        async with self._slots:
            lane = Lane(self._connection, self._pool.putconn, self._trusted.__contains__)
            try:
                yield lane
            finally:
                await lane.end()

    async def _run(
        self,
        work: Callable[[TimedConnection], Awaitable[Result]],
        asked_at: float,
        answer_seconds: float,
        lane: Lane | None = None,
    ) -> Result:
        loop = asyncio.get_running_loop()
        was_demoted = was_lost = False
        while True:
            connection = await (self._connection(asked_at) if lane is None else lane.take(asked_at))
            connection.answer_seconds = answer_seconds
            connection.is_watched = not was_lost  # a second loss would mean a slow middlebox, not a lost packet
            self._working.add(connection)
            try:
                async with checked(connection):
                    if lane is not None:
                        await lane.prepare(connection)
                    result = await work(connection)
            except psycopg.errors.DiskFull as error:
                self._answered_at = loop.time()
                self._outages.back()
                self._outages.full()
                raise DatabaseFull from error
            except _BROKEN as error:
                if connection.is_late:
                    self._given_up.add(connection.backend_pid)
                is_demoted = isinstance(error, Demoted)
                # If other callers were answered meanwhile, only this statement or this connection is slow.
                if is_demoted or (connection.is_late and self._answered_at < connection.asked_at):
                    await self._replace_connections(connection)
                is_over = connection.is_late or was_demoted or loop.time() >= self._deadline(asked_at)
                was_lost = was_lost or connection.is_lost
                if connection.closed and not is_over:
                    was_demoted = is_demoted  # a fresh connection that says so again is right
                    continue
                self._outages.away(type(error).__name__)
                raise DatabaseAway from error
            else:
                self._answered_at = loop.time()
                self._outages.back()
                return result
            finally:
                self._working.discard(connection)
                await (self._pool.putconn(connection) if lane is None else lane.give_back(connection))

    async def _replace_connections(self, connection: Connection) -> None:
        """Replace all connections that are as old as this one, which failed: they lead to the same server."""
        if connection in self._trusted:
            self._trusted.clear()
            await self._pool.drain()

    async def _configure(self, connection: Connection) -> None:
        """Prepare a new connection; when it leads to a new primary, cut those to the old one, which answers no more."""
        host = (connection.info.host, connection.info.port)
        if self._host not in {None, host} and wants_primary(connection):
            self._answered_at = asyncio.get_running_loop().time()
            for each in self._working:
                cut(each)
            self._trusted.clear()
            await self._pool.drain()
        self._host = host
        self._trusted.add(connection)
        set_json_loads(msgspec.json.decode, connection)
        with suppress(psycopg.errors.InvalidParameterValue):  # only Linux and macOS support all of the settings
            await connection.execute(SESSION_SETTINGS)

    async def _connection(self, asked_at: float) -> TimedConnection:
        loop, cancellations = asyncio.get_running_loop(), _cancellations()
        while (left := self._deadline(asked_at) - loop.time()) > 0:
            connection = None
            with suppress(PoolTimeout):
                connection = await self._pool.getconn(timeout=min(left, _ASK_SECONDS))
            # The pool waits with asyncio.wait_for, which before Python 3.12 drops a cancellation that comes together
            # with the connection. A task that is cancelled only once would then never end.
            if _cancellations() > cancellations:
                if connection is not None:
                    await self._pool.putconn(connection)
                raise asyncio.CancelledError
            if connection is not None:
                return connection
        self._outages.away("no connection")
        raise DatabaseAway

    def _deadline(self, asked_at: float) -> float:
        return max(asked_at, self._answered_at) + _CONNECTION_SECONDS

    async def watch(self) -> None:
        """Until cancelled, find work whose request or answer the network lost, and run it again, once.

        This matters to work that may wait for one answer for longer than ANSWER_SECONDS.
        """
        await lost_work.watch(self, self._working, self._outages)

    async def probe(self) -> None:
        """Return when the database answers; raises DatabaseAway."""

        async def ask(connection: Connection) -> None:
            await connection.execute("SELECT 1")

        await self.run(ask)


def _cancellations() -> int:
    """The number of times that the current task was asked to end."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def open_database(database_url: str, *, connections: int) -> AbstractAsyncContextManager[Database]:
    """A Database of up to `connections`; it opens whether or not Postgres is reachable yet."""
    return Database(database_url, connections=connections).opened()
