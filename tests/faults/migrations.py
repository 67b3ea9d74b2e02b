"""The schema changes under load, slowly, by several migrators, by one that has to wait, by one that is killed."""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from support.harness import COMMANDS, DEADLINE_SECONDS, MIGRATIONS, deadline, own_postgres

from faults.stage import Stage, staged
from faults.trial import Fault, Scale, Trial

_IS_AT_IT = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s AND state = 'active' AND pid <> pg_backend_pid()"
_SLOW = (
    "LOCK TABLE message IN ACCESS EXCLUSIVE MODE; ALTER TABLE message ADD COLUMN slow_{number} text",
    "LOCK TABLE mailbox IN ACCESS EXCLUSIVE MODE; ALTER TABLE mailbox ADD COLUMN slow_{number} bigint DEFAULT 1",
    "CREATE INDEX slow_{number} ON message (received_at)",
)


class Migrated(Stage, frozen=True, kw_only=True):
    """A pair whose schema goes on from the released one; each migration of a trial has a file of its own."""

    migrations: Path


@contextmanager
def stage(directory: Path, scale: Scale) -> Iterator[Migrated]:
    """A pair on a server that has no connections to spare."""
    migrations = shutil.copytree(MIGRATIONS, directory / "migrations")
    with (
        own_postgres({"max_connections": "40"}) as server,
        staged(server.url, directory, restart_seconds=scale.restart_seconds) as stage,
    ):
        yield Migrated(migrations=migrations, **{name: getattr(stage, name) for name in Stage.__struct_fields__})


def _two_at_once(stage: Stage, chance: random.Random, seconds: float) -> None:
    path = _write(stage, f"{chance.choice(_SLOW)}; SELECT pg_sleep({seconds})")
    ended = [_outcome(each) for each in [_migrate(stage), _migrate(stage)]]
    assert sorted(ended) == [(0, f"applied {path.name}"), (0, "nothing to apply: the schema is up to date")], ended


def _killed(stage: Stage, chance: random.Random, seconds: float) -> None:
    """The server works on for a migrator that is gone: not for long."""
    path = _write(stage, f"{chance.choice(_SLOW)}; SELECT pg_sleep(60)")
    migrator = _migrate(stage)
    _await_at_it(stage, "%slow%pg_sleep%")
    time.sleep(seconds)
    migrator.kill()
    migrator.communicate()
    path.unlink()


def _behind_a_reader(stage: Stage, chance: random.Random, seconds: float) -> None:
    """Who comes behind the migrator waits with it, until it gives up; it is run again when the reader is through."""
    path = _write(stage, f"SET LOCAL lock_timeout = '{seconds}s'; {chance.choice(_SLOW[:2])}")
    with psycopg.connect(stage.database_url) as reader:
        reader.execute("SELECT FROM message, mailbox LIMIT 1")
        status, said = _outcome(_migrate(stage))
        assert (status, "lock timeout" in said) == (1, True), said
    assert _outcome(_migrate(stage)) == (0, f"applied {path.name}")


def _write(stage: Stage, sql: str) -> Path:
    assert isinstance(stage, Migrated)
    number = len(list(stage.migrations.iterdir())) + 1
    path = stage.migrations / f"{number:04}_slow.sql"
    path.write_text(sql.format(number=number))
    return path


def _migrate(stage: Stage) -> subprocess.Popen[str]:
    assert isinstance(stage, Migrated)
    return subprocess.Popen(
        [COMMANDS / "fake-email", "migrate", "--migrations", stage.migrations],
        env=os.environ | {"DATABASE_URL": stage.database_url, "LOG_LEVEL": "warning"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _outcome(migrator: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = migrator.communicate(timeout=3 * DEADLINE_SECONDS)
    return migrator.returncode, said.strip()


def _await_at_it(stage: Stage, query: str) -> None:
    with psycopg.connect(stage.database_url, autocommit=True) as connection:
        for _ in deadline():
            if connection.execute(_IS_AT_IT, [query]).fetchone() == (1,):
                return
    raise AssertionError("nobody migrates")


def _trial(name: str, fault: Fault, *, seconds: float, short_seconds: float) -> Trial:
    # Half of the load: behind a lock mail piles up, and readers that ask for one message at a time fall behind.
    return Trial(name=name, stage=stage, fault=fault, times=3, seconds=seconds, short_seconds=short_seconds, share=0.5)


TRIALS = (
    _trial("migration: slow, two migrators", _two_at_once, seconds=6, short_seconds=0.5),
    _trial("migration: killed in the middle", _killed, seconds=3, short_seconds=0.5),
    _trial("migration: behind a reader", _behind_a_reader, seconds=5, short_seconds=0.5),
)
