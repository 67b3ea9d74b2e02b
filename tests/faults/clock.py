"""The clock of a host goes back an hour and forward again, or the other way round; nobody's monotonic clock does."""

import functools
import importlib.util
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from support.harness import deadline, own_postgres

from faults.stage import Stage, staged
from faults.trial import Scale, Trial, Unsupported

_HOUR = 3_600
_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"
# RFC 9562 §5.7: the first 48 bits of an id are smtp-ingest's time.
_IDS_PAST = """
    SELECT ('x' || left(translate(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0::float8
    FROM message
    WHERE ctid > %s
"""
_DISORDERED = """
    SELECT count(*)
    FROM (
        SELECT received_at <= lag(received_at) OVER (PARTITION BY mailbox_id ORDER BY seq) AS is_so
        FROM message
    ) AS pair
    WHERE is_so
"""


class Clocked(Stage, frozen=True, kw_only=True):
    """A pair on one host and its Postgres on another, each with a clock that can be set."""

    services_clock: "Clock"
    database_clock: "Clock"


class Clock:
    """The time of day of the processes that are started with `environ`."""

    def __init__(self, path: Path, library: str) -> None:
        self._path = path
        self.environ: Mapping[str, str] = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(path),
            "FAKETIME_CACHE_DURATION": "0",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.set(0)

    def set(self, seconds: int) -> None:
        """So far off the truth, forward or back; whoever looks at it again has it so within a second."""
        new = self._path.with_suffix(".new")
        new.write_text(f"{seconds:+}\n")
        new.chmod(0o644)
        new.replace(self._path)


@functools.cache
def library() -> Path | None:
    """What fakes the time of a process, where it does."""
    package = importlib.util.find_spec("libfaketime")
    if package is None or not package.submodule_search_locations:
        return None
    path = Path(package.submodule_search_locations[0]) / "vendor/libfaketime/src/libfaketime.so.1"
    program = [sys.executable, "-ISc", "import time; print(time.time() < 86_400)"]
    environ = {"LD_PRELOAD": str(path), "FAKETIME": "1970-01-01 12:00:00", "TZ": "UTC"}
    done = subprocess.run(program, env=environ, capture_output=True, text=True, check=False)
    return path if done.stdout == "True\n" else None


@contextmanager
def stage(directory: Path, scale: Scale) -> Iterator[Clocked]:
    """A pair and a Postgres that have their time from files."""
    found = library()
    if found is None:
        raise Unsupported("libfaketime does not fake the time of a process here")
    with tempfile.TemporaryDirectory(prefix="fake-email-clock-") as clocks:
        Path(clocks).chmod(0o755)  # the server is somebody else's process
        library_copy = shutil.copy(found, clocks)
        services_clock, database_clock = (Clock(Path(clocks) / name, library_copy) for name in ("services", "database"))
        with _clocked(directory, scale, services_clock, database_clock) as stage:
            yield stage


@contextmanager
def _clocked(directory: Path, scale: Scale, services_clock: Clock, database_clock: Clock) -> Iterator[Clocked]:
    prefix = ["env", *(f"{name}={value}" for name, value in database_clock.environ.items())]
    with (
        own_postgres(prefix=prefix) as server,
        staged(server.url, directory, restart_seconds=scale.restart_seconds, environ=services_clock.environ) as stage,
        _without_leavings(server.postmaster_pid, stage.smtp.service.pid, stage.http.service.pid),
    ):
        yield Clocked(
            services_clock=services_clock,
            database_clock=database_clock,
            **{name: getattr(stage, name) for name in Stage.__struct_fields__},
        )


@contextmanager
def _without_leavings(*pids: int) -> Iterator[None]:
    """What the library shares between processes, and forgets when they are killed, is removed after the block."""
    try:
        yield
    finally:
        for pid in pids:
            for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
                (Path("/dev/shm") / name).unlink(missing_ok=True)


def _of_all(stage: Stage, chance: random.Random, seconds: float) -> list[str]:
    return _jump(stage, chance, seconds, services=True, database=True)


def _of_services(stage: Stage, chance: random.Random, seconds: float) -> list[str]:
    return _jump(stage, chance, seconds, services=True, database=False)


def _of_database(stage: Stage, chance: random.Random, seconds: float) -> list[str]:
    return _jump(stage, chance, seconds, services=False, database=True)


def _jump(stage: Stage, chance: random.Random, seconds: float, *, services: bool, database: bool) -> list[str]:
    """Away from the truth and back to it, mail coming in all the time."""
    assert isinstance(stage, Clocked)
    with psycopg.connect(stage.database_url, autocommit=True) as connection:
        for off in (chance.choice((-_HOUR, _HOUR)), 0):
            if services:
                stage.services_clock.set(off)
            if database:
                stage.database_clock.set(off)
            _await_time(connection, off if services else 0, off if database else 0)
            time.sleep(seconds)
        [(disordered,)] = connection.execute(_DISORDERED).fetchall()
    return [f"received_at does not grow with seq in {disordered} cases"] if disordered else []


def _await_time(connection: psycopg.Connection, services: int, database: int) -> None:
    """Return when the database has this time, and stores what smtp-ingest began at that."""
    [(before,)] = connection.execute("SELECT max(ctid) FROM message").fetchall()
    for _ in deadline():
        [(now,)] = connection.execute(_NOW).fetchall()
        began = connection.execute(_IDS_PAST, [before]).fetchall()
        if _is_off(now, database) and any(_is_off(at, services) for (at,) in began):
            return
    raise AssertionError("nobody's clock was set")


def _is_off(at: float, seconds: int) -> bool:
    return abs(at - time.time() - seconds) < _HOUR / 2


TRIALS = (
    Trial(name="time: every host's clock", stage=stage, fault=_of_all, times=3, seconds=1),
    Trial(name="time: the services' clock", stage=stage, fault=_of_services, times=3, seconds=1),
    Trial(name="time: the database's clock", stage=stage, fault=_of_database, times=3, seconds=1),
)
