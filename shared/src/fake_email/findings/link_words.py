"""The words in the text and the URL of a link, and the kind of link that they name. Pure."""

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from fake_email.findings import link_lexicon, links_beside
from fake_email.findings.link_lexicon import WordKind
from fake_email.parsed_message import LinkKind

_POINT_CHARACTERS = 40  # a longer text says more than "click here"
_WORDS = 7  # counted
_PATH_CHARACTERS = 512  # searched for the key of one reader
_QUESTION = "?？؟;"  # "No mail yet?"
_FIRST_OF_URLS = "hmt"  # of those with http, https, mailto and tel
_DOMAIN = re.compile(r"[\w.-]+\.[a-z]{2,}(?:/\S*)?")
_KEY = re.compile(r"[a-z0-9_-]{10,}")
_DIGITS_OF_KEY, _DIGITS_ALONE = 2, 8
_OF_MAIL_OR_INVITATION = frozenset[WordKind](("invite", "settings", "notices", "no", "mail"))


class _Text(NamedTuple):
    """The text of a link: the kinds of its words, the kind of link that they name, and its form without a kind."""

    words: frozenset[WordKind]
    kind: LinkKind
    form: str
    is_aside: bool
    may_be_main: bool


class Itself(NamedTuple):
    """The words and the kind of a link. Its form is "named" by its text or its URL, or how its text is written."""

    text: str  # in lower case; nothing where that is a URL
    words: frozenset[WordKind]
    path: str
    in_path: frozenset[WordKind]
    kind: LinkKind
    form: str
    is_aside: bool
    may_be_main: bool  # what the message is about, though it says nothing of a kind

    def features(self) -> Iterator[str]:
        """The names of the features of the link by itself."""
        kind, form = self.kind, self.form
        yield f"is {form}"
        yield f"own {kind}"
        for word in self.words:
            yield f"text {word}"
        for word in self.in_path:
            yield f"path {word}"
        if form == "named":
            by_text = _of_text(self.text).kind == kind
            yield f"own {kind} by {'text' if by_text else 'URL'}"
            if by_text and link_lexicon.of_kinds(self.in_path) == kind:
                yield f"own {kind} by both"
        if self.text:
            yield f"words {min(len(self.text.split()), _WORDS)}"
            if self.is_aside:
                yield f"own {kind}: aside"
            if links_beside.is_notice(self.text):
                yield "text notice"
        yield from self._of_path()

    def _of_path(self) -> Iterator[str]:
        if self.path in {"", "/"}:
            yield from ("home", f"{self.form}: home", f"own {self.kind}: home")
        elif _has_key(self.path):
            yield from ("key", f"{self.form}: key")
        if "?" in self.path:
            yield "query"


def read(text: str, target: str, *, is_bare: bool) -> Itself:
    """Read the text and the target of a link; `is_bare` for a URL of text."""
    low = text.lower()
    is_url = is_bare or not low or (low[0] in _FIRST_OF_URLS and target.lower().startswith(low))
    words, kind, form, is_aside, may_be_main = _of_text("" if is_url else low)
    if is_url:
        form = "bare" if low else "empty"
    at = target.find("/", target.find("//") + 2)
    path = target[at:].lower() if at >= 0 else ""
    in_path = link_lexicon.kinds_in_path(path)
    if kind == "other" and in_path:
        of_path = link_lexicon.of_kinds(in_path)
        kind = of_path if of_path == "unsubscribe" or ("trade" not in words and not is_aside) else kind
    if kind != "other":
        form, may_be_main = "named", False
    return Itself("" if is_url else low, words, path, in_path, kind, form, is_aside, may_be_main)


def ends_mail(text: str) -> bool:
    """True for the text of a link that ends mail of some kind."""
    return _of_text(text.lower()).kind == "unsubscribe"


@functools.lru_cache(maxsize=1024)  # a newsletter has a hundred "Read more"
def _of_text(low: str) -> _Text:
    words = link_lexicon.kinds(low)
    if link_lexicon.ends_mail(words) and low[-1] not in _QUESTION:
        kind: LinkKind = "unsubscribe"
    else:
        kind = link_lexicon.of_kinds(words)
    if "point" in words and len(low) <= _POINT_CHARACTERS:
        form = "point"
    else:
        form = "domain" if _DOMAIN.fullmatch(low) else "told"
    is_aside = links_beside.is_aside(low)
    is_trade = "trade" in words and words.isdisjoint(_OF_MAIL_OR_INVITATION)
    return _Text(words, kind, form, is_aside, may_be_main=not is_aside and not is_trade)


def _has_key(path: str) -> bool:
    """True for a path or query with letters and digits mixed as in the key of one reader."""
    for word in _KEY.findall(path[:_PATH_CHARACTERS]):
        digits = sum(map(str.isdecimal, word))
        if digits >= _DIGITS_ALONE or (digits >= _DIGITS_OF_KEY and len(word) - digits >= _DIGITS_OF_KEY):
            return True
    return False
