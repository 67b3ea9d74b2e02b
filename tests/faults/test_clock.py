"""Clocks that jump, on one host or on all."""

from faults import clock
from faults.stage import Stage
from faults.trial import Trial, run_short_trial

TRIALS = (clock.TRIALS[0], clock.TRIALS[-1])


def test_every_promise_holds(stage: Stage, trial: Trial) -> None:
    verdict = run_short_trial(trial, stage)

    assert verdict.is_clean, verdict
