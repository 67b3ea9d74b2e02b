"""Hostile clients beside ordinary ones."""

from faults.hostile_clients import SHORT_TRIALS as TRIALS
from faults.stage import Stage
from faults.trial import Trial, run_short_trial

__all__ = ["TRIALS"]


def test_every_promise_holds(stage: Stage, trial: Trial) -> None:
    verdict = run_short_trial(trial, stage)

    assert verdict.is_clean, verdict
