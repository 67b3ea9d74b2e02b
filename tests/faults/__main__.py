"""Fault injection, `make prove`: each fault several times under load, and a table of the broken promises."""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from fake_email import log
from faults import (
    clock,
    failover,
    hostile_clients,
    kills,
    links,
    memory,
    migrations,
    patroni,
    postgres_away,
    postgres_cuts,
    postgres_full,
)
from faults.trial import FULL, Proof, Trial, Unsupported, run_trial
from faults.verdict import BREACHES, Verdict, note

_TRIALS: tuple[Trial | Proof, ...] = (
    *kills.TRIALS,
    *postgres_away.TRIALS,
    *postgres_cuts.TRIALS,
    *postgres_full.TRIALS,
    *links.TRIALS,
    *failover.TRIALS,
    *patroni.TRIALS,
    *clock.TRIALS,
    *hostile_clients.TRIALS,
    *migrations.TRIALS,
    *memory.PROOFS,
)


def main() -> None:
    """Exit with status 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="prove", description=__doc__)
    parser.add_argument(
        "--seed",
        type=int,
        default=random.randrange(10**6),
        help="chooses the moments of the faults",
    )
    parser.add_argument("--only", default="", help="inject only the faults whose names contain this text")
    arguments = parser.parse_args()
    log.configure("warning")
    print(f"seed {arguments.seed}\n\n{_row('fault', ('times', 'messages', *BREACHES))}", flush=True)
    began_at = time.monotonic()
    total = Verdict()
    for trial in _TRIALS:
        if arguments.only in trial.name:
            with tempfile.TemporaryDirectory(prefix="fake-email-prove-") as directory:
                try:
                    verdict = _run(trial, Path(directory), arguments.seed)
                except Unsupported as missing:
                    print(f"{trial.name:<40}not tried: {missing}", flush=True)
                    continue
                except Exception as error:  # noqa: BLE001  # the other faults are still injected
                    verdict = Verdict()
                    note(verdict, "unmet", f"the run failed: {type(error).__name__}: {error}")
            _print(trial.name, trial.times, verdict)
            total = total.with_more(verdict)
    _print("all", sum(trial.times for trial in _TRIALS if arguments.only in trial.name), total)
    print(f"\n{time.monotonic() - began_at:.0f} s")
    sys.exit(0 if total.is_clean else 1)


def _run(trial: Trial | Proof, directory: Path, seed: int) -> Verdict:
    if isinstance(trial, Proof):
        return trial.prove(directory, seed)
    with trial.stage(directory, FULL) as stage:
        return run_trial(trial, stage, FULL, seed=seed, times=trial.times, seconds=trial.seconds)


def _print(name: str, times: int, verdict: Verdict) -> None:
    cells = (times, verdict.acknowledged, *(getattr(verdict, each) for each in BREACHES))
    print(_row(name, map(str, cells)))
    for line in (*verdict.figures, *verdict.cases[:10]):
        print(f"    {line}")
    sys.stdout.flush()


def _row(name: str, cells: Iterable[object]) -> str:
    return f"{name:<40}" + "".join(f"{cell:>11}" for cell in cells)


if __name__ == "__main__":
    main()
