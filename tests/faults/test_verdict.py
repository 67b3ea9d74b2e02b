"""What counts as a broken promise."""

import random

import psycopg
import pytest
from support.harness import DEADLINE_SECONDS

from faults import kills
from faults.ledger import Ledger, Reading, Sent, Shown
from faults.stage import Stage
from faults.trial import Trial, tried_shortly
from faults.verdict import BROKEN, Row, judge

# Of seq and number.
Pairs = tuple[tuple[int, int], ...]

ADDRESS = "reader@mx.test"
ONE: Pairs = ((1, 1),)
BOTH: Pairs = ((1, 1), (2, 2))
LOSE = "DELETE FROM message WHERE seq = 1 RETURNING id"


def sent(number: int, *, reply: int = 250) -> Sent:
    return Sent(number=number, addresses=(ADDRESS,), content_sha256=f"sha {number}", octets=100, reply=reply)


def shown(*pairs: tuple[int, int]) -> list[Reading]:
    """A reader that was shown messages of these seqs and numbers."""
    pages = [Shown(seq=seq, id=f"id {seq}", number=number, at=0.0) for seq, number in pairs]
    return [Reading(address=ADDRESS, way="poll", shown=pages)]


def stored(*pairs: tuple[int, int]) -> list[Row]:
    return [Row(ADDRESS, seq, f"id {seq}", f"sha {number}") for seq, number in pairs]


def known(*letters: Sent, shows: Pairs, sources: Pairs | None = None, late: int = 0) -> Ledger:
    """What clients know; the sources are what was shown, unless they are others."""
    return Ledger(
        sent=list(letters),
        readings=shown(*shows),
        sources={f"id {seq}": f"sha {number}" for seq, number in (shows if sources is None else sources)},
        late=["poll was late"] * late,
    )


def test_all_that_was_acknowledged_shown_once_in_order_as_it_was_sent_is_clean() -> None:
    ledger = known(sent(1), sent(2), shows=BOTH)

    assert judge(ledger, stored(*BOTH)).is_clean


def test_a_message_whose_250_never_came_may_be_shown() -> None:
    ledger = known(sent(1), sent(2, reply=0), shows=BOTH)

    verdict = judge(ledger, stored(*BOTH))

    assert (verdict.stuck, verdict.phantom) == (1, 0)  # stuck, since its client went on trying for a minute


@pytest.mark.parametrize(
    ("ledger", "table", "broken"),
    [
        (known(sent(1), sent(2), shows=ONE), BOTH, {"lost": 1}),
        (known(sent(1), sent(2), shows=BOTH), ONE, {"lost": 1, "phantom": 1}),
        (known(sent(1), shows=((1, 1), (2, 1))), ((1, 1), (2, 1)), {"doubled": 2}),
        (known(sent(1), shows=BOTH), BOTH, {"phantom": 2, "altered": 1}),
        (known(sent(1), sent(2), shows=BOTH, sources=((1, 1), (2, 1))), BOTH, {"altered": 1}),
        (known(sent(1), sent(2), shows=BOTH, sources=ONE), BOTH, {"altered": 1}),
        (known(sent(1), sent(2), shows=((2, 2), (1, 1))), BOTH, {"disordered": 1}),
        (known(sent(1), sent(2), shows=((1, 1), (3, 2))), ((1, 1), (3, 2)), {"disordered": 1}),
        (known(sent(1), sent(2, reply=550), shows=ONE), ONE, {"refused": 1}),
        (known(sent(1), shows=ONE, late=2), ONE, {"stuck": 2}),
    ],
    ids=[
        "one that a reader was not shown",
        "one that is not in the table",
        "one that is there twice",
        "one that nobody sent",
        "one whose source is another's",
        "one without a source",
        "one that was shown before an older one",
        "a gap in the table",
        "one that was refused for good",
        "readers that were late",
    ],
)
def test_a_broken_promise_counts(ledger: Ledger, table: Pairs, broken: dict[str, int]) -> None:
    verdict = judge(ledger, stored(*table))

    assert {name: getattr(verdict, name) for name in BROKEN if getattr(verdict, name)} == broken


@pytest.mark.parametrize("stage", [kills.stage], indirect=True, scope="module")
def test_messages_that_were_shown_and_then_gone_are_found(stage: Stage) -> None:
    def lose(stage: Stage, _chance: random.Random, _seconds: float) -> list[str]:
        stage.clients.be_well(DEADLINE_SECONDS)  # so everybody was shown the first
        with psycopg.connect(stage.database_url) as connection:
            return [f"{each} is gone" for (each,) in connection.execute(LOSE)]

    verdict = tried_shortly(Trial(name="messages gone", stage=kills.stage, fault=lose), stage)

    assert (verdict.lost, verdict.altered) == (verdict.unmet, verdict.unmet)
    assert verdict.unmet > 0
