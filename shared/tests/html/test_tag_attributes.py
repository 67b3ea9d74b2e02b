"""The attributes inside a tag."""

import pytest

from fake_email.html import tag_attributes


@pytest.mark.parametrize(
    ("inside", "read_attributes"),
    [
        (" a=b C='d e' f=\"g\"", [("a", "b"), ("c", "d e"), ("f", "g")]),
        (" a = b/c d", [("a", "b/c"), ("d", "")]),
        ("/a=b/", [("a", "b/")]),
        (" a='b'c=d", [("a", "b"), ("c", "d")]),
        (" title='href=x' href=y'z", [("title", "href=x"), ("href", "y'z")]),
        (" a='never closed", [("a", "never closed")]),
        (" = '\"", [("=", ""), ("'\"", "")]),
        (" a==b", [("a", "=b")]),
        (" =a='>' b", [("=a", ">"), ("b", "")]),
        ("\u00a0a=b c\x0bd=e", [("\u00a0a", "b"), ("c\x0bd", "e")]),
    ],
)
def test_attributes_are_read(inside: str, read_attributes: list[tuple[str, str]]) -> None:
    assert list(tag_attributes.read(inside)) == read_attributes


def test_the_first_attribute_with_a_name_counts_and_its_references_are_resolved() -> None:
    assert tag_attributes.value(" HREF='a&amp;b' href=c", "href") == "a&b"
