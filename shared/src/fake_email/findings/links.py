"""The links of a message, each once, and the kind of each: what it is for."""

import functools
import itertools
from collections.abc import Callable, Sequence

import msgspec

from fake_email.findings import bare_urls, link_lexicon, links_beside, wrapped_links
from fake_email.html import anchors, references, tokens
from fake_email.parsed_message import Link, LinkKind

_OF_ACCOUNTS: tuple[LinkKind, ...] = ("verify", "reset", "login")

LINKS = 100  # of one message
CHARACTERS = 256 * 1024  # of the HTML, and of the text, read

_FIRST_OF_URLS = "hmt"  # of those with http, https, mailto and tel
_LINKS_AT_ONCE = 16  # the clock is read in between, and after the first
_OCCURRENCES = 2_000  # read in one message, many of them of the same URL
_BEFORE_CHARACTERS = 160  # before a link, which may say its kind
_SUBJECT_CHARACTERS = 200
_GENERIC_CHARACTERS = 40  # a longer text says more than "click here"
_QUESTION = "?？؟;"  # "No mail yet?"
_UNNAMED = 3  # links whose text says nothing of a kind, and which the message may be about


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
    if markup is None and "://" not in text:
        return ()
    found = _Found(subject[:_SUBJECT_CHARACTERS].lower())
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
    found.name()
    return tuple(found.links.values())


class _Found:
    """The links that were found so far, by their URLs, and the kind that the subject of the message still speaks of.

    `unnamed` are the first whose own text says nothing of a kind, each with what stands before it.
    """

    def __init__(self, subject: str) -> None:
        self.links: dict[str, Link] = {}
        self.subject = subject
        self.unnamed: list[tuple[str, str, int]] = []
        self.has_kind = False  # of what a reader does with an account

    @functools.cached_property  # of no use to a message without links
    def of_subject(self) -> LinkKind:
        kind = link_lexicon.of_text(self.subject)
        return "other" if kind in {"login", "reset"} and links_beside.is_notice(self.subject) else kind

    def add(self, url: str, text: str, source: str, start: int, *, is_bare: bool) -> bool:
        """Add the link that starts here in the HTML or the text; false when there are enough."""
        known = self.links.get(url)
        if known is None or (known.kind == "other" and not known.text):
            target = wrapped_links.target(url)
            low = text.lower()
            is_bare = is_bare or not low or (low[0] in _FIRST_OF_URLS and url.lower().startswith(low))
            kind, words = _kind_of(target or url, "" if is_bare else low)
            if kind == "other" and (is_bare or ("point" in words and len(low) <= _GENERIC_CHARACTERS)):
                kind = self.kind_of_place(source, start, is_bare=is_bare)
            if "subscription" in words and "paid" in link_lexicon.kinds(f"{self.subject} {_before(source, start)}"):
                kind = "other"
            if kind == self.of_subject:
                self.of_subject = "other"  # the subject speaks of one link
            if kind == "unsubscribe" or url[:1] not in "mMtT":
                self.links[url] = Link(url=url, text=text, kind=kind, target=target)
                self.has_kind |= kind in _OF_ACCOUNTS
                if not self.has_kind and len(self.unnamed) < _UNNAMED and kind == "other" and _may_be_main(low, words):
                    self.unnamed.append((url, source, start))
        return len(self.links) < LINKS

    def name(self) -> None:
        """Give the first unnamed link the kind that the words around it or the subject tell, if no link has one."""
        for url, source, start in () if self.has_kind else self.unnamed:
            kind = _told(_before(source, start)) or _told(self.subject) or _told(_behind(source, start), only="login")
            if kind:
                self.links[url] = msgspec.structs.replace(self.links[url], kind=kind)
                return

    def kind_of_place(self, source: str, start: int, *, is_bare: bool) -> LinkKind:
        """The kind of a link by the words before it, or by the subject."""
        before = _before(source, start)
        words = link_lexicon.kinds(before)
        if is_bare and not (before.rstrip("<( ").endswith((":", "：")) or "point" in words):
            return "other"
        kind = link_lexicon.of_kinds(words)
        is_of_notice = kind == "login" or (kind == "reset" and links_beside.is_notice(self.subject))
        if is_of_notice and "magic" not in words and links_beside.is_notice(before):
            return "other"
        return (
            self.of_subject if kind == "other" and "trade" not in words and self.of_subject != "unsubscribe" else kind
        )


def _told(words: str, only: LinkKind | None = None) -> LinkKind | None:
    """The kind that words in lower case tell a reader to do; a login only where a link replaces a password."""
    found = link_lexicon.kinds(words)
    kind = link_lexicon.of_kinds(found)
    is_told = kind in {"verify", "reset"} or (kind == "login" and "magic" in found)
    return (
        kind
        if is_told and only in {None, kind} and "trade" not in found and not links_beside.is_notice(words)
        else None
    )


def _may_be_main(low: str, words: frozenset[link_lexicon.WordKind]) -> bool:
    """True for the text of a link that a message may be about: a few words, none of trade or of links beside."""
    return 0 < len(low) <= _GENERIC_CHARACTERS and "trade" not in words and not links_beside.is_aside(low)


def _kind_of(url: str, low: str) -> tuple[LinkKind, frozenset[link_lexicon.WordKind]]:
    """The kind of a link by its text, in lower case, else by its URL, and the kinds of words in the text."""
    words = link_lexicon.kinds(low)
    kind: LinkKind = "other"
    if words:
        if link_lexicon.ends_mail(words) and low[-1] not in _QUESTION:
            return "unsubscribe", words
        kind = link_lexicon.of_kinds(words)
    if kind == "other" and "trade" not in words:
        path = url.find("/", url.find("//") + 2)
        kind = link_lexicon.of_path(url[path:].lower()) if path >= 0 else "other"
    return kind, words


def _before(source: str, start: int) -> str:
    """The words before a link of HTML or text, in lower case."""
    return (_line_before(source, start) if source[start] != "<" else _words_before(source, start)).lower()


def _behind(source: str, start: int) -> str:
    """The text of a link and the words behind it, in lower case; none for a link of text."""
    markup = source[start : start + 2 * _BEFORE_CHARACTERS] if source[start] == "<" else ""
    return " ".join(references.in_text(tokens.without_tags(markup)).split())[:_BEFORE_CHARACTERS].lower()


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
