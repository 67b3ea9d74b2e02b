"""One connection to Postgres: its parameters, its session settings, and a deadline for each answer of the server."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import psycopg
import psycopg.conninfo
from psycopg.abc import PQGen
from psycopg.rows import TupleRow
from psycopg.waiting import Ready, Wait

from fake_email.postgres.hosts import HostConnection
from fake_email.postgres.tcp_progress import duplicate_socket

Connection = psycopg.AsyncConnection[TupleRow]
Result = TypeVar("Result")

ANSWER_SECONDS = 1.7
# A kept connection that waits for an answer is watched anew so often.
_LOOK_AGAIN_SECONDS = 0.1
# These find a dead peer within seconds instead of the kernel's two hours. Connecting takes five round trips, and each
# of them may take more than half a second.
_PARAMETERS = {
    "application_name": "fake-email",
    "connect_timeout": "4",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
# The server needs the same deadlines: until it notices that a client is gone, the session keeps its connection slot
# and its locks, and an abandoned statement keeps running or waiting for a lock. Each of these settings ends the whole
# connection; cancelling only the statement could report a commit that no replica has. A statement sets them because
# some poolers reject libpq's `options`.
SESSION_SETTINGS = """
    SELECT set_config(name, value, false)
    FROM (
        VALUES
            ('tcp_keepalives_idle', '5'),
            ('tcp_keepalives_interval', '2'),
            ('tcp_keepalives_count', '3'),
            ('tcp_user_timeout', '10s'),
            ('idle_in_transaction_session_timeout', '5s'),
            ('client_connection_check_interval', '1s')
    ) AS wanted (name, value)
    JOIN pg_settings USING (name)
    WHERE source <> 'client'
"""


def conninfo(database_url: str) -> str:
    """`database_url` with our time-outs filled in where it names none (libpq, "Parameter Key Words")."""
    given = psycopg.conninfo.conninfo_to_dict(database_url)
    return psycopg.conninfo.make_conninfo("", **{**_PARAMETERS, **given})


def why_unreachable(error: psycopg.Error) -> str:
    """The reason alone, without the parts of the URL that libpq repeats, which may include the password."""
    return str(error).strip().partition("\n")[0].rpartition(": ")[2]


@contextmanager
def cut_after(connection: Connection, seconds: float) -> Iterator[None]:
    """Cut the connection when the block takes longer, so that every pending read on it fails."""
    # Not asyncio.timeout: on cancellation psycopg asks the server for help, and the server may not answer that either.
    cutting = asyncio.get_running_loop().call_later(seconds, cut, connection)
    try:
        yield
    finally:
        cutting.cancel()


def cut(connection: Connection) -> None:
    """Shut down both directions of the socket, so that a pending read returns end of file."""
    if not connection.closed:
        with duplicate_socket(connection) as socket_, suppress(OSError):  # the peer may have reset it already
            socket_.shutdown(socket.SHUT_RDWR)


class TimedConnection(HostConnection):
    """A connection that is cut, and marked as late, when one answer takes longer than `answer_seconds`.

    After `keep_reading` the event loop reads on between statements, which costs less than to begin anew for each.
    """

    answer_seconds = ANSWER_SECONDS
    asked_at = 0.0
    is_asked = False
    is_watched = True
    is_late = False
    is_lost = False
    backend_pid = 0
    # The names of the statements that are prepared on it; None when it does not keep them.
    prepared_names: set[bytes] | None = None
    _read_socket: int | None = None
    _ready: asyncio.Future[Ready] | None = None

    async def wait(
        self,
        gen: PQGen[Result],
        interval: float = 0.1,
        timeout: float | None = None,  # noqa: ASYNC109  # psycopg's
    ) -> Result:
        # Every round trip passes here. Work of many round trips on a slow link is slow, not stuck.
        loop = asyncio.get_running_loop()
        self.asked_at = loop.time()
        self.is_asked = True
        giving_up = loop.call_later(self.answer_seconds, self._give_up)
        try:
            if self._read_socket is not None:
                return await self._wait_kept(gen, self._read_socket)
            return await super().wait(gen, interval, timeout)
        finally:
            self.is_asked = False
            giving_up.cancel()

    def _give_up(self) -> None:
        self.is_late = True
        self.backend_pid = self.pgconn.backend_pid
        cut(self)

    def keep_reading(self) -> None:
        """Read on between statements, until `stop_reading` or the end of the connection."""
        self._read_socket = self.fileno()
        asyncio.get_running_loop().add_reader(self._read_socket, self._can_read)

    def stop_reading(self) -> None:
        """Read during statements only."""
        # libpq closes its socket when the server has; the number may soon be that of another socket.
        if self._read_socket is not None:
            asyncio.get_running_loop().remove_reader(self._read_socket)
            self._read_socket = None

    async def close(self) -> None:
        self.stop_reading()
        await super().close()

    def _can_read(self) -> None:
        if self._ready is None:
            self._read_unasked()
        else:
            self._set_ready(Ready.R)

    def _set_ready(self, ready: Ready) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(ready)

    def _read_unasked(self) -> None:
        """Read a notice or a changed parameter, or notice that the server has closed the connection."""
        try:
            self.pgconn.consume_input()
        except psycopg.OperationalError:
            self.stop_reading()

    async def _wait_kept(self, gen: PQGen[Result], read_socket: int) -> Result:
        loop = asyncio.get_running_loop()
        try:
            wanted = next(gen)
            while True:
                self._ready = loop.create_future()
                looking_again = loop.call_later(_LOOK_AGAIN_SECONDS, self._set_ready, Ready.NONE)
                if wanted & Wait.W:
                    loop.add_writer(read_socket, self._set_ready, Ready.W)
                try:
                    ready = await self._ready
                finally:
                    self._ready = None
                    looking_again.cancel()
                    if wanted & Wait.W:
                        loop.remove_writer(read_socket)
                if ready == Ready.NONE and not self.closed:
                    # After an error on the socket, as a reset is one, uvloop calls the reader once and then no more.
                    loop.remove_reader(read_socket)
                    loop.add_reader(read_socket, self._can_read)
                else:
                    wanted = gen.send(ready or Ready.R)
        except StopIteration as end:
            result: Result = end.value
            return result
        except asyncio.CancelledError:
            await self.close()  # its answer would be taken for that of the next statement
            raise
        finally:
            if self.closed:
                self.stop_reading()
