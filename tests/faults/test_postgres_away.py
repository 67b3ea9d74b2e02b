"""A Postgres that goes away and comes back, and connections to it that are cut."""

from faults import postgres_away, postgres_cuts
from faults.stage import Stage
from faults.trial import Trial, tried_shortly

TRIALS = (*postgres_away.TRIALS, *postgres_cuts.TRIALS)


def test_every_promise_holds(stage: Stage, trial: Trial) -> None:
    verdict = tried_shortly(trial, stage)

    assert verdict.is_clean, verdict
