"""Checks that a server with replicas is still the primary, and that its commits reached a replica.

libpq checks `target_session_attrs` only when it connects. Later the server itself reports when it stops taking writes
(PostgreSQL, "ParameterStatus": reported since version 14).
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import msgspec
import psycopg
from psycopg.rows import TupleRow, class_row

from fake_email.postgres.hosts import WRITABLE

Connection = psycopg.AsyncConnection[TupleRow]

_REPORTED = (b"in_hot_standby", b"default_transaction_read_only")
# The Postgres function that warns of a cancelled wait; the text of the warning is in the server's language.
_WAITS_FOR_REPLICA = "SyncRepWaitForLSN"
_ACTIVE = """
    SELECT pid, wait_event IS NOT DISTINCT FROM 'SyncRep' AS waits_for_replica
    FROM pg_stat_activity
    WHERE pid = ANY(%(pids)s) AND state = 'active'
"""


class Demoted(psycopg.OperationalError):
    """The server no longer takes writes; the connection to it was closed."""


class NotReplicated(psycopg.OperationalError):
    """A commit's wait for its replica was cancelled: the commit may be lost together with this server."""


class _Backend(msgspec.Struct, frozen=True, kw_only=True):
    pid: int
    waits_for_replica: bool


@asynccontextmanager
async def checked(connection: Connection) -> AsyncIterator[None]:
    """Raise NotReplicated or Demoted when an answer of the server within the block cannot be relied upon."""
    is_cancelled = False

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        nonlocal is_cancelled
        is_cancelled = is_cancelled or notice.source_function == _WAITS_FOR_REPLICA

    connection.add_notice_handler(hear)
    try:
        yield
    except psycopg.errors.ReadOnlySqlTransaction as error:
        await connection.close()
        raise Demoted from error
    finally:
        connection.remove_notice_handler(hear)
    if is_cancelled:
        raise NotReplicated
    if is_demoted(connection):
        await connection.close()
        raise Demoted


def is_demoted(connection: Connection) -> bool:
    """True when the server takes no writes although the URL asks for a server that does."""
    reported = {connection.pgconn.parameter_status(name) for name in _REPORTED}
    return b"on" in reported and wants_primary(connection)


def wants_primary(connection: Connection) -> bool:
    """True when the URL asks, among its hosts, for the one that takes writes."""
    return connection.info.get_parameters().get("target_session_attrs") in WRITABLE


async def active_backends(connection: Connection, pids: Collection[int]) -> dict[int, bool]:
    """The backends among `pids`, of our own role, that still work, and whether each waits for a replica."""
    async with connection.cursor(row_factory=class_row(_Backend)) as cursor:
        await cursor.execute(_ACTIVE, {"pids": list(pids)})
        return {backend.pid: backend.waits_for_replica async for backend in cursor}
