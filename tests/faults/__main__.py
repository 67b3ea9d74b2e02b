"""`make prove`: every fault, again and again, and the table of what came of it."""

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
    postgres_away,
    postgres_cuts,
    postgres_full,
)
from faults.trial import WHOLE, Proof, Trial, Unsupported, tried
from faults.verdict import BROKEN, Verdict, note

_TRIALS: tuple[Trial | Proof, ...] = (
    *kills.TRIALS,
    *postgres_away.TRIALS,
    *postgres_cuts.TRIALS,
    *postgres_full.TRIALS,
    *links.TRIALS,
    *failover.TRIALS,
    *clock.TRIALS,
    *hostile_clients.TRIALS,
    *migrations.TRIALS,
    *memory.PROOFS,
)


def main() -> None:
    """Exit status 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="prove", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="which moments are chosen")
    parser.add_argument("--only", default="", help="the faults whose names have this in them")
    given = parser.parse_args()
    log.configure("warning")
    print(f"seed {given.seed}\n\n{_row('fault', ('times', 'messages', *BROKEN))}", flush=True)
    began_at = time.monotonic()
    total = Verdict()
    for trial in _TRIALS:
        if given.only in trial.name:
            with tempfile.TemporaryDirectory(prefix="fake-email-prove-") as directory:
                try:
                    verdict = _whole(trial, Path(directory), given.seed)
                except Unsupported as missing:
                    print(f"{trial.name:<40}not tried: {missing}", flush=True)
                    continue
                except Exception as error:  # noqa: BLE001  # the other faults are tried all the same
                    verdict = Verdict()
                    note(verdict, "unmet", f"it was broken off: {type(error).__name__}: {error}")
            _print(trial.name, trial.times, verdict)
            total = total.with_more(verdict)
    _print("all", sum(trial.times for trial in _TRIALS if given.only in trial.name), total)
    print(f"\n{time.monotonic() - began_at:.0f} s")
    sys.exit(0 if total.is_clean else 1)


def _whole(trial: Trial | Proof, directory: Path, seed: int) -> Verdict:
    if isinstance(trial, Proof):
        return trial.prove(directory, seed)
    with trial.stage(directory, WHOLE) as stage:
        return tried(trial, stage, WHOLE, seed=seed, times=trial.times, seconds=trial.seconds)


def _print(name: str, times: int, verdict: Verdict) -> None:
    cells = (times, verdict.acknowledged, *(getattr(verdict, each) for each in BROKEN))
    print(_row(name, map(str, cells)))
    for word in (*verdict.figures, *verdict.words[:10]):
        print(f"    {word}")
    sys.stdout.flush()


def _row(name: str, cells: Iterable[object]) -> str:
    return f"{name:<40}" + "".join(f"{cell:>11}" for cell in cells)


if __name__ == "__main__":
    main()
