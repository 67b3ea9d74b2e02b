"""A trial of a fault: inject it at random moments under load, check the recovery each time, and judge."""

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from faults import verdict
from faults.ledger import Ledger
from faults.stage import Stage
from faults.verdict import Verdict

# Injects the fault for a number of seconds, if it has a length; returns when it is over, with the broken promises.
Fault = Callable[[Stage, random.Random, float], Sequence[str] | None]


class Unsupported(Exception):
    """A stage cannot run on this machine; the text is the reason."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """The load on a stage, the pause before a restart, and the deadline for recovery.

    `event_seconds`: the deadline from a `250` to the stream's event for 99 percent of the mail, if the trial
    `keeps_mail_fast`.
    """

    mailboxes: int
    clients: int
    messages_per_second: float
    restart_seconds: float
    recovery_seconds: float
    event_seconds: float


# The units have the same RestartSec.
FULL = Scale(mailboxes=10, clients=24, messages_per_second=60, restart_seconds=2, recovery_seconds=5, event_seconds=1)
# For the test suite, whose machine is busy: recovery counts, not its speed. While a fault is injected, the clients make
# no pause in either scale.
SHORT = Scale(
    mailboxes=4, clients=8, messages_per_second=20, restart_seconds=0.1, recovery_seconds=60, event_seconds=60
)


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A fault and its stage; the test suite injects it once, for `short_seconds`.

    `unmet` returns effects on the clients that are missing, so that a fault without effect is found. `keeps_mail_fast`:
    the fault must not slow down mail. `load_share`: the part of the scale's messages a second, for a fault that needs
    much of the machine. `stale_seconds`: how much longer a reader may take whose connection the fault left hanging.
    """

    name: str
    stage: Callable[[Path, Scale], AbstractContextManager[Stage]]
    fault: Fault
    times: int = 3
    seconds: float = 0
    short_seconds: float = 0
    unmet: Callable[[Ledger], list[str]] = lambda _: []
    keeps_mail_fast: bool = False
    load_share: float = 1
    stale_seconds: float = 0


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A proof that is not a trial; `prove` takes a directory and a seed."""

    name: str
    prove: Callable[[Path, int], Verdict]
    times: int = 1


def run_trial(trial: Trial, stage: Stage, scale: Scale, *, seed: int, times: int, seconds: float) -> Verdict:
    """Inject the fault `times` times, each for `seconds`, and return the verdict."""
    chance = random.Random(seed)
    unmet: list[str] = []
    load = stage.start_load(
        seed=seed,
        mailboxes=scale.mailboxes,
        clients=scale.clients,
        messages_per_second=scale.messages_per_second * trial.load_share,
    )
    for _ in range(times):
        load.await_acknowledged(chance.randint(5, 5 + int(scale.messages_per_second)))
        unmet += trial.fault(stage, chance, seconds) or ()
        load.check_recovery(scale.recovery_seconds, trial.stale_seconds)
    ledger = load.finish()
    table = verdict.read_table(stage.database_url, [each.address for each in ledger.readings])
    judged = verdict.judge(ledger, table)
    verdict.judge_totals(judged, verdict.read_totals(stage.database_url))
    if trial.keeps_mail_fast:
        _judge_speed(judged, ledger, scale.event_seconds)
    for case in (*unmet, *trial.unmet(ledger)):
        verdict.note(judged, "unmet", case)
    return judged


def _judge_speed(judged: Verdict, ledger: Ledger, most_seconds: float) -> None:
    half, nearly_all = (verdict.seconds_to_event(ledger, percent) for percent in (50, 99))
    judged.figures.append(f"from 250 to the stream's event: p50 {half * 1_000:.0f} ms, p99 {nearly_all * 1_000:.0f} ms")
    if nearly_all > most_seconds:
        verdict.note(judged, "unmet", f"p99 from 250 to the stream's event is {nearly_all:.1f} s")


def run_short_trial(trial: Trial, stage: Stage) -> Verdict:
    """Run the trial in its short form, for the test suite."""
    return run_trial(trial, stage, SHORT, seed=1, times=1, seconds=trial.short_seconds)
