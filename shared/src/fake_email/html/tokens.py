"""The one scanner of HTML tags: text, links, codes and the sanitised copy of a mail all read HTML with it.

It follows the tokenisation of the HTML Standard (§13.2.5) for tags, attributes and comments. Its time is linear in the
length of any markup, and it keeps one token in memory.
"""

import functools
import itertools
import operator
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from fake_email.html import elements, steps, tag_attributes, urls

CHARACTERS = 1024 * 1024  # of HTML read
TAGS = 50_000  # of HTML read, comments included; a long newsletter has some 10,000

_SPACE = tag_attributes.SPACE
# A repeated group is atomic and counted: one match takes few microseconds, and the next match goes on behind it.
_VALUE = rf"{_SPACE}*+={_SPACE}*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\t\n\f\r >\"'][^\t\n\f\r >]*+)?"
_IN_TAG = (
    r"(?>(?:[\t\n\f\r /]*+[^\t\n\f\r />][^\t\n\f\r />=]*+(?:=(?:\"[^\"]*+\"|'[^']*+')|"
    rf"{_VALUE})?+){{0,1000}}[\t\n\f\r /]*+)"
)
_NAME = r"[a-zA-Z][^\t\n\f\r />]*+"
_COMMENT_START = r"!--(?!-?>)"
_TOKEN = re.compile(
    rf"<(/?)({_NAME})({_IN_TAG})>?|((?>(?:[^<]++|<(?![a-zA-Z/!?])){{1,1000}}))|<(?:({_COMMENT_START})|[!?/][^>]*+>?)"
)
_TAG, _TEXT, _COMMENT = 3, 4, 5  # the last group of each
# A tag and the text behind it; if its end tag follows, that end tag and the text behind that; only "<" of all else.
# The commonest inside of a tag, and the commonest text, are tried first.
_USUAL_IN_TAG = r"(?>(?: [a-zA-Z-]++=\"[^\"]*+\"){0,1000})(?=>)"
_BEHIND = r"([^<]*+(?>(?:(?=<[^a-zA-Z/!?])(?:<(?![a-zA-Z/!?])[^<]*+){0,1000})?))"
_RUN = re.compile(
    rf"<(?:(/[a-zA-Z0-9]++(?=>)|({_NAME})(?:{_USUAL_IN_TAG}|{_IN_TAG})|/{_NAME}{_IN_TAG})>"
    rf"{_BEHIND}(?:</\2>{_BEHIND})?)?"
)
# Tags with nothing but blanks and comments between, none of which is a link or a picture: these differ from each other.
# Behind them may be a link that has only text inside, or a picture, and text.
_OTHERS = r"(?![aA][\t\n\f\r />]|img[\t\n\f\r />])"
_USUAL_COMMENT = rf"{_COMMENT_START}[^-]*+(?:-(?!-)[^-]*+){{0,1000}}-->"
_ATTRIBUTES = r"(?>(?: [a-zA-Z-]++=\"[^\"]*+\"){1,1000})"
_STRETCH = re.compile(
    rf"(?=<)((?>(?:<(?:/{_OTHERS}[a-zA-Z0-9]++>|{_OTHERS}{_NAME}(?:{_USUAL_IN_TAG}|{_IN_TAG})>|/{_OTHERS}{_NAME}{_IN_TAG}>"
    rf"|{_USUAL_COMMENT})(?:{_SPACE}++(?=<[a-zA-Z/!?]))?){{0,50}}))"
    rf"(?:<(?:[aA]({_ATTRIBUTES})>([^<]*+)</[aA]|img({_ATTRIBUTES} ?/?))>)?{_BEHIND}"
)
_REST_OF_TAG = re.compile(rf"({_IN_TAG})>?")
_TAG_ROUGHLY = re.compile(
    r"<(?:!--(?!-?>).*?(?:--!?>|\Z)|(?:style|script|title)\b[^<>]*+>[^<]*+|[a-z/!?][^<>]*+>)", re.IGNORECASE | re.DOTALL
)
_BASE = re.compile(r"<[bB][aA][sS][eE][\t\n\f\r /]")

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
                is_closed = end > match.end(_TAG)
                if not is_closed and end < len(markup):
                    end, attributes, is_closed = _rest_of_tag(match)
                self.position = end
                if is_closed:
                    yield "end" if match[1] else "start", start, end, match[2].lower(), attributes
                else:
                    yield "comment", start, end, "", ""
            elif group == _TEXT:
                self.position = end
                yield "text", start, end, "", ""
            else:
                self.position = end = self._comment_end(end) if group == _COMMENT else end
                yield "comment", start, end, "", ""

    def runs(self, end: int) -> Iterator[re.Match[str]]:
        """The next tags up to this position, each with the text behind it. Runs are faster to read than tokens.

        A run has four groups: the inside of the tag, the name of a start tag, the text behind it, and the text behind
        the end tag if the element holds only text. From a run without groups on, tokens must be read.
        """
        is_at_tag = self.markup.startswith("<", self.position)
        return _RUN.finditer(self.markup, self.position if is_at_tag else end, end)

    def stretches(self) -> Iterator[re.Match[str]]:
        """The next tags, as many as stand together, each time with a link or picture and the text behind them.

        The groups are the tags, the attributes of a link that has only text inside, that text, the attributes of a
        picture, and the text behind. A stretch without the first, second and fourth is where runs must be read.
        """
        is_at_tag = self.markup.startswith("<", self.position)
        return _STRETCH.finditer(self.markup, self.position if is_at_tag else len(self.markup))

    def only(self, passed: re.Pattern[str], stop: Callable[[int], int] | None = None) -> Iterator[Token]:
        """The tokens that `passed`, made by `all_but`, does not pass; faster than all tokens.

        A token over a position of `stop` is read, too: the first such position from a position on, or one before that.
        """
        markup = self.markup
        tokens = iter(self)
        stopped = 0 if stop else len(markup)
        while True:
            if stop and self.position >= stopped:
                stopped = stop(self.position)
            match = passed.match(markup, self.position, stopped)
            if match is None:
                return
            self.position = match.end()
            if match.lastindex:  # the tag behind
                name, attributes = match.groups()
                yield "start", match.start(1) - 1, match.end(), name.lower(), attributes
            elif match.end() == match.start() or markup[self.position : self.position + 1] == "<":
                token = next(tokens, None)
                if token is None:
                    return
                yield token

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

    def skip_unseen(self, name: str, attributes: str) -> bool:
        """Skip the unseen content of the element whose start tag was the last token, one of `elements.UNSEEN`.

        False when the element has no end tag; then the position stays.
        """
        return (name in elements.FOREIGN and attributes.endswith("/")) or self.skip(name)

    def _comment_end(self, position: int) -> int:
        """The end of the comment whose text starts here."""
        markup = self.markup
        if self._arrow < position:
            arrow = markup.find("-->", position)
            self._arrow = arrow if arrow >= 0 else len(markup)
        bang = markup.find("--!>", position, self._arrow)
        return bang + len("--!>") if bang >= 0 else min(self._arrow + len("-->"), len(markup))


def base(markup: str) -> str:
    """The URL that the relative URLs of a document start from: of its first `<base href>`; empty without one."""
    if not _BASE.search(markup):
        return ""
    scanner = Scanner(markup)
    for type_, _, _, name, inside in scanner.only(all_but(("base", *sorted(elements.UNSEEN)), "base")):
        if type_ == "start":
            if name in elements.UNSEEN:
                scanner.skip_unseen(name, inside)
            elif url := tag_attributes.href(inside):
                return urls.base(url)
    return ""


def _rest_of_tag(match: re.Match[str]) -> tuple[int, str, bool]:
    """The end, all attributes and the presence of the `>` of a tag that has more attributes than one match takes."""
    markup = match.string
    attributes_end = end = match.end()
    while end == attributes_end < len(markup):
        rest = _REST_OF_TAG.match(markup, end)
        if rest is None:
            break
        attributes_end, end = rest.end(1), rest.end()
    return end, markup[match.start(_TAG) : attributes_end], end > attributes_end


@functools.cache
def all_but(names: Iterable[str], usual: str) -> re.Pattern[str]:
    """A pattern that passes text, comments and tags, but no start tag with one of these names, then one `usual` tag."""
    by_letter = itertools.groupby(sorted(names), key=operator.itemgetter(0))
    stop = "|".join(
        _any_case(first) + f"(?:{'|'.join(_any_case(name[1:]) for name in group)})" for first, group in by_letter
    )
    return re.compile(
        rf"(?>[^<]*+(?:<(?:/{_NAME}>|(?!(?:{stop})[\t\n\f\r />]){_NAME}{_IN_TAG}>|/{_NAME}{_IN_TAG}>"
        rf"|{_USUAL_COMMENT}|[!?](?!--)[^>]*+>|(?![a-zA-Z/!?]))[^<]*+){{0,100}})"
        rf"(?:<({_any_case(usual)})(?=[\t\n\f\r /])({_IN_TAG})>)?"
    )


def _any_case(name: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" for letter in name)  # faster than re.IGNORECASE


@functools.cache
def _end_tag(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE)


def without_tags(fragment: str) -> str:
    """A fragment of HTML with blanks for its tags and comments, roughly but fast: a tag ends at its first `>`."""
    return _TAG_ROUGHLY.sub(" ", fragment)
