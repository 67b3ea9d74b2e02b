"""What MAIL and BDAT say beside the path."""

import pytest

from smtp_ingest import mail_parameters, replies
from smtp_ingest.mail_parameters import Chunk, Parameters


def test_a_client_that_says_nothing_sends_ascii_of_a_size_that_is_not_known() -> None:
    assert mail_parameters.read({}) == Parameters(octets=0, is_utf8=False)


def test_the_size_is_a_number_of_octets() -> None:
    assert mail_parameters.read({"SIZE": "26214400"}) == Parameters(octets=26_214_400, is_utf8=False)


def test_a_size_of_very_many_digits_is_a_size() -> None:
    assert mail_parameters.read({"SIZE": "9" * 2_000}) == Parameters(octets=int("9" * 2_000), is_utf8=False)


def test_smtputf8_is_asked_for_by_its_name_alone() -> None:
    assert mail_parameters.read({"SMTPUTF8": None}) == Parameters(octets=0, is_utf8=True)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("BODY", "7BIT"), ("BODY", "8BITMIME"), ("BODY", "8bitMime"), ("AUTH", "<>"), ("AUTH", "a+40b.test")],
)
def test_what_changes_nothing_here_is_taken(keyword: str, value: str) -> None:
    assert mail_parameters.read({keyword: value}) == Parameters(octets=0, is_utf8=False)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("SIZE", None),
        ("SIZE", "-1"),
        ("SIZE", "ten"),
        ("SIZE", "1_0"),
        ("SIZE", "²"),
        ("SIZE", "٣"),
        ("BODY", None),
        ("BODY", "BINARYMIME"),
        ("SMTPUTF8", "yes"),
    ],
)
def test_a_value_that_is_wrong_is_refused(keyword: str, value: str | None) -> None:
    assert mail_parameters.read({keyword: value}) == replies.BAD_PARAMETER_VALUE


@pytest.mark.parametrize(
    ("keyword", "value"), [("RET", "HDRS"), ("ENVID", "QQ314159"), ("NOTIFY", "NEVER"), ("AUTH", None), ("X", None)]
)
def test_a_keyword_that_is_not_known_is_refused(keyword: str, value: str | None) -> None:
    assert mail_parameters.read({keyword: value}) == replies.UNKNOWN_PARAMETER


def test_parameters_that_could_not_be_read_are_refused() -> None:
    assert mail_parameters.read(None) == replies.BAD_PARAMETER_VALUE


def test_of_several_parameters_one_that_is_wrong_is_enough() -> None:
    assert mail_parameters.read({"SIZE": "10", "BODY": "7BIT", "RET": "FULL"}) == replies.UNKNOWN_PARAMETER


@pytest.mark.parametrize(
    ("argument", "octets", "is_last"),
    [("0", 0, False), ("10", 10, False), ("0 LAST", 0, True), ("10 last", 10, True), ("010  LAST", 10, True)],
)
def test_a_chunk_has_a_size_and_may_be_the_last(argument: str, octets: int, is_last: bool) -> None:
    assert mail_parameters.read_chunk(argument) == Chunk(octets=octets, is_last=is_last)


@pytest.mark.parametrize(
    "argument", ["", "LAST", "-1", "+1", "1.0", "1_0", "²", "٣", "1 FIRST", "1LAST", "1 LAST 2", "1" * 21]
)
def test_what_says_no_size_is_no_chunk(argument: str) -> None:
    assert mail_parameters.read_chunk(argument) is None
