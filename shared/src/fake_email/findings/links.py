"""The links of a message, each once, and the kind of each: what it is for."""

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from fake_email.findings import bare_urls, link_lexicon, wrapped_links
from fake_email.findings.link_lexicon import WordKind
from fake_email.html import anchors, references, tokens
from fake_email.parsed_message import Link, LinkKind

LINKS = 100  # of one message
CHARACTERS = 256 * 1024  # of the HTML, and of the text, read

_OCCURRENCES = 2_000  # read in one message, many of them of the same URL
_BEFORE_CHARACTERS = 160  # before a link, which may say its kind
_SUBJECT_CHARACTERS = 200
_GENERIC_CHARACTERS = 40  # a longer text says more than "click here"

_IS_WEB = re.compile(r"https?://[^\s/?#\\]+", re.IGNORECASE)


class _Occurrence(NamedTuple):
    """A URL, its text, and its position in the HTML or the text; the words before it may say its kind."""

    url: str
    text: str
    source: str
    start: int
    is_bare: bool

    def words_before(self) -> str:
        """The words before the link, in lower case."""
        if self.is_bare:
            return _line_before(self.source, self.start).lower()
        markup = self.source[max(0, self.start - 4 * _BEFORE_CHARACTERS) : self.start]
        words = references.in_text(tokens.without_tags(markup) if "<" in markup else markup)
        return " ".join(words.split())[-_BEFORE_CHARACTERS:].lower()


def find(markup: str | None, text: str, subject: str = "") -> tuple[Link, ...]:
    """The links of HTML and text, in their order, LINKS at most, in time linear in CHARACTERS."""
    links: dict[str, Link] = {}
    of_subject = link_lexicon.of_text(subject[:_SUBJECT_CHARACTERS].lower())
    for occurrence in itertools.islice(_occurrences(markup, text, links), _OCCURRENCES):
        if len(links) >= LINKS:
            break
        known = links.get(occurrence.url)
        if known is None or (known.kind == "other" and not known.text):
            target = wrapped_links.target(occurrence.url)
            kind = _kind(occurrence, target, occurrence.text.lower(), of_subject)
            if kind == of_subject:
                of_subject = "other"  # the subject speaks of one link
            link = Link(url=occurrence.url, text=occurrence.text, kind=kind, target=target)
            if link.kind == "unsubscribe" or _IS_WEB.match(link.url):
                links[link.url] = link
    return tuple(links.values())


def _occurrences(markup: str | None, text: str, known: dict[str, Link]) -> Iterator[_Occurrence]:
    if markup is not None:
        markup = markup[:CHARACTERS]
        for url, words, start in anchors.read(markup):
            yield _Occurrence(url, words, markup, start, is_bare=False)
    text = text[:CHARACTERS]
    for url, start in bare_urls.find(text, known if markup else ()):  # rendered HTML has the links again
        yield _Occurrence(url, url[: anchors.TEXT_CHARACTERS], text, start, is_bare=True)


def _line_before(text: str, position: int) -> str:
    """The text before the position on the same line, or the nearest line above with a letter or a digit."""
    for line in reversed(text[max(0, position - _BEFORE_CHARACTERS) : position].split("\n")):
        if any(map(str.isalnum, line)):
            return line
    return ""


def _kind(occurrence: _Occurrence, target: str | None, low: str, of_subject: LinkKind) -> LinkKind:
    """The kind of a link with this text, in lower case: by the text, else by the path, else by the words before it."""
    is_bare = occurrence.is_bare or occurrence.url.lower().startswith(low)
    words = frozenset[WordKind]() if is_bare else link_lexicon.kinds(low)
    kind = link_lexicon.of_kinds(words)
    if kind == "other" and "trade" not in words:
        kind = link_lexicon.of_path(_path(target or occurrence.url))
    if kind != "other" or not (is_bare or (len(low) <= _GENERIC_CHARACTERS and "point" in words)):
        return kind
    before = occurrence.words_before()
    words = link_lexicon.kinds(before)
    if is_bare and not (before.rstrip("<( ").endswith((":", "：")) or "point" in words):
        return "other"
    kind = link_lexicon.of_kinds(words)
    return of_subject if kind == "other" and "trade" not in words and of_subject != "unsubscribe" else kind


def _path(url: str) -> str:
    """The part of a URL after its host, in lower case."""
    start = url.find("/", url.find("://") + 3)
    return url[start:].lower() if start >= 0 else ""
