"""A clock that is set, on one host or on all."""

from prove.clock import TRIALS
from prove.stage import Stage
from prove.trial import Trial, tried_shortly

__all__ = ["TRIALS"]


def test_every_promise_holds(stage: Stage, trial: Trial) -> None:
    verdict = tried_shortly(trial, stage)

    assert verdict.is_clean, verdict
