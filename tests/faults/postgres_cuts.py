"""Connections to Postgres that are ended at every stage of their lives."""

import random
import time
from collections import Counter

import psycopg
from support.harness import deadline

from faults.postgres_stage import stage
from faults.stage import Stage
from faults.trial import Trial

# What a connection is at when it is ended; each is looked for over and over.
_STAGES = {
    "just made": "backend_start > clock_timestamp() - interval '10 milliseconds'",
    "before LISTEN": "query = '' AND backend_start > clock_timestamp() - interval '50 milliseconds'",
    "between LISTEN and the look": "query LIKE 'LISTEN%'",
    "listening": "state = 'idle' AND (query = '' OR query LIKE 'SELECT id, last_seq FROM mailbox%')",
    "idle": "state = 'idle' AND query <> '' AND query NOT LIKE 'SELECT id, last_seq FROM mailbox%'",
    "storing": "state = 'active' AND query LIKE '%WITH delivery AS%'",
    "staging": "state = 'active' AND query LIKE 'COPY staged_content%'",
    "in a transaction": "state = 'idle in transaction'",
    "any": "true",
}
_CERTAIN = {"listening", "idle", "storing"}
_SOON_AFTER_A_LOSS = {"before LISTEN", "between LISTEN and the look"}
_LOOK = "SELECT pid FROM pg_stat_activity WHERE application_name = 'fake-email' AND {} ORDER BY random() LIMIT 1"
_LOOK_SECONDS = 0.1
_LATER_SECONDS = 0.003


def _end_connections(stage: Stage, chance: random.Random, seconds: float) -> None:
    """For so long, and until one was ended at each stage that every message and every listener goes through."""
    ends_at = time.monotonic() + seconds
    ended: Counter[str] = Counter()
    with psycopg.connect(stage.database_url, autocommit=True) as connection:
        for _ in deadline():
            if time.monotonic() > ends_at and ended.keys() >= _CERTAIN:
                return
            for name in chance.sample(list(_STAGES), len(_STAGES)):
                if name in _SOON_AFTER_A_LOSS:
                    _end_one(connection, "listening")
                ended.update(_end_one(connection, name, later=chance.choice((0, chance.random()))))
    raise AssertionError(f"no connection was ended while {', '.join(_CERTAIN - ended.keys())}")


def _end_one(connection: psycopg.Connection, name: str, *, later: float = 0) -> list[str]:
    """The name of the stage, when one was ended, a moment after it was seen there; none when none was there."""
    look = _LOOK.format(_STAGES[name]).encode()
    ends_at = time.monotonic() + _LOOK_SECONDS
    while time.monotonic() < ends_at:
        row = connection.execute(look).fetchone()
        if row:
            time.sleep(later * _LATER_SECONDS)
            connection.execute("SELECT pg_terminate_backend(%s)", row)
            return [name]
    return []


TRIALS = (
    Trial(
        name="Postgres: connections ended", stage=stage, fault=_end_connections, times=2, seconds=10, short_seconds=1
    ),
)
