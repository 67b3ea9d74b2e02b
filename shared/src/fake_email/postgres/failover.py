"""What must not be believed of a server beside which there are replicas: that it is still the one, and all it commits.

For libpq `target_session_attrs` counts when a connection is made. Afterwards the server says itself when it takes no
more writes (PostgreSQL, "ParameterStatus": reported since version 14).
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import msgspec
import psycopg
from psycopg.rows import TupleRow, class_row

Connection = psycopg.AsyncConnection[TupleRow]

_REPORTED = (b"in_hot_standby", b"default_transaction_read_only")
_FOR_WRITING = frozenset({"primary", "read-write"})
# The function of Postgres that says it; its words are in the server's language.
_WAITS_FOR_REPLICA = "SyncRepWaitForLSN"
_AT_IT = """
    SELECT pid, wait_event IS NOT DISTINCT FROM 'SyncRep' AS is_waiting
    FROM pg_stat_activity
    WHERE pid = ANY(%(pids)s) AND state = 'active'
"""


class _AtIt(msgspec.Struct, frozen=True):
    pid: int
    is_waiting: bool


class Demoted(psycopg.OperationalError):
    """The server takes no writes, or not any more; the connection to it was closed."""


class NotReplicated(psycopg.OperationalError):
    """A commit was to wait for a replica and somebody ended the wait: it may be lost with this server."""


@asynccontextmanager
async def believing(connection: Connection) -> AsyncIterator[None]:
    """Raise NotReplicated or Demoted when what was answered in the block does not stand."""
    waited_in_vain = False

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        nonlocal waited_in_vain
        waited_in_vain = waited_in_vain or notice.source_function == _WAITS_FOR_REPLICA

    connection.add_notice_handler(hear)
    try:
        yield
    except psycopg.errors.ReadOnlySqlTransaction as error:
        await connection.close()
        raise Demoted from error
    finally:
        connection.remove_notice_handler(hear)
    if waited_in_vain:
        raise NotReplicated
    if is_demoted(connection):
        await connection.close()
        raise Demoted


def is_demoted(connection: Connection) -> bool:
    """Whether the server takes no writes although the URL asks for one that does."""
    reported = {connection.pgconn.parameter_status(name) for name in _REPORTED}
    return b"on" in reported and is_for_writing(connection)


def is_for_writing(connection: Connection) -> bool:
    """Whether the URL, of however many hosts, asks for the one that takes writes."""
    return connection.info.get_parameters().get("target_session_attrs") in _FOR_WRITING


async def still_at_it(connection: Connection, pids: Collection[int]) -> dict[int, bool]:
    """Those of these processes of the server, of our own role, that work; and whether they wait for a replica."""
    async with connection.cursor(row_factory=class_row(_AtIt)) as cursor:
        await cursor.execute(_AT_IT, {"pids": list(pids)})
        return {each.pid: each.is_waiting for each in await cursor.fetchall()}
