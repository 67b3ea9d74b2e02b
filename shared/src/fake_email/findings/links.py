"""Where does this mail want one to go? Its links, each once, and what they are for."""

import itertools
import re
from collections.abc import Container, Iterator
from typing import NamedTuple

from fake_email.findings import link_words
from fake_email.html import text as html_text
from fake_email.parsed_message import Link, LinkKind

LINKS = 100  # of one message
URL_CHARACTERS = 4096  # longer ones are left out
TEXT_CHARACTERS = 200
CHARACTERS = 256 * 1024  # of the HTML, and of the text, looked at

_LOOKED_AT = 2_000  # links, many of them the same
_BEFORE = 160  # characters that may say what the link behind them is for
_GENERIC = 40  # characters: a longer text says more than "click here"

# Most have their target first, and set off by double quotes.
_ANCHOR = re.compile(r"<(?:(!--)|[aA](?=\s)(?:\shref=\"([^\"<>]{1,4096}+)\")?+([^<>]{0,8192}+)>)")
_ANCHOR_END = re.compile(r"</?[aA](?=[\s>])")
_INLINE = re.compile(r"</?(?:b|i|u|em|strong|span|font|wbr|small)(?:\s[^<>]*+)?>", re.IGNORECASE)
_TAG = re.compile(r"<(?:style\b[^<>]*+>[^<]*+|[^<>]*+>)", re.IGNORECASE)
_PICTURE = re.compile(r"<img\s([^<>]{0,4096}+)>", re.IGNORECASE)
_IS_WEB = re.compile(r"https?://[^\s/?#\\]+", re.IGNORECASE)
_SCHEME = re.compile(r"https?\Z", re.IGNORECASE)
_URL = re.compile(rf"https?://[!#-;=?-\[\]_a-z~\u00a1-\u02af\u0400-\u04ff]{{1,{URL_CHARACTERS}}}+", re.IGNORECASE)
_SCHEME_CHARACTERS = len("<https")
_MOST_TRAILING = 32
_TRAILING = ".,;:!?'*_"
_BRACKETS = {")": "(", "]": "["}


class _Found(NamedTuple):
    """A target, and where what shows it stands in HTML or text: nothing else is read of one that is known."""

    url: str
    where: str
    start: int
    inner: tuple[int, int] | None  # of an anchor

    def shown(self) -> str:
        return _shown(self.where[slice(*self.inner)]) if self.inner else self.url[:TEXT_CHARACTERS]

    def before(self) -> str:
        """What may say what it is for."""
        if self.inner:
            return _plain(self.where[max(0, self.start - 4 * _BEFORE) : self.start])[-_BEFORE:].lower()
        return _line_before(self.where, self.start).lower()


def find(markup: str | None, text: str) -> tuple[Link, ...]:
    """The links of HTML and text, in their order, LINKS at most, in time linear in CHARACTERS."""
    links: dict[str, Link] = {}
    for found in itertools.islice(_all(markup, text, links), _LOOKED_AT):
        if len(links) >= LINKS:
            break
        known = links.get(found.url)
        if known is None or (known.kind == "other" and not known.text):
            text_of_it = found.shown()
            link = Link(url=found.url, text=text_of_it, kind=_kind(found, text_of_it.lower()))
            if link.kind == "unsubscribe" or not link.url.startswith("mailto:"):
                links[link.url] = link
    return tuple(links.values())


def _all(markup: str | None, text: str, known: Container[str]) -> Iterator[_Found]:
    if markup is not None:
        yield from _in_markup(markup[:CHARACTERS])
    yield from _in_text(text[:CHARACTERS], known)


def _in_markup(markup: str) -> Iterator[_Found]:
    at = 0
    while anchor := _ANCHOR.search(markup, at):
        at = anchor.end()
        if anchor[1]:
            end = markup.find("-->", at)
            at = end if end >= 0 else len(markup)
            continue
        url = _url(html_text.unescape(anchor[2]) if anchor[2] else html_text.attribute(anchor[3], "href"))
        if url:
            closing = _ANCHOR_END.search(markup, at, at + 2 * html_text.LINK_CHARACTERS)
            yield _Found(url, markup, anchor.start(), (at, closing.start() if closing else at + TEXT_CHARACTERS))


def _url(href: str) -> str:
    """The target, where it is one that may be shown; else an empty string."""
    url = "".join(href.split()) if len(href) <= 2 * URL_CHARACTERS else ""
    if url.startswith("//"):
        url = f"https:{url}"
    if len(url) > URL_CHARACTERS or not url.isprintable():
        return ""
    return url if _IS_WEB.match(url) or url[:7].lower() == "mailto:" else ""


def _shown(inner: str) -> str:
    text = _plain(inner)
    if not text:
        pictures = (html_text.attribute(each[1], "alt") for each in _PICTURE.finditer(inner))
        text = " ".join(" ".join(pictures).split())
    return text[:TEXT_CHARACTERS]


def _plain(markup: str) -> str:
    if "<" in markup:
        markup = _TAG.sub(" ", _INLINE.sub("", markup))
    return " ".join(html_text.unescape(markup).split())


def _in_text(text: str, known: Container[str]) -> Iterator[_Found]:
    at = text.find("://")
    while at >= 0:
        start = text.rfind("<", max(0, at - _SCHEME_CHARACTERS), at) + 1
        end = text.find(">", at, at + URL_CHARACTERS) if start else -1
        if end >= 0 and text[start:end] in known:  # as HTML is rendered
            at = text.find("://", end)
            continue
        scheme = _SCHEME.search(text, max(0, at - _SCHEME_CHARACTERS + 1), at)
        found = _URL.match(text, scheme.start()) if scheme else None
        if found and found.end() - found.start() <= URL_CHARACTERS:
            url = _without_trailing(found[0])
            if _IS_WEB.match(url):
                yield _Found(url, text, found.start(), None)
        at = text.find("://", found.end() if found else at + 1)


def _without_trailing(url: str) -> str:
    """Without the punctuation of the sentence around."""
    for _ in range(_MOST_TRAILING):
        last = url[-1:]
        if not url or (
            last not in _TRAILING and not (last in _BRACKETS and url.count(last) > url.count(_BRACKETS[last]))
        ):
            break
        url = url[:-1]
    return url


def _line_before(text: str, at: int) -> str:
    """What stands before on the same line, else the line above."""
    for line in reversed(text[max(0, at - _BEFORE) : at].split("\n")):
        if any(map(str.isalnum, line)):
            return line
    return ""


def _kind(found: _Found, low: str) -> LinkKind:
    is_bare = found.inner is None or found.url.lower().startswith(low)
    kind = "other" if is_bare else link_words.kind_of_text(low)
    if kind == "other":
        kind = link_words.kind_of_url(_path(found.url))
    if kind != "other" or not (is_bare or (len(low) <= _GENERIC and link_words.points(low))):
        return kind
    before = found.before()
    if is_bare and not (before.rstrip("<( ").endswith((":", "：")) or link_words.points(before)):
        return "other"
    return link_words.kind_of_text(before)


def _path(url: str) -> str:
    """The URL behind its host, in lower case."""
    start = url.find("/", url.find("://") + 3)
    return url[start:].lower() if start >= 0 else ""
