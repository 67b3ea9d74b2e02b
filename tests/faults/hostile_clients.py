"""Hostile clients: they hold connections and send as much as they can while ordinary mail flows."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import psycopg
from support.database import own_postgres

from faults.hostile_load import Crowd, Outcome, Start, Stop
from faults.program import running_program
from faults.stage import Stage, running_stage
from faults.trial import Scale, Trial

# The memory that unread responses may take; the rest of the crowd is there already.
_MOST_GROWTH = 200_000_000
_SAMPLE_SECONDS = 0.2

_STORED = """
    SELECT encode(sha256(content), 'hex')
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE mailbox.address = ANY(%s)
"""


@contextmanager
def stage(directory: Path, scale: Scale, **environ: str) -> Iterator[Stage]:
    """A pair on a Postgres without faults."""
    with (
        own_postgres() as server,
        running_stage(server.url, directory, restart_seconds=scale.restart_seconds, environ=environ) as stage,
    ):
        yield stage


# Without disconnects of stalled streams: a reader that waits for a stalled one would wait for good, and be found.
_patient_stage = partial(stage, HTTP_STALL_SECONDS="3600")


def run_hostile_clients(crowd: Crowd, stage: Stage, _chance: random.Random, seconds: float) -> list[str]:
    """Run the hostile clients for `seconds`; return the broken promises."""
    host, port = stage.http_url.removeprefix("http://").split(":")
    with running_program("faults.hostile_load") as program:
        program.request(Start(smtp=stage.smtp_address, http=(host, int(port)), crowd=crowd))
        grown = _growth(stage, seconds)
        outcome = msgspec.json.decode(program.request(Stop()), type=Outcome)
    return [*_broken_promises(outcome, stage), *_too_much(grown)]


def _growth(stage: Stage, seconds: float) -> int:
    """The octets by which http-api grew within `seconds`, at the most."""
    before, most, over_at = _resident(stage), 0, time.monotonic() + seconds
    while time.monotonic() < over_at:
        most = max(most, _resident(stage) - before)
        time.sleep(_SAMPLE_SECONDS)
    return most


def _resident(stage: Stage) -> int:
    return sum(each.memory_info().rss for each in stage.http.main.children(recursive=True))


def _too_much(grown: int) -> Iterator[str]:
    if grown > _MOST_GROWTH:
        yield f"http-api grew by {grown // 1_000_000} MB while hostile clients read nothing"


def _broken_promises(outcome: Outcome, stage: Stage) -> Iterator[str]:
    with psycopg.connect(stage.database_url) as connection:
        stored = Counter(sha256 for (sha256,) in connection.execute(_STORED, [outcome.addresses]))
    if missing := set(outcome.content_sha256s) - stored.keys():
        yield f"{len(missing)} of the hostile clients' messages were acknowledged and are not in the table"
    if max(stored.values()) > 1:
        yield "a hostile client's message is in the table twice"
    if outcome.readers_disconnected:
        yield f"{outcome.readers_disconnected} of the hostile clients that read their stream were disconnected"


_FULL = Crowd(slow=500, large=50, large_octets=26_214_000, streams=2_000, stalled=500, unread=200, texts_per_second=4)
_SHORT = Crowd(slow=50, large=5, large_octets=3_000_000, streams=40, stalled=10, unread=10, texts_per_second=10)

TRIALS = (
    Trial(
        name="hostile neighbours",
        stage=stage,
        fault=partial(run_hostile_clients, _FULL),
        times=1,
        seconds=45,
        keeps_mail_fast=True,
        load_share=0.5,
    ),
)
# For the test suite.
SHORT_TRIALS = (
    Trial(
        name="hostile neighbours",
        stage=_patient_stage,
        fault=partial(run_hostile_clients, _SHORT),
        short_seconds=1,
        keeps_mail_fast=True,
    ),
)
