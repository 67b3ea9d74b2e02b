"""The parameters that clients/python makes of its arguments, and the arguments that it refuses; without a service."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from fake_email_client.calls import Call, Steps, T
from fake_email_client.clauses import in_words, parameters
from fake_email_client.core import Core
from fake_email_client.errors import in_lines
from fake_email_client.schemas import NearMiss

NOW = datetime(2026, 11, 29, 23, 49, 2, tzinfo=UTC)


@pytest.mark.parametrize(("text", "expected"), [("/a?b/", r"//a\?b//"), ("/", "/"), ("a/b", "a/b")])
def test_a_text_between_slashes_is_no_pattern(text: str, expected: str) -> None:
    assert parameters({"text": text}) == {"text": expected}
    assert in_words({"text": text}) == f' with text "{text}"'


def test_a_pattern_tells_upper_from_lower_case_unless_its_flag_says_otherwise() -> None:
    either = re.compile("ann", re.IGNORECASE)

    assert parameters({"subject": re.compile("Ann"), "from_": either}) == {"from": "/ann/", "subject": "/(?-i)Ann/"}


@pytest.mark.parametrize("value", [None, 5, re.compile(b"ann")])
def test_a_clause_that_is_no_text_is_refused_by_name(value: object) -> None:
    with pytest.raises(TypeError, match=r"^subject: .* is neither a text nor a pattern"):
        parameters({"subject": value})  # type: ignore[typeddict-item]  # of a caller without a type checker


class FirstCall(Exception):
    """The first call of a method, in place of its response."""

    def __init__(self, call: Call) -> None:
        self.call = call


class Unanswered(Core):
    """A mailbox whose methods raise their first call."""

    def _run(self, steps: Steps[T]) -> T:
        raise FirstCall(next(steps))


BOX = Unanswered("ann@mx.test", None, "http://mx.test", 0)


@pytest.mark.parametrize("method", [BOX.clear, BOX.mark_all, BOX.messages])
def test_an_empty_query_is_sent_and_not_taken_for_none(method: Callable[[str], object]) -> None:
    with pytest.raises(FirstCall) as made:
        method("")

    assert made.value.call.query["query"] == ""


def test_a_kind_of_link_that_there_is_not_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no such kind of link: verfy; there are verify, reset"):
        BOX.link("verfy")  # type: ignore[arg-type]  # of a caller without a type checker


@pytest.mark.parametrize("seconds", [None, "5", float("nan")])
def test_a_time_that_is_no_number_of_seconds_is_refused_at_once(seconds: float) -> None:
    for method in (BOX.wait, BOX.code, BOX.link):
        with pytest.raises(TypeError, match=r"^the time to wait is a number of seconds, not "):
            method(timeout=seconds)
    with pytest.raises(TypeError, match=r"^the time to wait is a number of seconds, not "):
        BOX.expect_none(within=seconds)


def test_what_a_sender_wrote_cannot_control_the_terminal_of_a_test() -> None:
    miss = NearMiss(id="1", seq=1, subject="a\u202eb", from_addr="a\x1b[31m@mx.test", received_at=NOW, failed=("text",))

    assert in_lines([miss]) == '- "a�b" from a�[31m@mx.test failed text'
