"""The environment file of the units is read as systemd reads it, and changed without losing a line."""

import env_file
import pytest
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
PIECES = [*"AB= \t\n\r'\"\\;x$", "\u2028", "\x85", "\nA=", "\nB='", '\nA="', "export "]
TEXTS = st.lists(st.sampled_from(PIECES)).map("".join)


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
        ("  NAME  =  spaces  around  ", "spaces  around"),
        ("NAME=two \\\nlines", "two lines"),
        ('NAME="two \\\nlines"', "two lines"),
        ('NAME="two\nlines"', "two\nlines"),
        ("NAME='two\nlines'", "two\nlines"),
        ("NAME='two \\\nlines'", "two \\\nlines"),
        ('NAME="kept \\n"', "kept \\n"),
        ("NAME=escaped\\ space\\ ", "escaped space "),
        ("NAME='a' \"b\" c 'd'", "abc 'd'"),
        ('NAME="a" # part of the value', "a# part of the value"),
        ('NAME=it"s', 'it"s'),
        ("NAME='to the end", "to the end"),
        ("NAME=a\u2028b\x85c\x0bd\x0ce\x1cf", "a\u2028b\x85c\x0bd\x0ce\x1cf"),
        ("NAME=carriage return\rOTHER", "carriage return"),
        ("NAME=first\nNAME=last", "last"),
    ],
)
def test_a_value_is_unquoted_as_systemd_does(line: str, value: str) -> None:
    assert env_file.read(line) == {"NAME": value}


def test_comments_and_lines_without_a_variable_are_skipped() -> None:
    assert env_file.read("# NAME=a\n; NAME=b\n\nnothing\nexport NAME=c\n1NAME=d\n=e\n") == {}


def test_a_comment_that_only_some_releases_of_systemd_end_with_its_line_is_refused_by_its_number() -> None:
    with pytest.raises(env_file.Unclear, match=r"line 2 is a comment that ends with \\"):
        env_file.read("A=1\n# why \\\nB=2\n")


def test_a_change_keeps_every_other_line() -> None:
    before = "# why\nA=1\n\nB='2'\nnothing\n"

    assert env_file.changed(before, {"A": "3", "C": "4"}) == "# why\nA=3\n\nB='2'\nnothing\nC=4\n"


def test_a_line_that_has_the_value_already_is_not_rewritten() -> None:
    before = "A='1'\n"

    assert env_file.changed(before, {"A": "1"}) == before


def test_a_variable_that_is_set_twice_is_set_once_after_a_change() -> None:
    assert env_file.changed("A=1\nA=2\n", {"A": "3"}) == "A=3\n"


def test_a_change_replaces_all_lines_of_a_value() -> None:
    assert env_file.changed("A=1 \\\n  2\nB='x\ny'\nC=3\n", {"A": "4", "B": "5"}) == "A=4\nB=5\nC=3\n"


@pytest.mark.parametrize("last", ["A='open", 'A="open', "A=open\\", "A=open\\\n", "A=open", "nothing", "# why"])
def test_a_line_that_is_added_is_no_part_of_the_last_value(last: str) -> None:
    assert env_file.read(env_file.changed(last, {"B": "2"})) == {**env_file.read(last), "B": "2"}


@given(TEXTS, VALUES)
def test_a_change_sets_its_variables_and_leaves_every_other_value(text: str, value: str) -> None:
    after = env_file.changed(text, {"A": value, "C": "3"})

    assert env_file.read(after) == {**env_file.read(text), "A": value, "C": "3"}
    assert env_file.changed(after, {"A": value, "C": "3"}) == after
