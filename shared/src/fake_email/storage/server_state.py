"""The database server as a whole: its version, our rights, its durability, its clock and its replicas."""

import datetime

import msgspec
from psycopg.rows import class_row

from fake_email.postgres.connection import Connection

# https://www.postgresql.org/docs/current/wal-reliability.html
NOT_DURABLE = """
    SELECT name
    FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'
    ORDER BY name
"""
_FETCH = f"""
    SELECT
        current_setting('server_version_num')::integer AS version_number,
        current_setting('server_version') AS version,
        current_setting('transaction_read_only')::boolean AS is_read_only,
        current_user::text AS role,
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
        ARRAY(
            SELECT relname::text
            FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace
            AND relname IN ('mailbox', 'message', 'schema_migration')
            AND NOT (
                has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
                AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')
            )
            ORDER BY relname
        ) AS denied_tables,
        ARRAY({NOT_DURABLE}) AS not_durable,
        clock_timestamp() AS now
"""  # noqa: S608  # put together from texts of this file
# A role that is not in pg_monitor sees no positions, so these replicas are left out. A client that only receives WAL
# replays nothing.
_FETCH_REPLICAS = """
    SELECT
        application_name AS name,
        pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(replay_lsn, flush_lsn))::bigint AS behind_octets
    FROM pg_stat_replication
    WHERE coalesce(replay_lsn, flush_lsn) IS NOT NULL
    ORDER BY behind_octets DESC
    LIMIT 10
"""
_FETCH_UNUSED_SLOTS = """
    SELECT slot_name::text AS name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS behind_octets
    FROM pg_replication_slots
    WHERE NOT active AND restart_lsn IS NOT NULL
    ORDER BY behind_octets DESC
    LIMIT 10
"""


class ServerState(msgspec.Struct, frozen=True, kw_only=True):
    """`not_durable` names the settings that may lose committed mail."""

    version_number: int
    version: str
    is_read_only: bool
    role: str
    may_create: bool
    denied_tables: list[str]
    not_durable: list[str]
    now: datetime.datetime


class Replica(msgspec.Struct, frozen=True, kw_only=True):
    """A replica, or the slot of one, and how much of the write-ahead log it lacks."""

    name: str
    behind_octets: int


async def fetch(connection: Connection) -> ServerState:
    """The state of the server; raises psycopg.Error."""
    async with connection.cursor(row_factory=class_row(ServerState)) as rows:
        await rows.execute(_FETCH)
        return await anext(aiter(rows))


async def fetch_replicas(connection: Connection) -> list[Replica]:
    """The replicas of a primary that the role may see, those farthest behind first."""
    async with connection.cursor(row_factory=class_row(Replica)) as rows:
        await rows.execute(_FETCH_REPLICAS)
        return await rows.fetchall()


async def fetch_unused_slots(connection: Connection) -> list[Replica]:
    """The replication slots of a primary that no replica uses and that keep its write-ahead log."""
    async with connection.cursor(row_factory=class_row(Replica)) as rows:
        await rows.execute(_FETCH_UNUSED_SLOTS)
        return await rows.fetchall()
