"""A Postgres whose disk is full."""

import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psutil
import psycopg
from postgres import EmbeddedPostgres
from postgres_cluster import PostgresError
from support.database import MIGRATIONS
from support.waiting import DEADLINE_SECONDS, deadline

from fake_email.postgres import migrate
from faults.disk import filled, small_disk
from faults.ledger import Ledger
from faults.postgres_stage import PostgresStage, running_on, server_of
from faults.stage import Stage
from faults.trial import Scale, Trial

_DISK_OCTETS = 160 * 1_048_576
_SETTINGS = {"max_connections": "40", "min_wal_size": "32MB", "max_wal_size": "48MB"}
_WRITE_LOG = "SELECT pg_logical_emit_message(true, 'filler', repeat('x', 1000000))"
_RETRY_SECONDS = 0.1
_SHARE_OF_CHECKPOINTS = 0.5


class DiskStage(PostgresStage, frozen=True, kw_only=True):
    """A pair on a server with its data on a small disk."""

    disk: Path


@contextmanager
def data_on_disk(directory: Path, scale: Scale) -> Iterator[DiskStage]:
    """A pair on a server with its data on the small disk and its write-ahead log elsewhere."""
    with small_disk(directory / "disk", octets=_DISK_OCTETS) as disk, _server(disk) as server:
        server.stop()
        log = disk / "postgres" / "pg_wal"
        subprocess.run(["mv", log, directory], check=True)
        log.symlink_to(directory / "pg_wal")
        server.start()
        with _disk_stage(server, disk, directory, scale) as stage:
            yield stage


@contextmanager
def all_on_disk(directory: Path, scale: Scale) -> Iterator[DiskStage]:
    """A pair on a server with its data and its write-ahead log on the small disk."""
    with (
        small_disk(directory / "disk", octets=_DISK_OCTETS) as disk,
        _server(disk) as server,
        _disk_stage(server, disk, directory, scale) as stage,
    ):
        yield stage


@contextmanager
def _server(disk: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(disk / "postgres", settings=_SETTINGS)
    try:
        server.start()
        with psycopg.connect(server.url, autocommit=True) as connection:
            migrate.migrate(connection, migrate.read(MIGRATIONS))
        yield server
    finally:
        server.stop()


@contextmanager
def _disk_stage(server: EmbeddedPostgres, disk: Path, directory: Path, scale: Scale) -> Iterator[DiskStage]:
    with running_on(server, directory, scale) as stage:
        yield DiskStage(disk=disk, **msgspec.structs.asdict(stage))


def _fill_data(stage: Stage, chance: random.Random, seconds: float) -> None:
    """Statements fail; at a checkpoint Postgres ends its processes and refuses new connections."""
    with filled(disk_of(stage)):
        time.sleep(seconds / 2)
        if chance.random() < _SHARE_OF_CHECKPOINTS:
            with suppress(psycopg.Error), psycopg.connect(stage.database_url, autocommit=True) as connection:
                connection.execute("CHECKPOINT")
        time.sleep(seconds / 2)


def _fill_all(stage: Stage, _chance: random.Random, seconds: float) -> list[str]:
    """Postgres ends when it cannot write its log; it is started again and again."""
    server = server_of(stage)
    had_space = True
    with filled(disk_of(stage)):
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            try:
                if not _is_running(server):
                    server.start()
                with psycopg.connect(server.url, autocommit=True) as connection:
                    while time.monotonic() < ends_at:
                        connection.execute(_WRITE_LOG)
            except (psycopg.Error, PostgresError):
                had_space = False
            time.sleep(_RETRY_SECONDS)
    reason: Exception | None = None
    for _ in deadline(3 * DEADLINE_SECONDS):
        try:
            if not _is_running(server):
                server.start()
            psycopg.connect(server.url).close()
        except psycopg.Error as error:
            reason = error
        else:
            return ["Postgres had disk space throughout the fault"] if had_space else []
    raise AssertionError(f"Postgres did not come back: {reason}")


def _is_running(server: EmbeddedPostgres) -> bool:
    try:
        return psutil.Process(server.postmaster_pid).status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, PostgresError):
        return False


def disk_of(stage: Stage) -> Path:
    """Return the small disk of a stage that this module made."""
    assert isinstance(stage, DiskStage)
    return stage.disk


def _was_full(ledger: Ledger) -> list[str]:
    return [] if ledger.replies.get(452) else ["no message was deferred with 452"]


TRIALS = (
    Trial(
        name="disk of Postgres' data full",
        stage=data_on_disk,
        fault=_fill_data,
        times=3,
        seconds=6,
        short_seconds=1,
        unmet=_was_full,
    ),
    Trial(
        name="disk of Postgres full",
        stage=all_on_disk,
        fault=_fill_all,
        times=3,
        seconds=6,
        short_seconds=1.5,
    ),
)
