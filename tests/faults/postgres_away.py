"""A Postgres that is killed, restarted, frozen, stopped, or out of connections."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
import psycopg
from support.database import frozen, kill, processes
from support.waiting import deadline

from faults.postgres_stage import server_of, stage, wait_while_away
from faults.stage import Stage
from faults.trial import Trial

_TERMINATE_OURS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fake-email'"


def _kill(stage: Stage, chance: random.Random, seconds: float) -> None:
    """Kill the postmaster alone, whose children then notice by themselves, or all processes at once."""
    server = server_of(stage)
    if chance.random() < 0.5:
        psutil.Process(server.postmaster_pid).kill()
    else:
        kill(server)
    time.sleep(seconds)
    server.start()


def _kill_one(stage: Stage, chance: random.Random, _seconds: float) -> None:
    """Kill one child: the postmaster ends all other children, recovers, and goes on."""
    _, *children = processes(server_of(stage))
    chance.choice(children).kill()


def _restart(stage: Stage, _chance: random.Random, _seconds: float) -> None:
    server = server_of(stage)
    server.stop()
    server.start()


def _freeze(stage: Stage, _chance: random.Random, seconds: float) -> None:
    with frozen(server_of(stage)):
        wait_while_away(stage, seconds)


def _refuse(stage: Stage, _chance: random.Random, seconds: float) -> None:
    server = server_of(stage)
    server.stop()
    wait_while_away(stage, seconds)
    server.start()


def _use_up_connections(stage: Stage, _chance: random.Random, seconds: float) -> None:
    with _all_connections_taken(stage.database_url):
        wait_while_away(stage, seconds)


@contextmanager
def _all_connections_taken(database_url: str) -> Iterator[None]:
    """Hold all connections during the block, the reserved ones too; the services' connections are terminated first."""
    with ExitStack() as others:
        first = others.enter_context(psycopg.connect(database_url, autocommit=True))
        for _ in deadline():
            ours = len(first.execute(_TERMINATE_OURS).fetchall())
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
    Trial(name="Postgres: too many connections", stage=stage, fault=_use_up_connections, seconds=5, short_seconds=1),
)
