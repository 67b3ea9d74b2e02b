"""The answers that are kept for calls, and the bounds of them."""

import msgspec
import pytest

from http_api.live.call_shares import WHOLE_OCTETS
from http_api.live.kept_answers import MAILBOX_ANSWERS, MOST_OCTETS, SECONDS, Answer, Asked, KeptAnswers

NOW = 1_000.0


def asked(query: str) -> Asked:
    return Asked(path="/api/inbox/poll", query=query.encode(), token_sha256=None)


def answer(address: str = "ann@mx.test", *, octets: int = 2, now: float = NOW) -> Answer:
    return Answer(address=address, revision="1", headers=(), body=b"x" * octets, until=now + SECONDS)


def keep(answers: KeptAnswers, query: str, answer: Answer, now: float = NOW) -> None:
    """Have the answer twice."""
    for _ in range(2):
        answers.keep(asked(query), answer, now)


@pytest.fixture
def answers() -> KeptAnswers:
    return KeptAnswers()


def test_an_answer_is_found_for_the_same_call_only(answers: KeptAnswers) -> None:
    keep(answers, "a", answer(), NOW)

    others = [
        asked("b"),
        Asked(path="/api/inbox/messages", query=b"a", token_sha256=None),
        Asked(path="/api/inbox/poll", query=b"a", token_sha256=b"t"),
    ]
    assert answers.find(asked("a"), NOW) == answer()
    assert [answers.find(each, NOW) for each in others] == [None, None, None]


def test_an_answer_is_kept_once_it_was_given_twice_at_the_same_revision(answers: KeptAnswers) -> None:
    found = []
    for revision in ("1", "2", "2"):
        answers.keep(asked("a"), msgspec.structs.replace(answer(), revision=revision), NOW)
        found.append(answers.find(asked("a"), NOW) is not None)

    assert found == [False, False, True]


def test_an_answer_is_kept_for_a_minute(answers: KeptAnswers) -> None:
    keep(answers, "a", answer(), NOW)

    assert answers.find(asked("a"), NOW + SECONDS) is None


def test_old_answers_leave_when_another_is_kept(answers: KeptAnswers) -> None:
    keep(answers, "a", answer(), NOW)
    keep(answers, "b", answer(now=NOW + SECONDS), NOW + SECONDS)

    assert len(answers) == 1


def test_a_large_answer_or_query_is_not_kept(answers: KeptAnswers) -> None:
    keep(answers, "a", answer(octets=WHOLE_OCTETS + 1), NOW)
    keep(answers, "b" * 2_000, answer(), NOW)

    assert (len(answers), answers.octets) == (0, 0)


def test_a_mailbox_keeps_its_newest_answers(answers: KeptAnswers) -> None:
    for number in range(MAILBOX_ANSWERS + 1):
        keep(answers, str(number), answer(), NOW)

    kept = [answers.find(asked(str(number)), NOW) is not None for number in range(MAILBOX_ANSWERS + 1)]
    assert kept == [False, *[True] * MAILBOX_ANSWERS]


def test_past_the_bound_the_answer_that_was_not_used_for_longest_leaves(answers: KeptAnswers) -> None:
    keep(answers, "used", answer("used@mx.test"), NOW)
    for number in range(MOST_OCTETS // WHOLE_OCTETS):
        keep(answers, str(number), answer(f"{number}@mx.test", octets=WHOLE_OCTETS), NOW)
        answers.find(asked("used"), NOW)

    assert [answers.find(asked(each), NOW) is not None for each in ("used", "0")] == [True, False]
    assert answers.octets <= MOST_OCTETS


def test_an_answer_takes_the_place_of_the_one_before(answers: KeptAnswers) -> None:
    keep(answers, "a", answer(), NOW)
    octets = answers.octets
    answers.keep(asked("a"), answer(), NOW)

    assert (len(answers), answers.octets) == (1, octets)
