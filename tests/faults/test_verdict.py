"""The broken promises that a verdict counts."""

import random

import psycopg
import pytest
from support.waiting import DEADLINE_SECONDS

from faults import kills
from faults.ledger import Ledger, Reading, Sent, Shown
from faults.stage import Stage
from faults.trial import Trial, run_short_trial
from faults.verdict import BREACHES, Row, judge

# Pairs of seq and number.
Pairs = tuple[tuple[int, int], ...]

ADDRESS = "reader@mx.test"
ONE: Pairs = ((1, 1),)
BOTH: Pairs = ((1, 1), (2, 2))
DELETE_FIRST = "DELETE FROM message WHERE seq = 1 RETURNING id"


def sent(number: int, *, reply: int = 250) -> Sent:
    return Sent(number=number, addresses=(ADDRESS,), content_sha256=f"sha {number}", octets=100, reply=reply)


def shown(*pairs: tuple[int, int]) -> list[Reading]:
    """Return the readings of one reader that was shown messages of these seqs and numbers."""
    messages = [Shown(seq=seq, id=f"id {seq}", number=number, at=0.0) for seq, number in pairs]
    return [Reading(address=ADDRESS, way="poll", shown=messages)]


def stored(*pairs: tuple[int, int]) -> list[Row]:
    return [Row(address=ADDRESS, seq=seq, id=f"id {seq}", content_sha256=f"sha {number}") for seq, number in pairs]


def ledger_of(*messages: Sent, shows: Pairs, sources: Pairs | None = None, late: int = 0) -> Ledger:
    """Return a ledger; without `sources`, the sources match the shown messages."""
    return Ledger(
        sent=list(messages),
        readings=shown(*shows),
        sources={f"id {seq}": f"sha {number}" for seq, number in (shows if sources is None else sources)},
        late=["poll was late"] * late,
    )


def test_a_verdict_is_clean_when_each_acknowledged_message_is_shown_once_in_order_and_unaltered() -> None:
    ledger = ledger_of(sent(1), sent(2), shows=BOTH)

    assert judge(ledger, stored(*BOTH)).is_clean


def test_a_message_without_a_reply_may_be_shown() -> None:
    ledger = ledger_of(sent(1), sent(2, reply=0), shows=BOTH)

    verdict = judge(ledger, stored(*BOTH))

    assert (verdict.stuck, verdict.phantom) == (1, 0)  # stuck, since its client tried for a minute


@pytest.mark.parametrize(
    ("ledger", "table", "breaches"),
    [
        (ledger_of(sent(1), sent(2), shows=ONE), BOTH, {"lost": 1}),
        (ledger_of(sent(1), sent(2), shows=BOTH), ONE, {"lost": 1, "phantom": 1}),
        (ledger_of(sent(1), shows=((1, 1), (2, 1))), ((1, 1), (2, 1)), {"doubled": 2}),
        (ledger_of(sent(1), shows=BOTH), BOTH, {"phantom": 2, "altered": 1}),
        (ledger_of(sent(1), sent(2), shows=BOTH, sources=((1, 1), (2, 1))), BOTH, {"altered": 1}),
        (ledger_of(sent(1), sent(2), shows=BOTH, sources=ONE), BOTH, {"altered": 1}),
        (ledger_of(sent(1), sent(2), shows=((2, 2), (1, 1))), BOTH, {"disordered": 1}),
        (ledger_of(sent(1), sent(2), shows=((1, 1), (3, 2))), ((1, 1), (3, 2)), {"disordered": 1}),
        (ledger_of(sent(1), sent(2, reply=550), shows=ONE), ONE, {"refused": 1}),
        (ledger_of(sent(1), shows=ONE, late=2), ONE, {"stuck": 2}),
    ],
    ids=[
        "a message that a reader was not shown",
        "a message that is not in the table",
        "a message that is stored twice",
        "a message that was never sent",
        "a message with the source of another",
        "a message without a source",
        "a message that was shown before an older one",
        "a gap in the seqs of the table",
        "a message that was rejected",
        "readers that were late",
    ],
)
def test_a_broken_promise_is_counted(ledger: Ledger, table: Pairs, breaches: dict[str, int]) -> None:
    verdict = judge(ledger, stored(*table))

    assert {name: getattr(verdict, name) for name in BREACHES if getattr(verdict, name)} == breaches


@pytest.mark.parametrize("stage", [kills.stage], indirect=True, scope="module")
def test_messages_that_are_deleted_after_they_were_shown_are_counted(stage: Stage) -> None:
    def delete_first(stage: Stage, _chance: random.Random, _seconds: float) -> list[str]:
        stage.load_process.check_recovery(DEADLINE_SECONDS)  # so every reader was shown the first message
        with psycopg.connect(stage.database_url) as connection:
            return [f"{each} is gone" for (each,) in connection.execute(DELETE_FIRST)]

    verdict = run_short_trial(Trial(name="messages gone", stage=kills.stage, fault=delete_first), stage)

    assert (verdict.lost, verdict.altered, verdict.miscounted) == (verdict.unmet, verdict.unmet, 1)
    assert verdict.unmet > 0
