"""The way to Postgres: a pool that answers, or says within a deadline that the database is away."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import TypeVar
from weakref import WeakSet

import msgspec
import psycopg
import psycopg.conninfo
from psycopg.abc import PQGen
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from fake_email.errors import DatabaseAway, DatabaseFull
from fake_email.postgres.failover import Demoted, believing, is_for_writing, still_at_it
from fake_email.postgres.outage_log import OutageLog
from fake_email.postgres.tcp_progress import Moved, moved, socket_of, waiting_for_client

Connection = psycopg.AsyncConnection[TupleRow]
Result = TypeVar("Result")

# A peer that has gone without a word is found out in seconds, not in the kernel's two hours. To connect takes five
# round trips, and each may take more than half a second.
_PARAMETERS = {
    "application_name": "fake-email",
    "connect_timeout": "4",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
# The server does so too: until it finds out, a session whose client has gone holds its place, and what it has locked;
# and what nobody waits for any more, in a row for a lock perhaps, goes on. All of these end the connection; to end a
# statement alone could report a commit that no replica has. Not libpq's `options`, which some poolers refuse.
OURS = """
    SELECT set_config(name, ours, false)
    FROM (
        VALUES
            ('tcp_keepalives_idle', '5'),
            ('tcp_keepalives_interval', '2'),
            ('tcp_keepalives_count', '3'),
            ('tcp_user_timeout', '10s'),
            ('idle_in_transaction_session_timeout', '5s'),
            ('client_connection_check_interval', '1s')
    ) AS wanted (name, ours)
    JOIN pg_settings USING (name)
    WHERE source <> 'client'
"""
# What a server says that ended a session by itself is none of psycopg's OperationalErrors.
_BROKEN = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout)
ANSWER_SECONDS = 1.7
# A caller waits this long for a connection, counted anew whenever the database answered somebody.
_PATIENCE_SECONDS = 1.5
# The pool tries to connect when somebody asks; asking anew this often is what finds a database that is back.
_ASK_SECONDS = 0.25
# Where nothing moves for so long it is no slow link.
_WATCH_SECONDS = 1.0


def conninfo(database_url: str) -> str:
    """`database_url` with what it leaves open about time-outs filled in (libpq, "Parameter Key Words")."""
    given = psycopg.conninfo.conninfo_to_dict(database_url)
    return psycopg.conninfo.make_conninfo("", **{**_PARAMETERS, **given})


def why_unreachable(error: psycopg.Error) -> str:
    """The reason alone: before it libpq repeats parts of the URL, of one that is miswritten even the password."""
    return str(error).strip().partition("\n")[0].rpartition(": ")[2]


@contextmanager
def answering_within(connection: Connection, seconds: float) -> Iterator[None]:
    """Cut the connection when the block takes longer, so that whoever waits for an answer on it fails."""
    # Not asyncio.timeout: cancelling makes psycopg ask a server for help that may not answer either.
    cutting = asyncio.get_running_loop().call_later(seconds, _cut, connection)
    try:
        yield
    finally:
        cutting.cancel()


class _Asking(psycopg.AsyncConnection[TupleRow]):
    """A connection that is cut, and late, when the server takes longer than `answer_seconds` for any one answer."""

    answer_seconds = ANSWER_SECONDS
    asked_at = 0.0
    is_asked = False
    is_watched = True
    is_late = False
    is_lost = False
    backend_pid = 0

    async def wait(
        self,
        gen: PQGen[Result],
        interval: float = 0.1,
        timeout: float | None = None,  # noqa: ASYNC109  # psycopg's
    ) -> Result:
        # Every round trip comes through here. Where each takes half a second, work that has many is slow, not stuck.
        loop = asyncio.get_running_loop()
        self.asked_at = loop.time()
        self.is_asked = True
        giving_up = loop.call_later(self.answer_seconds, self._give_up)
        try:
            return await super().wait(gen, interval, timeout)
        finally:
            self.is_asked = False
            giving_up.cancel()

    def _give_up(self) -> None:
        self.is_late = True
        self.backend_pid = self.pgconn.backend_pid
        _cut(self)


class Database:
    """A pool of autocommit connections; nobody waits for it without end."""

    def __init__(self, database_url: str, *, connections: int) -> None:
        self._pool = AsyncConnectionPool(
            conninfo(database_url),
            connection_class=_Asking,
            kwargs={"autocommit": True},
            configure=self._welcome,
            min_size=1,
            max_size=connections,
            reconnect_timeout=_ASK_SECONDS,
            open=False,
        )
        # In front of the pool, so that callers are served in the order they came.
        self._turns = asyncio.Semaphore(connections)
        self._working: set[_Asking] = set()
        # Made since there was reason to doubt all that were made before.
        self._undoubted: WeakSet[Connection] = WeakSet()
        self._host: tuple[str, int] | None = None
        self._answered_at = 0.0
        self._outages = OutageLog()
        # The server's processes that were given up and may be at it still.
        self._given_up: set[int] = set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Database"]:
        """It, usable during the block."""
        async with self._pool:
            yield self

    async def run(
        self, work: Callable[[Connection], Awaitable[Result]], *, answer_seconds: float = ANSWER_SECONDS
    ) -> Result:
        """What `work` returns; it runs again on another connection when the first turns out broken.

        So `work` is safe to repeat. Raises DatabaseAway when there is no connection in time, or for `answer_seconds` no
        answer to what `work` asked last, and DatabaseFull when the disk has no room for what it writes.
        """
        asked_at = asyncio.get_running_loop().time()
        # Without a deadline, which would cost the place in the row: who has a connection gives it back in time.
        async with self._turns:
            return await self._run(work, asked_at, answer_seconds)

    async def write(
        self, work: Callable[[Connection], Awaitable[Result]], *, answer_seconds: float = ANSWER_SECONDS
    ) -> Result:
        """As `run`, for what commits; DatabaseAway at once while an earlier commit, given up, waits for its replica.

        It would wait as well, and each that waits has a session of the server's, which readers need.
        """

        async def unless_in_vain(connection: Connection) -> Result:
            if given_up := frozenset(self._given_up):
                at_it = await still_at_it(connection, given_up)
                self._given_up -= given_up - at_it.keys()
                if any(at_it.values()):
                    self._outages.replica_away()
                    raise DatabaseAway
            return await work(connection)

        return await self.run(unless_in_vain, answer_seconds=answer_seconds)

    async def _run(
        self, work: Callable[[Connection], Awaitable[Result]], asked_at: float, answer_seconds: float
    ) -> Result:
        loop = asyncio.get_running_loop()
        is_told_off = was_lost = False
        while True:
            connection = await self._connection(asked_at)
            connection.answer_seconds = answer_seconds
            connection.is_watched = not was_lost  # what stands between may be slow, and would be so again
            self._working.add(connection)
            try:
                async with believing(connection):
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
                # Where others were answered meanwhile, it is the statement, behind a lock maybe, or this connection.
                if is_demoted or (connection.is_late and self._answered_at < connection.asked_at):
                    await self._doubt(connection)
                is_over = connection.is_late or is_told_off or loop.time() >= self._patience_ends(asked_at)
                was_lost = was_lost or connection.is_lost
                if connection.closed and not is_over:
                    is_told_off = is_demoted  # by a new connection it is told for good
                    continue
                self._outages.away(type(error).__name__)
                raise DatabaseAway from error
            else:
                self._answered_at = loop.time()
                self._outages.back()
                return result
            finally:
                self._working.discard(connection)
                await self._pool.putconn(connection)

    async def _doubt(self, connection: Connection) -> None:
        """Make all connections anew that are as old as this one: they go the same way."""
        if connection in self._undoubted:
            self._undoubted.clear()
            await self._pool.drain()

    async def _welcome(self, connection: Connection) -> None:
        """Of several hosts one takes the writes; when that is another now, the one before answers nobody any more."""
        host = (connection.info.host, connection.info.port)
        if self._host not in {None, host} and is_for_writing(connection):
            self._answered_at = asyncio.get_running_loop().time()
            for each in self._working:
                _cut(each)
            self._undoubted.clear()
            await self._pool.drain()
        self._host = host
        self._undoubted.add(connection)
        set_json_loads(msgspec.json.decode, connection)
        with suppress(psycopg.errors.InvalidParameterValue):  # no system but Linux and macOS can do all of it
            await connection.execute(OURS)

    async def _connection(self, asked_at: float) -> _Asking:
        loop = asyncio.get_running_loop()
        while (left := self._patience_ends(asked_at) - loop.time()) > 0:
            with suppress(PoolTimeout):
                return await self._pool.getconn(timeout=min(left, _ASK_SECONDS))
        self._outages.away("no connection")
        raise DatabaseAway

    def _patience_ends(self, asked_at: float) -> float:
        return max(asked_at, self._answered_at) + _PATIENCE_SECONDS

    async def watch(self) -> None:
        """Until cancelled, find work whose request or answer was lost under way, and have it run again, once.

        It matters to work that may wait for an answer for longer than ANSWER_SECONDS.
        """
        before: dict[_Asking, tuple[float, Moved]] = {}
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            now = self._asked()
            silent = {each.pgconn.backend_pid: each for each, standing in now.items() if before.get(each) == standing}
            before = now
            if silent:
                with suppress(psycopg.Error, DatabaseAway):  # then there is no other connection either
                    waiting = await self.run(partial(waiting_for_client, pids=silent))
                    after = self._asked()
                    for each in (silent[pid] for pid in waiting):
                        if after.get(each) == now[each]:
                            self._outages.stalled()
                            each.is_lost = True
                            _cut(each)

    def _asked(self) -> dict[_Asking, tuple[float, Moved]]:
        """Connections on which an answer is waited for: since when, and what has moved."""
        asked = (each for each in self._working if each.is_asked and each.is_watched)
        return {each: (each.asked_at, counted) for each in asked if (counted := moved(each))}

    async def probe(self) -> None:
        """Return when the database answers; raises DatabaseAway."""

        async def ask(connection: Connection) -> None:
            await connection.execute("SELECT 1")

        await self.run(ask)


def _cut(connection: Connection) -> None:
    """End both directions of the socket, so that whoever waits on it reads an end of file."""
    if not connection.closed:
        with socket_of(connection) as duplicate, suppress(OSError):  # it was reset, and nobody has read that yet
            duplicate.shutdown(socket.SHUT_RDWR)


def open_database(database_url: str, *, connections: int) -> AbstractAsyncContextManager[Database]:
    """A Database of up to `connections`; it opens whether or not Postgres is there yet."""
    return Database(database_url, connections=connections).opened()
