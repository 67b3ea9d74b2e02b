"""Applies migrations, which are plain SQL files: forward only, one transaction a file, one migrator at a time."""

import hashlib
import re
from contextlib import suppress
from pathlib import Path

import msgspec
import psycopg
import structlog
from psycopg.rows import class_row, scalar_row

from fake_email.errors import MigrationError, NewerSchema
from fake_email.postgres.connection import SESSION_SETTINGS

log = structlog.get_logger()

_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_ADVISORY_LOCK = 0x66616B65  # "fake"; nothing else in this database takes this lock
_LOCK = "SELECT pg_advisory_lock(%(key)s)"
_UNLOCK = "SELECT pg_advisory_unlock(%(key)s)"
_CREATE = """
    CREATE TABLE IF NOT EXISTS schema_migration (
        version integer CONSTRAINT schema_migration_pkey PRIMARY KEY,
        name text NOT NULL,
        sha256 text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""
_EXISTS = "SELECT to_regclass('schema_migration') IS NOT NULL"
_READ = "SELECT version, name, sha256 FROM schema_migration ORDER BY version"
_WRITE = "INSERT INTO schema_migration (version, name, sha256) VALUES (%(version)s, %(name)s, %(sha256)s)"
# Every statement queues behind a migration that waits for a lock, so a migration soon fails and can be run again.
_LOCK_TIMEOUT = "SET lock_timeout = '5s'"
_MIGRATOR_TIMEOUT = "SET lock_timeout = '10min'"


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """An applied migration, as the database records it."""

    version: int
    name: str
    sha256: str


class Migration(Applied, frozen=True, kw_only=True):
    """A migration file."""

    sql: bytes


def read(directory: Path) -> list[Migration]:
    """The files `NNNN_name.sql` of `directory`, in order.

    Raises MigrationError when a name has another form, or a number is missing or used twice.
    """
    migrations = []
    for path in sorted(directory.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if not match:
            raise MigrationError(f"{path.name}: the name of a migration has the form 0001_what_it_does.sql")
        sql = path.read_bytes()
        migrations.append(
            Migration(version=int(match[1]), name=path.name, sha256=hashlib.sha256(sql).hexdigest(), sql=sql)
        )
    if not migrations:
        raise MigrationError(
            f"no migration in {directory}: run this in the directory that holds db/migrations, or give --migrations"
        )
    if [each.version for each in migrations] != list(range(1, len(migrations) + 1)):
        raise MigrationError(f"the numbers in {directory} are not 1, 2, 3 and so on: one is missing or used twice")
    return migrations


def migrate(connection: psycopg.Connection, migrations: list[Migration]) -> list[str]:
    """Apply the pending migrations, and return the names of their files.

    `connection` is in autocommit. Raises MigrationError when an applied file has changed, when the database has a
    migration that the files do not have, or when a file fails; the files before it stay applied.
    """
    with suppress(psycopg.errors.InvalidParameterValue):
        connection.execute(SESSION_SETTINGS)
    connection.execute(_MIGRATOR_TIMEOUT)
    connection.execute(_LOCK, {"key": _ADVISORY_LOCK})
    try:
        connection.execute(_LOCK_TIMEOUT)
        connection.execute(_CREATE)
        to_apply = pending(connection, migrations)
        for migration in to_apply:
            _apply(connection, migration)
        return [migration.name for migration in to_apply]
    finally:
        if not connection.closed:
            connection.execute(_UNLOCK, {"key": _ADVISORY_LOCK})


def pending(connection: psycopg.Connection, migrations: list[Migration]) -> list[Migration]:
    """The migrations that `migrate` would apply; raises MigrationError when those applied differ from the files."""
    applied = _applied(connection)
    if len(applied) > len(migrations):
        raise NewerSchema(
            f"the database is at {applied[-1].name}, which is not among these files: use the release that applied it"
        )
    for known, migration in zip(applied, migrations, strict=False):
        if known.sha256 != migration.sha256:
            raise MigrationError(
                f"{migration.name} is not the file that was applied as {known.name}: "
                "restore it, and put the change into a new file"
            )
    return migrations[len(applied) :]


def _applied(connection: psycopg.Connection) -> list[Applied]:
    with connection.cursor(row_factory=scalar_row) as cursor:
        if not cursor.execute(_EXISTS).fetchone():
            return []
    with connection.cursor(row_factory=class_row(Applied)) as rows:
        return rows.execute(_READ).fetchall()


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    try:
        with connection.transaction():
            connection.execute(migration.sql)
            connection.execute(
                _WRITE, {"version": migration.version, "name": migration.name, "sha256": migration.sha256}
            )
    except psycopg.Error as error:
        raise MigrationError(f"{migration.name} failed and was rolled back: {str(error).strip()}") from error
    log.info("migration_applied", name=migration.name)
