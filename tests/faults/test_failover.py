"""A replica that is promoted, or is away."""

from faults import failover
from faults.stage import Stage
from faults.trial import Trial, run_short_trial

# Without the switch-over, the easiest of these faults.
TRIALS = failover.TRIALS[:3]


def test_every_promise_holds(stage: Stage, trial: Trial) -> None:
    verdict = run_short_trial(trial, stage)

    assert verdict.is_clean, verdict
