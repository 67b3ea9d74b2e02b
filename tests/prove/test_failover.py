"""A replica that takes the primary's place, or is away."""

from prove import failover
from prove.stage import Stage
from prove.trial import Trial, tried_shortly

# A switch-over is the easiest of them.
TRIALS = failover.TRIALS[:3]


def test_every_promise_holds(stage: Stage, trial: Trial) -> None:
    verdict = tried_shortly(trial, stage)

    assert verdict.is_clean, verdict
