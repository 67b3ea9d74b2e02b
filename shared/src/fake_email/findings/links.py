"""The links of a message, each once, and the kind of each: what it is for."""

import itertools
import re
from collections.abc import Container, Iterator
from typing import NamedTuple

from fake_email.findings import link_words
from fake_email.html import tokens
from fake_email.parsed_message import Link, LinkKind

LINKS = 100  # of one message
URL_CHARACTERS = 4096  # longer ones are left out
TEXT_CHARACTERS = 200
CHARACTERS = 256 * 1024  # of the HTML, and of the text, read

_OCCURRENCES = 2_000  # read in one message, many of them of the same URL
_INNER_CHARACTERS = 16_384  # between the tags of a link
_BEFORE_CHARACTERS = 160  # before a link, which may say its kind
_GENERIC_CHARACTERS = 40  # a longer text says more than "click here"

_LINK_END = re.compile(r"</?[aA](?=[\s>])")
_INLINE = re.compile(r"</?(?:b|i|u|em|strong|span|font|wbr|small)(?:\s[^<>]*+)?>", re.IGNORECASE)
_IS_WEB = re.compile(r"https?://[^\s/?#\\]+", re.IGNORECASE)
_SCHEME = re.compile(r"https?\Z", re.IGNORECASE)
_URL = re.compile(rf"https?://[!#-;=?-\[\]_a-z~\u00a1-\u02af\u0400-\u04ff]{{1,{URL_CHARACTERS}}}+", re.IGNORECASE)
_SCHEME_CHARACTERS = len("<https")
_MOST_TRAILING = 32
_TRAILING = ".,;:!?'*_"
_BRACKETS = {")": "(", "]": "["}


class _Occurrence(NamedTuple):
    """A URL, and its position in the HTML or the text; the words around are read only for a URL not yet known."""

    url: str
    source: str
    start: int
    inner: tuple[int, int] | None  # between the tags of a link in HTML

    def text(self) -> str:
        return _text(self.source[slice(*self.inner)]) if self.inner else self.url[:TEXT_CHARACTERS]

    def words_before(self) -> str:
        """The words before the link, in lower case."""
        if self.inner:
            markup = self.source[max(0, self.start - 4 * _BEFORE_CHARACTERS) : self.start]
            return _words(markup)[-_BEFORE_CHARACTERS:].lower()
        return _line_before(self.source, self.start).lower()


def find(markup: str | None, text: str) -> tuple[Link, ...]:
    """The links of HTML and text, in their order, LINKS at most, in time linear in CHARACTERS."""
    links: dict[str, Link] = {}
    for occurrence in itertools.islice(_occurrences(markup, text, links), _OCCURRENCES):
        if len(links) >= LINKS:
            break
        known = links.get(occurrence.url)
        if known is None or (known.kind == "other" and not known.text):
            words = occurrence.text()
            link = Link(url=occurrence.url, text=words, kind=_kind(occurrence, words.lower()))
            if link.kind == "unsubscribe" or not link.url.startswith("mailto:"):
                links[link.url] = link
    return tuple(links.values())


def _occurrences(markup: str | None, text: str, known: Container[str]) -> Iterator[_Occurrence]:
    if markup is not None:
        yield from _in_markup(markup[:CHARACTERS])
    yield from _in_text(text[:CHARACTERS], known)


def _in_markup(markup: str) -> Iterator[_Occurrence]:
    for _, start, end, _, attributes in tokens.Scanner(markup).start_tags("a"):
        url = _url(tokens.attribute(attributes, "href"))
        if url:
            # One search for the end: the scanner would read every tag inside.
            closing = _LINK_END.search(markup, end, end + _INNER_CHARACTERS)
            inner_end = closing.start() if closing else end + TEXT_CHARACTERS
            yield _Occurrence(url, markup, start, (end, inner_end))


def _url(href: str) -> str:
    """The target of a link, empty unless it may be shown."""
    url = "".join(href.split()) if len(href) <= 2 * URL_CHARACTERS else ""
    if url.startswith("//"):
        url = f"https:{url}"
    if len(url) > URL_CHARACTERS or not url.isprintable():
        return ""
    return url if _IS_WEB.match(url) or url[:7].lower() == "mailto:" else ""


def _text(inner: str) -> str:
    """The text of a link, or the alternatives of its pictures when it has none."""
    text = _words(inner)
    if not text and inner:
        pictures = (tokens.attribute(tag[-1], "alt") for tag in tokens.Scanner(inner).start_tags("img"))
        text = " ".join(" ".join(pictures).split())
    return text[:TEXT_CHARACTERS]


def _words(fragment: str) -> str:
    if "<" in fragment:
        fragment = tokens.without_tags(_INLINE.sub("", fragment))
    return " ".join(tokens.unescape(fragment).split())


def _in_text(text: str, known: Container[str]) -> Iterator[_Occurrence]:
    position = text.find("://")
    while position >= 0:
        start = text.rfind("<", max(0, position - _SCHEME_CHARACTERS), position) + 1
        end = text.find(">", position, position + URL_CHARACTERS) if start else -1
        if end >= 0 and text[start:end] in known:  # as rendered HTML has them
            position = text.find("://", end)
            continue
        scheme = _SCHEME.search(text, max(0, position - _SCHEME_CHARACTERS + 1), position)
        match = _URL.match(text, scheme.start()) if scheme else None
        if match and match.end() - match.start() <= URL_CHARACTERS:
            url = _without_trailing(match[0])
            if _IS_WEB.match(url):
                yield _Occurrence(url, text, match.start(), None)
        position = text.find("://", match.end() if match else position + 1)


def _without_trailing(url: str) -> str:
    """The URL without the punctuation of the sentence around it."""
    for _ in range(_MOST_TRAILING):
        last = url[-1:]
        if not url or (
            last not in _TRAILING and not (last in _BRACKETS and url.count(last) > url.count(_BRACKETS[last]))
        ):
            break
        url = url[:-1]
    return url


def _line_before(text: str, position: int) -> str:
    """The text before the position on the same line, or the nearest line above with a letter or a digit."""
    for line in reversed(text[max(0, position - _BEFORE_CHARACTERS) : position].split("\n")):
        if any(map(str.isalnum, line)):
            return line
    return ""


def _kind(occurrence: _Occurrence, low: str) -> LinkKind:
    """The kind of a link with this text, in lower case."""
    is_bare = occurrence.inner is None or occurrence.url.lower().startswith(low)
    kind = "other" if is_bare else link_words.kind_of_text(low)
    if kind == "other":
        kind = link_words.kind_of_url(_path(occurrence.url))
    if kind != "other" or not (is_bare or (len(low) <= _GENERIC_CHARACTERS and link_words.points(low))):
        return kind
    before = occurrence.words_before()
    if is_bare and not (before.rstrip("<( ").endswith((":", "：")) or link_words.points(before)):
        return "other"
    return link_words.kind_of_text(before)


def _path(url: str) -> str:
    """The part of a URL after its host, in lower case."""
    start = url.find("/", url.find("://") + 3)
    return url[start:].lower() if start >= 0 else ""
