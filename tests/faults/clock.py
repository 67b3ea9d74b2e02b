"""Clocks that jump: the time of day of a host jumps by an hour and back; the monotonic clock does not."""

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

import msgspec
import psycopg
from support.database import own_postgres
from support.waiting import deadline

from faults.stage import Stage, running_stage
from faults.trial import Scale, Trial, Unsupported

_HOUR = 3_600
_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"
# RFC 9562 §5.7: the first 48 bits of an id are smtp-ingest's time.
_NEW_ID_TIMES = """
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


class ClockStage(Stage, frozen=True, kw_only=True):
    """A pair and its Postgres, each with a clock of its own that can be set."""

    services_clock: "Clock"
    database_clock: "Clock"


class Clock:
    """The time of day for processes that are started with `environ`."""

    def __init__(self, path: Path, library: str) -> None:
        self._path = path
        self.environ: Mapping[str, str] = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(path),
            "FAKETIME_CACHE_DURATION": "0",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.set(0)

    def set(self, seconds_ahead: int) -> None:
        """Set the clock this far ahead of the true time, or behind it; processes see it within a second."""
        new = self._path.with_suffix(".new")
        new.write_text(f"{seconds_ahead:+}\n")
        new.chmod(0o644)
        new.replace(self._path)


@functools.cache
def library() -> Path | None:
    """Return the path of libfaketime, or None where it does not fake the time of a process."""
    package = importlib.util.find_spec("libfaketime")
    if package is None or not package.submodule_search_locations:
        return None
    path = Path(package.submodule_search_locations[0]) / "vendor/libfaketime/src/libfaketime.so.1"
    program = [sys.executable, "-ISc", "import time; print(time.time() < 86_400)"]
    environ = {"LD_PRELOAD": str(path), "FAKETIME": "1970-01-01 12:00:00", "TZ": "UTC"}
    done = subprocess.run(program, env=environ, capture_output=True, text=True, check=False)
    return path if done.stdout == "True\n" else None


@contextmanager
def stage(directory: Path, scale: Scale) -> Iterator[ClockStage]:
    """A pair and a Postgres that read their time from files."""
    found = library()
    if found is None:
        raise Unsupported("libfaketime does not fake the time of a process here")
    with tempfile.TemporaryDirectory(prefix="fake-email-clock-") as clocks:
        Path(clocks).chmod(0o755)  # the server runs as another user
        library_copy = shutil.copy(found, clocks)
        services_clock, database_clock = (Clock(Path(clocks) / name, library_copy) for name in ("services", "database"))
        with _clock_stage(directory, scale, services_clock, database_clock) as stage:
            yield stage


@contextmanager
def _clock_stage(directory: Path, scale: Scale, services_clock: Clock, database_clock: Clock) -> Iterator[ClockStage]:
    prefix = ["env", *(f"{name}={value}" for name, value in database_clock.environ.items())]
    with (
        own_postgres(prefix=prefix) as server,
        running_stage(
            server.url, directory, restart_seconds=scale.restart_seconds, environ=services_clock.environ
        ) as stage,
        _removing_shared_memory(server.postmaster_pid, stage.smtp.service.pid, stage.http.service.pid),
    ):
        yield ClockStage(
            services_clock=services_clock,
            database_clock=database_clock,
            **msgspec.structs.asdict(stage),
        )


@contextmanager
def _removing_shared_memory(*pids: int) -> Iterator[None]:
    """Remove libfaketime's shared memory after the block: a killed process leaves it behind."""
    try:
        yield
    finally:
        for pid in pids:
            for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
                (Path("/dev/shm") / name).unlink(missing_ok=True)


def _all_clocks(stage: Stage, chance: random.Random, seconds: float) -> list[str]:
    return _jump(stage, chance, seconds, services=True, database=True)


def _services_clock(stage: Stage, chance: random.Random, seconds: float) -> list[str]:
    return _jump(stage, chance, seconds, services=True, database=False)


def _database_clock(stage: Stage, chance: random.Random, seconds: float) -> list[str]:
    return _jump(stage, chance, seconds, services=False, database=True)


def _jump(stage: Stage, chance: random.Random, seconds: float, *, services: bool, database: bool) -> list[str]:
    """Set the clocks an hour off and back again while mail comes in."""
    assert isinstance(stage, ClockStage)
    with psycopg.connect(stage.database_url, autocommit=True) as connection:
        for seconds_ahead in (chance.choice((-_HOUR, _HOUR)), 0):
            if services:
                stage.services_clock.set(seconds_ahead)
            if database:
                stage.database_clock.set(seconds_ahead)
            _await_time(connection, seconds_ahead if services else 0, seconds_ahead if database else 0)
            time.sleep(seconds)
        [(disordered,)] = connection.execute(_DISORDERED).fetchall()
    return [f"received_at does not increase with seq in {disordered} cases"] if disordered else []


def _await_time(connection: psycopg.Connection, services: int, database: int) -> None:
    """Return when the database's clock is set, and a message is stored whose id shows smtp-ingest's new time."""
    [(before,)] = connection.execute("SELECT max(ctid) FROM message").fetchall()
    for _ in deadline():
        [(now,)] = connection.execute(_NOW).fetchall()
        id_times = connection.execute(_NEW_ID_TIMES, [before]).fetchall()
        if _is_off(now, database) and any(_is_off(at, services) for (at,) in id_times):
            return
    raise AssertionError("no clock was set")


def _is_off(at: float, seconds: int) -> bool:
    return abs(at - time.time() - seconds) < _HOUR / 2


TRIALS = (
    Trial(name="time: every host's clock", stage=stage, fault=_all_clocks, times=3, seconds=1),
    Trial(name="time: the services' clock", stage=stage, fault=_services_clock, times=3, seconds=1),
    Trial(name="time: the database's clock", stage=stage, fault=_database_clock, times=3, seconds=1),
)
