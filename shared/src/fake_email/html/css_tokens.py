"""The tokens of CSS (CSS Syntax Level 3 §4), in time linear in the length. Pure.

A run of tokens that are harmless anywhere is one token here, `plain`: blanks, names, numbers, hashes and `,*!./+-`. The
text of a token is as in the source: consecutive tokens, written one after the other, are read as the same tokens again.
"""

import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

# `bad` is every token that no mail needs: with an escape, a string or a URL without an end, most delimiters.
Type: TypeAlias = Literal["plain", "punctuation", "url", "string", "comment", "function", "at", "html_comment", "bad"]
Token: TypeAlias = tuple[Type, str]

SPACE = " \t\r\n\f"


def _run(choices: str, least: str = "*") -> str:
    """`(?:choices)*+`, which Python before 3.11.5 matches wrongly (CPython issue 106052).

    An atomic group keeps memory for each repetition until its end: the inner groups end after a thousand.
    """
    return rf"(?>(?:(?>(?:{choices}){{1,1000}})){least})"


# A letter, digit, `_`, `-` or no ASCII; then the same without digits and `-`. A negated set compiles six times as fast.
_NAME = r"[^\x00-,./:-@\[-^`{-\x7f]"
_START = r"[^\x00-@\[-^`{-\x7f]"
_IDENT = rf"(?:--|-?{_START}){_NAME}*+"
_NUMBER = r"[+-]?(?:\d++(?:\.\d++)?+|\.\d++)(?>(?:[eE][+-]?\d++)?)"
_IS_ESCAPE = r"\\(?![\r\n\f])"  # §4.3.8
_ESCAPE = rf"(?:\\[0-9A-Fa-f]{{1,6}}+(?>(?:\r\n|[{SPACE}])?)|{_IS_ESCAPE}(?:[^0-9A-Fa-f]|\Z))"
_ESCAPED_IDENT = rf"(?:--|-?(?:{_START}|{_ESCAPE}))" + _run(f"{_NAME}|{_ESCAPE}")

_PLAIN = "|".join(
    (
        rf"[{SPACE}]++",
        rf"{_NUMBER}(?:%|(?>(?:{_IDENT})?)(?!-?{_IS_ESCAPE}))",
        rf"(?!-->){_IDENT}(?!\(|{_IS_ESCAPE})",
        rf"\#{_NAME}++(?!{_IS_ESCAPE})",
        # None of these delimiters begins another token.
        r"[,*!]|/(?!\*)|\.(?!\d)|\+(?![\d.])",
        rf"-(?!{_NAME}|[.\\])",
    )
)
_DOUBLE, _SINGLE, _BARE = r"[^\"\\\r\n\f]*+", r"[^'\\\r\n\f]*+", r"[^\"'()\\\s\0-\x1f\x7f]*+"
_URL = re.compile(rf"(?i:url)\([{SPACE}]*+(?:\"({_DOUBLE})\"|'({_SINGLE})'|({_BARE}))[{SPACE}]*+\)", re.ASCII)
_URL_NAME = "".join(
    rf"(?:\\?{letter}|\\0{{0,4}}{code}(?:\r\n|[{SPACE}])?)"
    for letter, code in (("[Uu]", "[57]5"), ("[Rr]", "[57]2"), ("[Ll]", "[46][Cc]"))
)
_PATTERNS: tuple[tuple[Type, str], ...] = (
    ("plain", _run(_PLAIN, "+")),
    ("punctuation", r"[{};:()\[\]>~|^$=]"),
    ("url", rf"(?i:url)\([{SPACE}]*+(?:\"{_DOUBLE}\"|'{_SINGLE}'|{_BARE})[{SPACE}]*+\)"),
    ("string", rf"\"{_DOUBLE}\"|'{_SINGLE}'"),
    ("comment", r"/\*.*?(?:\*/|\Z)"),
    # A URL without quotes, which ends elsewhere than a function (§4.3.6, §4.3.14).
    ("bad", rf"{_URL_NAME}\((?![{SPACE}]*+[\"'])" + _run(rf"[^)\\]|{_ESCAPE}|\\") + r"\)?"),
    ("function", rf"{_IDENT}\("),
    ("at", rf"@{_IDENT}(?!{_IS_ESCAPE})"),
    ("html_comment", "<!--|-->"),
    ("function", rf"{_ESCAPED_IDENT}\("),
    ("bad", rf"(?>(?:[@\#]|{_NUMBER})?){_ESCAPED_IDENT}|\#" + _run(f"{_NAME}|{_ESCAPE}", "+")),
    ("bad", '"' + _run(rf"[^\"\\\r\n\f]|{_ESCAPE}|\\(?:\r\n|[\r\n\f])") + '"?'),
    ("bad", "'" + _run(rf"[^'\\\r\n\f]|{_ESCAPE}|\\(?:\r\n|[\r\n\f])") + "'?"),
    ("bad", "."),
)
_TOKEN = re.compile("|".join(f"({pattern})" for _, pattern in _PATTERNS), re.ASCII | re.DOTALL)
_TYPES: tuple[Type, ...] = ("bad", *(type_ for type_, _ in _PATTERNS))  # by the number of the group


def tokens(css: str) -> Iterator[Token]:
    """All tokens in order; together their texts are the whole source."""
    for token in _TOKEN.finditer(css):
        yield _TYPES[token.lastindex or 0], token[0]


def address(token: Token) -> str | None:
    """The address in a URL, or the text of a string; None for another token."""
    type_, text = token
    if type_ == "string":
        return text[1:-1]
    url = _URL.match(text) if type_ == "url" else None
    return (url[1] or url[2] or url[3] or "") if url else None
