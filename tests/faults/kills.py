"""Processes that end at any moment, by SIGKILL or SIGTERM."""

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.database import own_postgres

from faults.ledger import Ledger
from faults.stage import Stage, running_stage
from faults.trial import Scale, Trial


@contextmanager
def stage(directory: Path, scale: Scale) -> Iterator[Stage]:
    """A pair on a Postgres without faults."""
    with own_postgres() as server, running_stage(server.url, directory, restart_seconds=scale.restart_seconds) as stage:
        yield stage


def _kill_smtp_ingest(stage: Stage, _chance: random.Random, _seconds: float) -> None:
    stage.smtp.signal_main(signal.SIGKILL)


def _kill_worker(stage: Stage, _chance: random.Random, _seconds: float) -> None:
    stage.http.signal_workers(signal.SIGKILL)


def _kill_http_api(stage: Stage, _chance: random.Random, _seconds: float) -> None:
    stage.http.signal_main(signal.SIGKILL)


def _stop_smtp_ingest(stage: Stage, _chance: random.Random, _seconds: float) -> None:
    stage.smtp.signal_main(signal.SIGTERM)


def _stop_http_api(stage: Stage, _chance: random.Random, _seconds: float) -> None:
    stage.http.signal_main(signal.SIGTERM)


def _stop_both(stage: Stage, chance: random.Random, _seconds: float) -> None:
    for service in chance.sample([stage.smtp, stage.http], 2):
        service.signal_main(signal.SIGTERM)


def _readers_interrupted(ledger: Ledger) -> list[str]:
    return [] if any(each.interruptions for each in ledger.readings) else ["no reader was interrupted"]


TRIALS = (
    Trial(name="kill -9 of smtp-ingest", stage=stage, fault=_kill_smtp_ingest),
    Trial(name="kill -9 of http-api's worker", stage=stage, fault=_kill_worker, unmet=_readers_interrupted),
    Trial(name="kill -9 of http-api's first process", stage=stage, fault=_kill_http_api, unmet=_readers_interrupted),
    Trial(name="SIGTERM to smtp-ingest", stage=stage, fault=_stop_smtp_ingest),
    Trial(name="SIGTERM to http-api", stage=stage, fault=_stop_http_api, unmet=_readers_interrupted),
    Trial(name="SIGTERM to both", stage=stage, fault=_stop_both, unmet=_readers_interrupted),
)
