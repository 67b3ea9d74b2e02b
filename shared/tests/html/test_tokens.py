"""The tokens of HTML: tags, comments and text, after the HTML Standard §13.2.5."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_email.html import tag_attributes, tokens

PIECES = [
    "<a href=x>",
    "</a>",
    "<p title='>'>",
    "<br/>",
    "<",
    "<!",
    "</",
    "<!--",
    "-->",
    "--!>",
    "<!-->",
    "=",
    "'",
    '"',
    "b",
]


def read(markup: str) -> list[tuple[str, str, str]]:
    """Each token's type, name and markup."""
    return [(type_, name, markup[start:end]) for type_, start, end, name, _ in tokens.Scanner(markup)]


@pytest.mark.parametrize(
    ("markup", "type_", "name"),
    [
        ("<p>", "start", "p"),
        ("<P class=a>", "start", "p"),
        ("<br/>", "start", "br"),
        ("<a:b\n>", "start", "a:b"),
        ("<p title='a > b'>", "start", "p"),
        ('<p title="<b>" class = \'">\'>', "start", "p"),
        ("<p <b>", "start", "p"),
        ("<p a=b'>", "start", "p"),
        ("<p ='>", "start", "p"),
        ("<p a\n=\n'>'>", "start", "p"),
        ("</p>", "end", "p"),
        ("</P class=a>", "end", "p"),
        ("<!-- a > b -- c -->", "comment", ""),
        ("<!-- a --!>", "comment", ""),
        ("<!-->", "comment", ""),
        ("<!--->", "comment", ""),
        ("<!---->", "comment", ""),
        ("<!----!>", "comment", ""),
        ("<!---!> -->", "comment", ""),
        ("<!--<!-->", "comment", ""),
        ("<!-- a --!-->", "comment", ""),
        ("<![CDATA[ a ]]>", "comment", ""),
        ("</>", "comment", ""),
        ("<!-- never closed > ", "comment", ""),
        ("<!-- a --!", "comment", ""),
        ("<!doctype html>", "comment", ""),
        ("<?xml version='1.0'?>", "comment", ""),
        ("</ p>", "comment", ""),
        ("<p title='never closed", "comment", ""),
        ("a < b <3 > & c", "text", ""),
    ],
)
def test_markup_is_read_as_one_token(markup: str, type_: str, name: str) -> None:
    assert read(markup) == [(type_, name, markup)]


def test_a_token_ends_where_the_next_one_starts() -> None:
    assert read("a<b>c<!-->d</b>") == [
        ("text", "", "a"),
        ("start", "b", "<b>"),
        ("text", "", "c"),
        ("comment", "", "<!-->"),
        ("text", "", "d"),
        ("end", "b", "</b>"),
    ]


@given(st.lists(st.sampled_from(PIECES)))
def test_the_tokens_together_are_the_markup(pieces: list[str]) -> None:
    markup = "".join(pieces)

    assert "".join(written for _, _, written in read(markup)) == markup


def test_the_contents_of_an_element_are_skipped_up_to_its_end_tag() -> None:
    scanner = tokens.Scanner("<style><b></styles></STYLE >")
    read_tokens = iter(scanner)
    next(read_tokens)

    was_skipped = scanner.skip("style")

    assert (was_skipped, scanner.markup[scanner.position :]) == (True, "</STYLE >")


def test_the_contents_of_an_element_without_an_end_tag_are_not_skipped() -> None:
    scanner = tokens.Scanner("<style>a")
    next(iter(scanner))

    was_skipped = scanner.skip("style")

    assert (was_skipped, scanner.position) == (False, len("<style>"))


def test_only_the_tags_that_are_not_passed_are_read_and_none_in_comments_or_attributes() -> None:
    markup = "<!-- <a b=1> --><a b=2>c</a><abbr b=3><!--><A\nb=4><p title='<a>'><a b='<a>'>c<a b='"

    only = tokens.Scanner(markup).only(tokens.all_but(("a",), "a"))
    read_tags = [markup[start:end] for type_, start, end, _, _ in only if type_ == "start"]

    assert read_tags == ["<a b=2>", "<A\nb=4>", "<a b='<a>'>"]


@given(st.lists(st.sampled_from(PIECES)))
def test_the_tags_that_are_not_passed_are_those_of_all_tokens(pieces: list[str]) -> None:
    markup = "".join(pieces)

    only = [token for token in tokens.Scanner(markup).only(tokens.all_but(("a",), "a")) if token[3] == "a"]

    assert [token for token in only if token[0] == "start"] == [
        token for token in tokens.Scanner(markup) if token[3] == "a" and token[0] == "start"
    ]


def test_a_tag_has_all_its_attributes_however_many() -> None:
    ((*_, attributes),) = tokens.Scanner("<p " + "a='>' " * 5_000 + "b=c>")

    assert tag_attributes.value(attributes, "b") == "c"


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("a<b class=c>d</b>", "a d"),
        ("<style>a{}</style><SCRIPT>b()</SCRIPT><title>c</title>d", "d"),
        ("a<!-- <b>c</b> -->d", "a d"),
        ("a<!-- never closed", "a"),
        ("a<!-->b<!--->c", "a b c"),
        ("of=a>b", "of=a>b"),
        ("a < 482913 > b<3>", "a < 482913 > b<3>"),
    ],
)
def test_tags_are_taken_out_of_a_fragment(fragment: str, words: str) -> None:
    assert " ".join(tokens.without_tags(fragment).split()) == words
