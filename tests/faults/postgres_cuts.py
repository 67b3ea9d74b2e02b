"""Connections to Postgres that are terminated in each of their states."""

import random
import time
from collections import Counter

import psycopg
from support.waiting import deadline

from faults.postgres_stage import stage
from faults.stage import Stage
from faults.trial import Trial

# The states in which a connection is terminated.
_STATES = {
    "just made": "backend_start > clock_timestamp() - interval '10 milliseconds'",
    "before LISTEN": "query = '' AND backend_start > clock_timestamp() - interval '50 milliseconds'",
    "between LISTEN and the first read": "query LIKE 'LISTEN%'",
    "listening": "state = 'idle' AND (query = '' OR query LIKE 'SELECT id, last_seq FROM mailbox%')",
    "idle": "state = 'idle' AND query <> '' AND query NOT LIKE 'SELECT id, last_seq FROM mailbox%'",
    "storing": "state = 'active' AND query LIKE '%INSERT INTO message (%'",
    "staging": "state = 'active' AND query LIKE 'COPY staged_content%'",
    "in a transaction": "state = 'idle in transaction'",
    "any": "true",
}
_CERTAIN = {"listening", "idle", "storing"}
_SOON_AFTER_LISTENER_LOSS = {"before LISTEN", "between LISTEN and the first read"}
_FIND = "SELECT pid FROM pg_stat_activity WHERE application_name = 'fake-email' AND {} ORDER BY random() LIMIT 1"
_SEARCH_SECONDS = 0.1
_DELAY_SECONDS = 0.003


def _terminate_connections(stage: Stage, chance: random.Random, seconds: float) -> None:
    """Terminate connections for `seconds`, and until one was terminated in each of the `_CERTAIN` states."""
    ends_at = time.monotonic() + seconds
    terminated: Counter[str] = Counter()
    with psycopg.connect(stage.database_url, autocommit=True) as connection:
        for _ in deadline():
            if time.monotonic() > ends_at and terminated.keys() >= _CERTAIN:
                return
            for name in chance.sample(list(_STATES), len(_STATES)):
                if name in _SOON_AFTER_LISTENER_LOSS:
                    _terminate_one(connection, "listening")
                terminated.update(_terminate_one(connection, name, delay=chance.choice((0, chance.random()))))
    raise AssertionError(f"no connection was terminated in these states: {', '.join(_CERTAIN - terminated.keys())}")


def _terminate_one(connection: psycopg.Connection, name: str, *, delay: float = 0) -> list[str]:
    """Find a connection in this state and soon terminate it; return the name of the state, or nothing."""
    find = _FIND.format(_STATES[name]).encode()
    ends_at = time.monotonic() + _SEARCH_SECONDS
    while time.monotonic() < ends_at:
        row = connection.execute(find).fetchone()
        if row:
            time.sleep(delay * _DELAY_SECONDS)
            connection.execute("SELECT pg_terminate_backend(%s)", row)
            return [name]
    return []


TRIALS = (
    Trial(
        name="Postgres: connections ended",
        stage=stage,
        fault=_terminate_connections,
        times=2,
        seconds=10,
        short_seconds=1,
    ),
)
