"""The tokens of CSS, beside those that CSS Syntax Level 3 reads."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import css_syntax

from fake_email.html import css_tokens

NAMES = r"a é u r l _ 1 e E3 1.5 \75 \6c \000075 \u url( URL( a("
MARKS = r"""( ) [ ] { } ; : , ' " \ / * /* */ <!-- --> - -- + . # @ ! % ~ | ^ $ = < > & ?"""
BLANKS = ["\n", "\r\n", "\r", "\f", "\t", " ", "\\72 ", "\x01"]
PIECES = st.sampled_from([*NAMES.split(), *MARKS.split(), *BLANKS])


@given(st.lists(PIECES, max_size=30).map("".join))
@example('"\\75\n')
@example("1.5-\\72 ")
def test_every_token_begins_and_ends_where_a_token_of_a_browser_does(written: str) -> None:
    texts = [text for _, text in css_tokens.tokens(written)]

    browsers = css_syntax.tokens(written)
    assert "".join(texts) == written
    for number in range(1, len(texts)):
        rest = css_syntax.tokens("".join(texts[number:]))
        assert rest == browsers[-len(rest) :]


@pytest.mark.parametrize(
    ("written", "type_"),
    [
        ("red 10px -1.5e3% #fff a/b * !important", "plain"),
        ("url(a)", "url"),
        ("URL( 'a' )", "url"),
        ("calc(", "function"),
        ("'a;b'", "string"),
        ("/* a", "comment"),
        ("@media", "at"),
        ("<!--", "html_comment"),
        ("u\\72l(a;b)", "bad"),
        ("url(a b;c)", "bad"),
        ("'a\\'b'", "bad"),
        ("a\\(", "bad"),
    ],
)
def test_a_token_has_its_type(written: str, type_: str) -> None:
    assert list(css_tokens.tokens(written)) == [(type_, written)]


@pytest.mark.parametrize(
    ("token", "address"),
    [
        (("url", "url(a)"), "a"),
        (("url", "URL( 'a b' )"), "a b"),
        (("url", "url()"), ""),
        (("string", "'a'"), "a"),
        (("plain", "a"), None),
    ],
)
def test_the_address_of_a_token_is_without_its_quotes(token: css_tokens.Token, address: str | None) -> None:
    assert css_tokens.address(token) == address
