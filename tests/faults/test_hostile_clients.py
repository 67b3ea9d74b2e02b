"""Neighbours that nobody wishes for."""

from faults.hostile_clients import SHORT_TRIALS as TRIALS
from faults.stage import Stage
from faults.trial import Trial, tried_shortly

__all__ = ["TRIALS"]


def test_every_promise_holds(stage: Stage, trial: Trial) -> None:
    verdict = tried_shortly(trial, stage)

    assert verdict.is_clean, verdict
