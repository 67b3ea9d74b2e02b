"""A Postgres that is away and returns, and connections to Postgres that are terminated."""

from faults import postgres_away, postgres_cuts
from faults.stage import Stage
from faults.trial import Trial, run_short_trial

TRIALS = (*postgres_away.TRIALS, *postgres_cuts.TRIALS)


def test_every_promise_holds(stage: Stage, trial: Trial) -> None:
    verdict = run_short_trial(trial, stage)

    assert verdict.is_clean, verdict
