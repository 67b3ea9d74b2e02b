"""A Postgres that is killed, restarted, frozen, gone, or full of other people."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
import psycopg
from support.harness import deadline, frozen, kill, processes

from faults.postgres_stage import server_of, stage, stay_away
from faults.stage import Stage
from faults.trial import Trial

_END_OURS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fake-email'"


def _kill(stage: Stage, chance: random.Random, seconds: float) -> None:
    """The postmaster alone, whose children find out by themselves, or everything at once."""
    server = server_of(stage)
    if chance.random() < 0.5:
        psutil.Process(server.postmaster_pid).kill()
    else:
        kill(server)
    time.sleep(seconds)
    server.start()


def _kill_one(stage: Stage, chance: random.Random, _seconds: float) -> None:
    """Its postmaster then ends all the others, recovers, and goes on."""
    _, *children = processes(server_of(stage))
    chance.choice(children).kill()


def _restart(stage: Stage, _chance: random.Random, _seconds: float) -> None:
    server = server_of(stage)
    server.stop()
    server.start()


def _freeze(stage: Stage, _chance: random.Random, seconds: float) -> None:
    with frozen(server_of(stage)):
        stay_away(stage, seconds)


def _refuse(stage: Stage, _chance: random.Random, seconds: float) -> None:
    server = server_of(stage)
    server.stop()
    stay_away(stage, seconds)
    server.start()


def _crowd_out(stage: Stage, _chance: random.Random, seconds: float) -> None:
    with _crowd(stage.database_url):
        stay_away(stage, seconds)


@contextmanager
def _crowd(database_url: str) -> Iterator[None]:
    """Others have all connections that there are, those kept back for the superuser too, since we end ours."""
    with ExitStack() as others:
        first = others.enter_context(psycopg.connect(database_url, autocommit=True))
        for _ in deadline():
            ours = len(first.execute(_END_OURS).fetchall())
            try:
                while True:
                    others.enter_context(psycopg.connect(database_url))
            except psycopg.OperationalError:
                if not ours:
                    break
        yield


TRIALS = (
    Trial(name="Postgres: kill -9 of the postmaster", stage=stage, fault=_kill, seconds=2, short_seconds=0.5),
    Trial(name="Postgres: kill -9 of any process of it", stage=stage, fault=_kill_one),
    Trial(name="Postgres: fast shutdown and start", stage=stage, fault=_restart),
    Trial(name="Postgres: SIGSTOP", stage=stage, fault=_freeze, times=2, seconds=20, short_seconds=2),
    Trial(name="Postgres: refused", stage=stage, fault=_refuse, times=1, seconds=60, short_seconds=1),
    Trial(name="Postgres: too many connections", stage=stage, fault=_crowd_out, seconds=5, short_seconds=1),
)
