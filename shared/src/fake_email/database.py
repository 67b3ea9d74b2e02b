"""The way to Postgres: a pool that answers, or says within a deadline that the database is away."""

import asyncio
import math
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import psycopg
import psycopg.conninfo
import structlog
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from fake_email.errors import DatabaseAway, DatabaseFull

Connection = psycopg.AsyncConnection[TupleRow]
Result = TypeVar("Result")

log = structlog.get_logger()

# A peer that has gone without a word is found out in seconds, not in the kernel's two hours.
_PARAMETERS = {
    "application_name": "fake-email",
    "connect_timeout": "2",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
ANSWER_SECONDS = 1.7
# A caller waits this long for a connection, counted anew whenever the database answered somebody.
_PATIENCE_SECONDS = 1.5
# The pool tries to connect when somebody asks; asking anew this often is what finds a database that is back.
_ASK_SECONDS = 0.25
_TELL_AGAIN_SECONDS = 60.0


def conninfo(database_url: str) -> str:
    """`database_url` with what it leaves open about time-outs filled in (libpq, "Parameter Key Words")."""
    given = psycopg.conninfo.conninfo_to_dict(database_url)
    return psycopg.conninfo.make_conninfo("", **{**_PARAMETERS, **given})


def why_unreachable(error: psycopg.Error) -> str:
    """The reason alone: before it libpq repeats parts of the URL, of one that is miswritten even the password."""
    return str(error).strip().partition("\n")[0].rpartition(": ")[2]


class Database:
    """A pool of autocommit connections; nobody waits for it without end."""

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        self._pool = pool
        # In front of the pool, so that callers are served in the order they came.
        self._turns = asyncio.Semaphore(pool.max_size)
        self._answered_at = 0.0
        self._away = False
        self._told_full_at = -math.inf

    async def run(
        self, work: Callable[[Connection], Awaitable[Result]], *, answer_seconds: float = ANSWER_SECONDS
    ) -> Result:
        """What `work` returns; it runs again on another connection when the first turns out broken.

        So `work` is safe to repeat. Raises DatabaseAway when there is no connection or no answer in time, and
        DatabaseFull when the disk has no room for what `work` writes.
        """
        asked_at = asyncio.get_running_loop().time()
        # Without a deadline, which would cost the place in the row: who has a connection gives it back in time.
        async with self._turns:
            return await self._run(work, asked_at, answer_seconds)

    async def _run(
        self, work: Callable[[Connection], Awaitable[Result]], asked_at: float, answer_seconds: float
    ) -> Result:
        loop = asyncio.get_running_loop()
        while True:
            connection = await self._connection(asked_at)
            # Not asyncio.timeout: cancelling makes psycopg ask a server for help that may not answer either.
            cut = loop.call_later(answer_seconds, _cut, connection)
            try:
                result = await work(connection)
            except psycopg.errors.DiskFull as error:
                self._answered_at = loop.time()
                self._tell_back()
                self._tell_full()
                raise DatabaseFull(str(DatabaseFull.__doc__)) from error
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                if connection.closed and loop.time() < self._patience_ends(asked_at):
                    continue
                self._tell_away(type(error).__name__)
                raise DatabaseAway(str(DatabaseAway.__doc__)) from error
            else:
                self._answered_at = loop.time()
                self._tell_back()
                return result
            finally:
                cut.cancel()
                await self._pool.putconn(connection)

    async def _connection(self, asked_at: float) -> Connection:
        loop = asyncio.get_running_loop()
        while (left := self._patience_ends(asked_at) - loop.time()) > 0:
            with suppress(PoolTimeout):
                return await self._pool.getconn(timeout=min(left, _ASK_SECONDS))
        self._tell_away("no connection")
        raise DatabaseAway(str(DatabaseAway.__doc__))

    def _patience_ends(self, asked_at: float) -> float:
        return max(asked_at, self._answered_at) + _PATIENCE_SECONDS

    async def probe(self) -> None:
        """Return when the database answers; raises DatabaseAway."""

        async def ask(connection: Connection) -> None:
            await connection.execute("SELECT 1")

        await self.run(ask)

    def _tell_away(self, reason: str) -> None:
        if not self._away:
            self._away = True
            log.warning("database_away", reason=reason)

    def _tell_back(self) -> None:
        if self._away:
            self._away = False
            log.info("database_back")

    def _tell_full(self) -> None:
        """Once in a while: what is read goes on, and what is small may still find room, so there is no clear end."""
        now = asyncio.get_running_loop().time()
        if now - self._told_full_at > _TELL_AGAIN_SECONDS:
            self._told_full_at = now
            log.error("database_full")


def _cut(connection: Connection) -> None:
    """End both directions of the socket, so that whoever waits on it reads an end of file."""
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def open_database(database_url: str, *, connections: int) -> AsyncIterator[Database]:
    """A Database of up to `connections`; it opens whether or not Postgres is there yet."""
    pool = AsyncConnectionPool(
        conninfo(database_url),
        connection_class=Connection,
        kwargs={"autocommit": True},
        min_size=1,
        max_size=connections,
        reconnect_timeout=_ASK_SECONDS,
        open=False,
    )
    async with pool:
        yield Database(pool)
