"""The links of a message, each once, and the kind of each: what it is for."""

import itertools
from collections.abc import Callable, Sequence

from fake_email.findings import bare_urls, link_lexicon, wrapped_links
from fake_email.html import anchors, references, tokens
from fake_email.parsed_message import Link, LinkKind

LINKS = 100  # of one message
CHARACTERS = 256 * 1024  # of the HTML, and of the text, read

_FIRST_OF_URLS = "hmt"  # of those with http, https, mailto and tel
_LINKS_AT_ONCE = 16  # the clock is read in between, and after the first
_OCCURRENCES = 2_000  # read in one message, many of them of the same URL
_BEFORE_CHARACTERS = 160  # before a link, which may say its kind
_SUBJECT_CHARACTERS = 200
_GENERIC_CHARACTERS = 40  # a longer text says more than "click here"


def find(
    markup: str | None,
    text: str,
    subject: str = "",
    tags: Sequence[anchors.Tag] | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> tuple[Link, ...]:
    """The links of HTML and text, in their order, LINKS at most, in time linear in CHARACTERS.

    `tags` are for `anchors`. When the time `is_over`, no more than one is looked for.
    """
    found = _Found(link_lexicon.of_text(subject[:_SUBJECT_CHARACTERS].lower()))
    if markup is not None:
        tags = tags if len(markup) <= CHARACTERS else None
        markup = markup[:CHARACTERS]
        for url, words, start in itertools.islice(anchors.read(markup, tags), _OCCURRENCES):
            if (len(found.links) % _LINKS_AT_ONCE == 1 and is_over()) or not found.add(
                url, words, markup, start, is_bare=False
            ):
                break
    text = text[:CHARACTERS]
    # Rendered HTML has its links again.
    for url, start in itertools.islice(bare_urls.find(text, found.links if markup else ()), _OCCURRENCES):
        if len(found.links) % _LINKS_AT_ONCE == 1 and is_over():
            break
        if not found.add(url, url[: anchors.TEXT_CHARACTERS], text, start, is_bare=True):
            break
    return tuple(found.links.values())


class _Found:
    """The links that were found so far, by their URLs, and the kind that the subject of the message still speaks of."""

    def __init__(self, of_subject: LinkKind) -> None:
        self.links: dict[str, Link] = {}
        self.of_subject = of_subject

    def add(self, url: str, text: str, source: str, start: int, *, is_bare: bool) -> bool:
        """Add the link that starts here in the HTML or the text; false when there are enough."""
        known = self.links.get(url)
        if known is None or (known.kind == "other" and not known.text):
            target = wrapped_links.target(url)
            low = text.lower()
            is_bare = is_bare or not low or (low[0] in _FIRST_OF_URLS and url.lower().startswith(low))
            kind, points = _kind_of(target or url, "" if is_bare else low)
            if kind == "other" and (is_bare or points):
                kind = self.kind_of_place(source, start, is_bare=is_bare)
            if kind == self.of_subject:
                self.of_subject = "other"  # the subject speaks of one link
            if kind == "unsubscribe" or url[:1] not in "mMtT":
                self.links[url] = Link(url=url, text=text, kind=kind, target=target)
        return len(self.links) < LINKS

    def kind_of_place(self, source: str, start: int, *, is_bare: bool) -> LinkKind:
        """The kind of a link by the words before it, or by the subject."""
        before = _line_before(source, start) if source[start] != "<" else _words_before(source, start)
        before = before.lower()
        words = link_lexicon.kinds(before)
        if is_bare and not (before.rstrip("<( ").endswith((":", "：")) or "point" in words):
            return "other"
        kind = link_lexicon.of_kinds(words)
        return (
            self.of_subject if kind == "other" and "trade" not in words and self.of_subject != "unsubscribe" else kind
        )


def _kind_of(url: str, low: str) -> tuple[LinkKind, bool]:
    """The kind of a link by its text, in lower case, else by its URL; true for a text that only says: a link."""
    words = link_lexicon.kinds(low)
    kind = link_lexicon.of_kinds(words) if words else "other"
    if kind == "other" and "trade" not in words:
        path = url.find("/", url.find("//") + 2)
        kind = link_lexicon.of_path(url[path:].lower()) if path >= 0 else "other"
    return kind, "point" in words and len(low) <= _GENERIC_CHARACTERS


def _words_before(markup: str, position: int) -> str:
    markup = markup[max(0, position - 4 * _BEFORE_CHARACTERS) : position]
    words = references.in_text(tokens.without_tags(markup) if "<" in markup else markup)
    return " ".join(words.split())[-_BEFORE_CHARACTERS:]


def _line_before(text: str, position: int) -> str:
    """The text before the position on the same line, or the nearest line above with a letter or a digit."""
    for line in reversed(text[max(0, position - _BEFORE_CHARACTERS) : position].split("\n")):
        if any(map(str.isalnum, line)):
            return line
    return ""
