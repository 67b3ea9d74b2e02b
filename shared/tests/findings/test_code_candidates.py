"""The characters of a text that may be a code, and the fast look for whether there are any."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fake_email.findings import code_candidates

# Each joins parts of candidates, or keeps characters from being one.
_PIECES = st.one_of(
    st.text(string.digits + "AZaz", min_size=1, max_size=6),
    st.sampled_from(
        [" ", "  ", " - ", "-", "|", "\t", "\n", "\n\n  ", ". ", "$", "@", "#", "FB-", "ABC-DEF", "\u2009", "\u0661"]
    ),
)


@given(st.lists(_PIECES, max_size=12).map("".join))
@example("4 8 2 9 1 3")
@example("482\n\n    913")
@example("É4")
def test_a_text_with_a_candidate_may_have_one(text: str) -> None:
    plain = code_candidates.plain(text)

    assert code_candidates.may_have_any(plain) or not code_candidates.read(plain)


@pytest.mark.parametrize("text", ["Message 17 of 203, 20 minutes ago", "The FAQ", "3.50, 12:45, 100%", ""])
def test_a_text_whose_numbers_are_too_short_has_none(text: str) -> None:
    assert not code_candidates.may_have_any(text)


@pytest.mark.parametrize(
    "text",
    [
        "Turn on 2-Step Verification",
        "Your number is CH-118 402.",
        "Quote Q-2026-1184 for 3 pallets",
        "the number 347 ••• 9021",
        "the card **** 6612",
        "the user ann.odin2b",
        "ADDRESS\n",
        "PARKING\n",
        "W E L C O M E\n",
        "London NW1 6XE",
    ],
)
def test_words_names_and_numbers_of_other_things_are_no_candidates(text: str) -> None:
    assert code_candidates.read(text) == []
