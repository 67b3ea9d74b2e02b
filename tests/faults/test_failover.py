"""A replica that takes the primary's place, or is away."""

from faults import failover
from faults.stage import Stage
from faults.trial import Trial, tried_shortly

# A switch-over is the easiest of them.
TRIALS = failover.TRIALS[:3]


def test_every_promise_holds(stage: Stage, trial: Trial) -> None:
    verdict = tried_shortly(trial, stage)

    assert verdict.is_clean, verdict
