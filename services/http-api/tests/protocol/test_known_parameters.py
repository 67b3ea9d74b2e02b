"""The names in a query: an unknown one is refused with the nearest, and so is one that is given twice."""

import pytest

from http_api.protocol.errors import BadInput
from http_api.protocol.known_parameters import check

SEND_TOKEN = "send the token of the mailbox in Authorization."
PARAMETERS = {"address": False, "subject": False, "since": False, "has": True}


@pytest.mark.parametrize("names", [[], ["address"], ["has", "since", "has", "has", "address"]])
def test_the_parameters_of_the_call_pass_and_an_array_may_be_repeated(names: list[str]) -> None:
    check(PARAMETERS, names)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("subjekt", "subjekt: not a parameter of this call; the nearest is subject."),
        ("Subject", "Subject: not a parameter of this call; the nearest is subject."),
        ("adress", "adress: not a parameter of this call; the nearest is address."),
        ("colour", "colour: not a parameter of this call; this call has address, has, since, subject."),
        ("haste", "haste: not a parameter of this call; the nearest is has."),
        ("expect", "expect: not a parameter of this call; this call has address, has, since, subject."),
        ("ticket", f"ticket: not a parameter of this call; a ticket opens GET only; {SEND_TOKEN}"),
        ("token", f"token: not a parameter of this call; {SEND_TOKEN}"),
        ("", ": not a parameter of this call; this call has address, has, since, subject."),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        check(PARAMETERS, ["address", name])

    assert (caught.value.field, str(caught.value)) == (name, sentence)


def test_a_call_without_parameters_says_so() -> None:
    with pytest.raises(BadInput, match=r"^a: not a parameter of this call; this call has none\.$"):
        check({}, ["a"])


def test_a_long_name_is_not_repeated_in_full() -> None:
    with pytest.raises(BadInput) as caught:
        check(PARAMETERS, ["a" * 60_000])

    assert len(str(caught.value)) < 300


def test_a_parameter_that_is_not_an_array_is_refused_when_it_is_given_twice() -> None:
    with pytest.raises(BadInput, match=r"^since: given twice; give this parameter once\.$") as caught:
        check(PARAMETERS, ["since", "has", "since"])

    assert caught.value.field == "since"
