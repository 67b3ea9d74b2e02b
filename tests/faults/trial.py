"""A fault tried: load, the fault at random moments of it, wellness after each, and the verdict."""

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from faults import verdict
from faults.ledger import Ledger
from faults.stage import Stage
from faults.verdict import Verdict

# Makes the fault happen and returns when it is over, with what should have come of it and did not; it lasts as many
# seconds as it is told, where it has a length.
Fault = Callable[[Stage, random.Random, float], Sequence[str] | None]


class Unsupported(Exception):
    """What a stage needs is not to be had here; the text says what."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much of it: clients, mailboxes, messages a second, how long a restart rests, how soon all is well again.

    `event_seconds`: what 99 percent of the mail takes at most from its `250` to the stream, where a fault spares it.
    """

    mailboxes: int
    clients: int
    messages_per_second: float
    restart_seconds: float
    well_seconds: float
    event_seconds: float


# RestartSec is the units' own.
WHOLE = Scale(mailboxes=10, clients=24, messages_per_second=60, restart_seconds=2, well_seconds=5, event_seconds=1)
# The suite's machine has other things to do: here it is asked whether all is well in the end, not how soon.
SHORT = Scale(mailboxes=4, clients=8, messages_per_second=60, restart_seconds=0.1, well_seconds=60, event_seconds=60)


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A fault and where it happens; in the suite it happens once, for `short_seconds`.

    `unmet` says what the clients should have met and did not, so that a fault which did not bite is found out.
    `is_spared`: while it happens, mail is as quick as ever. `share`: of the scale's messages a second, where the fault
    takes what the machine has. `standing_seconds`: how much longer than others a reader may take whose connection the
    fault left hanging.
    """

    name: str
    stage: Callable[[Path, Scale], AbstractContextManager[Stage]]
    fault: Fault
    times: int = 3
    seconds: float = 0
    short_seconds: float = 0
    unmet: Callable[[Ledger], list[str]] = lambda _: []
    is_spared: bool = False
    share: float = 1
    standing_seconds: float = 0


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What is proven in another way: in a directory, from a seed."""

    name: str
    prove: Callable[[Path, int], Verdict]
    times: int = 1


def tried(trial: Trial, stage: Stage, scale: Scale, *, seed: int, times: int, seconds: float) -> Verdict:
    """What came of the fault, so many times, each of so many seconds."""
    chance = random.Random(seed)
    unmet: list[str] = []
    clients = stage.load(
        seed=seed,
        mailboxes=scale.mailboxes,
        clients=scale.clients,
        messages_per_second=scale.messages_per_second * trial.share,
    )
    for _ in range(times):
        clients.await_acknowledged(chance.randint(5, 5 + int(scale.messages_per_second)))
        unmet += trial.fault(stage, chance, seconds) or ()
        clients.be_well(scale.well_seconds, trial.standing_seconds)
    ledger = clients.finish()
    table = verdict.read_table(stage.database_url, [each.address for each in ledger.readings])
    judged = verdict.judge(ledger, table)
    if trial.is_spared:
        _time(judged, ledger, scale.event_seconds)
    for word in (*unmet, *trial.unmet(ledger)):
        verdict.note(judged, "unmet", word)
    return judged


def _time(judged: Verdict, ledger: Ledger, most_seconds: float) -> None:
    half, nearly_all = (verdict.seconds_to_event(ledger, percent) for percent in (50, 99))
    judged.figures.append(f"from 250 to the stream's event: p50 {half * 1_000:.0f} ms, p99 {nearly_all * 1_000:.0f} ms")
    if nearly_all > most_seconds:
        verdict.note(judged, "unmet", f"p99 from 250 to the stream's event is {nearly_all:.1f} s")


def tried_shortly(trial: Trial, stage: Stage) -> Verdict:
    """The same, as the suite has it."""
    return tried(trial, stage, SHORT, seed=1, times=1, seconds=trial.short_seconds)
