"""The one scanner of HTML tags: text, links, codes and the sanitised copy of a mail all read HTML with it.

It follows the tokenisation of the HTML Standard (§13.2.5) for tags, attributes and comments. Its time is linear in the
length of any markup, and it keeps one token in memory.
"""

import functools
import html
import re
from collections.abc import Iterator
from typing import Literal

from fake_email.html import steps

# A repeated group is atomic and counted: one match takes few microseconds, and the next match goes on behind it.
_IN_TAG = r"(?>(?:[^>=]++|=\s*+\"[^\"]*+(?:\"|\Z)|=\s*+'[^']*+(?:'|\Z)|=){0,1000})"
_TOKEN = re.compile(
    rf"<(/?)([a-zA-Z][^\s/>]*+)({_IN_TAG})>?"
    r"|((?>(?:[^<]++|<(?![a-zA-Z/!?])){1,1000}))"
    r"|<(?:(!--)(?!-?>)|[!?/][^>]*+>?)"
)
_TAG, _TEXT, _COMMENT = 3, 4, 5  # the last group of each
_REST_OF_TAG = re.compile(rf"({_IN_TAG})>?")
_ATTRIBUTE = re.compile(r"([^\s\"'>/=]++)(?:\s*+=\s*+(?:\"([^\"]*+)|'([^']*+)|([^\s\"'>][^\s>]*+)))?")
_TAG_ROUGHLY = re.compile(
    r"<(?:!--(?!-?>).*?(?:--!?>|\Z)|(?:style|script|title)\b[^<>]*+>[^<]*+|[^<>]*+>)", re.IGNORECASE | re.DOTALL
)
_HUGE_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")


TokenType = Literal["text", "comment", "start", "end"]
# The type, the start and the end in the markup; of a tag also the name, in lower case, and the attributes, as written:
# the inside of the tag behind its name. A tuple, since a document has up to 100,000 and a struct takes longer to make.
Token = tuple[TokenType, int, int, str, str]


class Scanner:
    """One reading of HTML; `position` is where its next token starts."""

    def __init__(self, markup: str) -> None:
        self.markup = markup
        self.position = 0
        self._without_end: set[str] = set()
        self._arrow = -1  # the position of the first "-->" behind the start of the last comment

    def __iter__(self) -> Iterator[Token]:
        """The tokens in order; long text comes in several. A tag without an end is a comment: browsers show neither."""
        markup = self.markup
        while match := _TOKEN.match(markup, self.position):
            start, end = match.span()
            group = match.lastindex
            if group == _TAG:
                attributes = match[3]
                if markup[end - 1] != ">":
                    end, attributes = _rest_of_tag(match, 3)
                self.position = end
                if markup[end - 1] == ">":
                    yield "end" if match[1] else "start", start, end, match[2].lower(), attributes
                else:
                    yield "comment", start, end, "", ""
            elif group == _TEXT:
                self.position = end
                yield "text", start, end, "", ""
            else:
                self.position = end = self._comment_end(end) if group == _COMMENT else end
                yield "comment", start, end, "", ""

    def start_tags(self, name: str) -> Iterator[Token]:
        """The start tags with this name and with attributes, faster than all tokens; comments are skipped."""
        markup = self.markup
        pattern = _start_tag(name)
        while match := pattern.search(markup, self.position):
            start, end = match.span()
            attributes = match[1]
            if attributes is None:
                self.position = self._comment_end(end)
                continue
            if markup[end - 1] != ">":
                end, attributes = _rest_of_tag(match, 1)
            self.position = end
            if markup[end - 1] != ">":
                return
            yield "start", start, end, name, attributes

    def skip(self, name: str) -> bool:
        """Go on at the next end tag with this name; false when there is none, and then the position stays."""
        if name in self._without_end:
            return False
        closing = steps.search(_end_tag(name), self.markup, self.position, len(f"</{name}>"))
        if closing is None:
            self._without_end.add(name)
            return False
        self.position = closing.start()
        return True

    def _comment_end(self, position: int) -> int:
        """The end of the comment whose text starts here."""
        markup = self.markup
        if self._arrow < position:
            arrow = markup.find("-->", position)
            self._arrow = arrow if arrow >= 0 else len(markup)
        bang = markup.find("--!>", position, self._arrow)
        return bang + len("--!>") if bang >= 0 else min(self._arrow + len("-->"), len(markup))


def _rest_of_tag(match: re.Match[str], group: int) -> tuple[int, str]:
    """The end and all attributes of a tag that has more attributes than one match takes."""
    markup = match.string
    attributes_end = end = match.end()
    while end == attributes_end < len(markup):
        rest = _REST_OF_TAG.match(markup, end)
        if rest is None:
            break
        attributes_end, end = rest.end(1), rest.end()
    return end, markup[match.start(group) : attributes_end]


@functools.cache
def _start_tag(name: str) -> re.Pattern[str]:
    letters = "".join(f"[{letter}{letter.upper()}]" for letter in name)  # faster than re.IGNORECASE
    return re.compile(rf"<(?:{letters}(?=[\s/])({_IN_TAG})>?|!--(?!-?>))")


@functools.cache
def _end_tag(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}(?=[\s/>]|\Z)", re.IGNORECASE)


def attributes(inside: str) -> Iterator[tuple[str, str]]:
    """The names, in lower case, and the values, as written, of the attributes inside a tag."""
    match = _ATTRIBUTE.search(inside)  # `finditer` takes longer for the few attributes of a tag
    while match:
        yield match[1].lower(), match[2] or match[3] or match[4] or ""
        match = _ATTRIBUTE.search(inside, match.end())


def attribute(inside: str, wanted: str) -> str:
    """The value of the first attribute with this name inside a tag, references resolved; empty without one."""
    match = _ATTRIBUTE.search(inside)
    while match:
        if match[1].lower() == wanted:
            value: str = match[2] or match[3] or match[4] or ""
            return steps.change(value, unescape) if "&" in value else value
        match = _ATTRIBUTE.search(inside, match.end())
    return ""


def unescape(text: str) -> str:
    """The text with its character references resolved."""
    if "&#" in text:  # `html.unescape` raises on a number of more digits than `int` takes
        text = _HUGE_REFERENCE.sub("\ufffd", text)
    return html.unescape(text)


def without_tags(fragment: str) -> str:
    """A fragment of HTML with blanks for its tags and comments, roughly but fast: a tag ends at its first `>`."""
    return _TAG_ROUGHLY.sub(" ", fragment)
