"""The environment file of the units is read as systemd reads it, and changed without losing a line."""

import env_file
import pytest
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\x85"), max_size=30
).map(str.strip)


@given(VALUES)
def test_a_written_value_is_read_unchanged(value: str) -> None:
    assert env_file.read(env_file.changed("", {"NAME": value})) == {"NAME": value}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=plain", "plain"),
        ("NAME=  around  ", "around"),
        ("NAME='single \"quotes\"'", 'single "quotes"'),
        ('NAME="double \\"quotes\\" and \\$"', 'double "quotes" and $'),
        ("NAME=with#hash=and=more", "with#hash=and=more"),
        ("NAME=", ""),
    ],
)
def test_a_value_is_unquoted_as_systemd_does(line: str, value: str) -> None:
    assert env_file.read(line) == {"NAME": value}


def test_comments_and_lines_without_a_variable_are_skipped() -> None:
    assert env_file.read("# NAME=a\n; NAME=b\n\nnothing\n") == {}


def test_a_change_keeps_every_other_line() -> None:
    before = "# why\nA=1\n\nB='2'\nnothing\n"

    assert env_file.changed(before, {"A": "3", "C": "4"}) == "# why\nA=3\n\nB='2'\nnothing\nC=4\n"


def test_a_line_that_has_the_value_already_is_not_rewritten() -> None:
    before = "A='1'\n"

    assert env_file.changed(before, {"A": "1"}) == before


def test_a_variable_that_is_set_twice_is_set_once_after_a_change() -> None:
    assert env_file.changed("A=1\nA=2\n", {"A": "3"}) == "A=3\n"
