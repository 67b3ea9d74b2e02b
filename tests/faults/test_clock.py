"""A clock that is set, on one host or on all."""

from faults import clock
from faults.stage import Stage
from faults.trial import Trial, tried_shortly

TRIALS = (clock.TRIALS[0], clock.TRIALS[-1])


def test_every_promise_holds(stage: Stage, trial: Trial) -> None:
    verdict = tried_shortly(trial, stage)

    assert verdict.is_clean, verdict
