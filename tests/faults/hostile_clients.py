"""Neighbours that nobody wishes for, while ordinary mail flows."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import psycopg
from support.harness import own_postgres

from faults.hostile_load import Crowd, Met, Start, Stop
from faults.program import Program
from faults.stage import Stage, staged
from faults.trial import Scale, Trial

_STORED = """
    SELECT encode(sha256(content), 'hex')
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE mailbox.address = ANY(%s)
"""


@contextmanager
def stage(directory: Path, scale: Scale, **environ: str) -> Iterator[Stage]:
    """A pair on a Postgres that goes on."""
    with (
        own_postgres() as server,
        staged(server.url, directory, restart_seconds=scale.restart_seconds, environ=environ) as stage,
    ):
        yield stage


# Where who reads nothing is cut off by and by, it would not show for good that others wait for them.
_patient_stage = partial(stage, HTTP_STALL_SECONDS="3600")


def crowded(crowd: Crowd, stage: Stage, _chance: random.Random, seconds: float) -> list[str]:
    """What should have come of so many neighbours, at it for so long, and did not."""
    host, port = stage.http_url.removeprefix("http://").split(":")
    program = Program("faults.hostile_load")
    try:
        program.tell(Start(smtp=stage.smtp_address, http=(host, int(port)), crowd=crowd))
        time.sleep(seconds)
        met = msgspec.json.decode(program.tell(Stop()), type=Met)
    finally:
        program.end()
    return [*_untrue(met, stage)]


def _untrue(met: Met, stage: Stage) -> Iterator[str]:
    with psycopg.connect(stage.database_url) as connection:
        stored = Counter(sha256 for (sha256,) in connection.execute(_STORED, [met.addresses]))
    if missing := set(met.content_sha256s) - stored.keys():
        yield f"{len(missing)} of the neighbours' messages were acknowledged and are not in the table"
    if max(stored.values()) > 1:
        yield "a neighbour's message is in the table twice"
    if met.readers_cut:
        yield f"{met.readers_cut} of the neighbours that read were cut off"


_WHOLE = Crowd(slow=500, large=50, large_octets=26_214_000, streams=2_000, deaf=500, texts_per_second=4)
_SHORT = Crowd(slow=50, large=5, large_octets=3_000_000, streams=40, deaf=10, texts_per_second=10)

TRIALS = (
    Trial(
        name="hostile neighbours",
        stage=stage,
        fault=partial(crowded, _WHOLE),
        times=1,
        seconds=45,
        is_spared=True,
        share=0.5,
    ),
)
# As the suite has it.
SHORT_TRIALS = (
    Trial(
        name="hostile neighbours", stage=_patient_stage, fault=partial(crowded, _SHORT), short_seconds=1, is_spared=True
    ),
)
