"""Migrations under load: slow ones, two migrators at once, one that is killed, and one that waits for a lock."""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg
from support.database import MIGRATIONS, own_postgres
from support.harness import COMMANDS
from support.waiting import DEADLINE_SECONDS, deadline

from faults.stage import Stage, running_stage
from faults.trial import Fault, Scale, Trial

_RUNNING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s AND state = 'active' AND pid <> pg_backend_pid()"
_SLOW = (
    "LOCK TABLE message IN ACCESS EXCLUSIVE MODE; ALTER TABLE message ADD COLUMN slow_{number} text",
    "LOCK TABLE mailbox IN ACCESS EXCLUSIVE MODE; ALTER TABLE mailbox ADD COLUMN slow_{number} bigint DEFAULT 1",
    "CREATE INDEX slow_{number} ON message (received_at)",
)


class MigrationStage(Stage, frozen=True, kw_only=True):
    """A pair whose trials add migrations to the released ones, each in a file of its own."""

    migrations: Path


@contextmanager
def stage(directory: Path, scale: Scale) -> Iterator[MigrationStage]:
    """A pair on a server with few connections."""
    migrations = shutil.copytree(MIGRATIONS, directory / "migrations")
    with (
        own_postgres({"max_connections": "40"}) as server,
        running_stage(server.url, directory, restart_seconds=scale.restart_seconds) as stage,
    ):
        yield MigrationStage(migrations=migrations, **msgspec.structs.asdict(stage))


def _two_at_once(stage: Stage, chance: random.Random, seconds: float) -> None:
    path = _write(stage, f"{chance.choice(_SLOW)}; SELECT pg_sleep({seconds})")
    outcomes = [_outcome(each) for each in [_migrate(stage), _migrate(stage)]]
    assert sorted(outcomes) == [(0, f"applied {path.name}"), (0, "nothing to apply: the schema is up to date")], (
        outcomes
    )


def _killed(stage: Stage, chance: random.Random, seconds: float) -> None:
    """Kill the migrator: the server must soon cancel the statement that it left running."""
    path = _write(stage, f"{chance.choice(_SLOW)}; SELECT pg_sleep(60)")
    migrator = _migrate(stage)
    _await_running(stage, "%slow%pg_sleep%")
    time.sleep(seconds)
    migrator.kill()
    migrator.communicate()
    path.unlink()


def _behind_a_reader(stage: Stage, chance: random.Random, seconds: float) -> None:
    """Make the migrator and all later statements wait for a reader, until its lock times out; then migrate again."""
    path = _write(stage, f"SET LOCAL lock_timeout = '{seconds}s'; {chance.choice(_SLOW[:2])}")
    with psycopg.connect(stage.database_url) as reader:
        reader.execute("SELECT FROM message, mailbox LIMIT 1")
        status, output = _outcome(_migrate(stage))
        assert (status, "lock timeout" in output) == (1, True), output
    assert _outcome(_migrate(stage)) == (0, f"applied {path.name}")


def _write(stage: Stage, sql: str) -> Path:
    assert isinstance(stage, MigrationStage)
    number = len(list(stage.migrations.iterdir())) + 1
    path = stage.migrations / f"{number:04}_slow.sql"
    path.write_text(sql.format(number=number))
    return path


def _migrate(stage: Stage) -> subprocess.Popen[str]:
    assert isinstance(stage, MigrationStage)
    return subprocess.Popen(
        [COMMANDS / "fake-email", "migrate", "--migrations", stage.migrations],
        env=os.environ | {"DATABASE_URL": stage.database_url, "LOG_LEVEL": "warning"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _outcome(migrator: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = migrator.communicate(timeout=3 * DEADLINE_SECONDS)
    return migrator.returncode, output.strip()


def _await_running(stage: Stage, query: str) -> None:
    with psycopg.connect(stage.database_url, autocommit=True) as connection:
        for _ in deadline():
            if connection.execute(_RUNNING, [query]).fetchone() == (1,):
                return
    raise AssertionError("no migration is running")


def _trial(name: str, fault: Fault, *, seconds: float, short_seconds: float) -> Trial:
    # Half of the load: mail queues behind a lock, and readers of one message at a time fall behind.
    return Trial(
        name=name, stage=stage, fault=fault, times=3, seconds=seconds, short_seconds=short_seconds, load_share=0.5
    )


TRIALS = (
    _trial("migration: slow, two migrators", _two_at_once, seconds=6, short_seconds=0.5),
    _trial("migration: killed in the middle", _killed, seconds=3, short_seconds=0.5),
    _trial("migration: behind a reader", _behind_a_reader, seconds=5, short_seconds=0.5),
)
