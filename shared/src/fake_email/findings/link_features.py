"""The features that tell what a link is for: its own words, those around it, the subject, and the links beside it."""

import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fake_email.findings import link_lexicon, link_place, link_words, links_beside
from fake_email.findings.link_lexicon import WordKind
from fake_email.findings.link_words import Itself
from fake_email.parsed_message import LinkKind

_UNNAMED = 3  # links whose text says nothing of a kind, and which the message may be about
_SUBJECT_CHARACTERS = 200
_LINKS, _OF_FORM, _AT = 8, 5, 4  # the largest numbers that features tell apart

_REPLY = re.compile(r"\s*(?:re|aw|sv|fwd?|wg|tr)\s*:", re.IGNORECASE)  # its subject is that of another message

_KINDS = frozenset[WordKind](("unsubscribe", "reset", "magic", "verify", "login", "invite"))
_COUNTED: tuple[LinkKind, ...] = ("verify", "reset", "login", "unsubscribe")
_ZONES = ("beside", "above", "after")
_ABOUT = tuple(f"{zone} {kind}" for zone in _ZONES for kind in ("verify", "reset", "magic"))
_SAID = frozenset[WordKind](("invite", "point", "trade", "login"))
_OF_ONE_READER = frozenset(("key", "query"))
_LOOKS = frozenset(("button", "cell", "home", "key"))


class Found(NamedTuple):
    """A link that was found: its URL and its target, its text, and where it starts in HTML or in text."""

    url: str
    target: str
    text: str
    source: str
    start: int
    is_bare: bool  # a URL of text


# A link and its features. Without any, nothing says that it is for an account or for a list.
Weighed = tuple[Found, Sequence[str]]


class _Message(NamedTuple):
    """The subject of a message, and the counts of its links: the same for each of its links."""

    subject: str
    features: Sequence[str]
    kinds: Counter[LinkKind]
    forms: Counter[str]
    has_code: bool
    has_one: bool  # link that it may be about


def weigh(subject: str, found: Sequence[Found], *, has_code: bool) -> Iterator[Weighed]:
    """The links of a message with their features, in their order; `has_code` where it has a code to type."""
    owns = [_itself(each) for each in found]
    message = _read(subject, owns, has_code=has_code)
    unnamed = 0
    for at, (link, own) in enumerate(zip(found, owns, strict=True)):
        if own.form != "named":
            if not own.may_be_main or (unnamed >= _UNNAMED and own.form == "told"):
                yield link, ()
                continue
            unnamed += 1
        features = [*own.features(), *message.features]
        if not _add_around(features, link, own, message.subject):
            yield link, ()
            continue
        _add_beside(features, own, message, unnamed)
        features.append(f"third {3 * link.start // max(1, len(link.source))}")
        if at == len(found) - 1:
            features.append("last")
        yield link, features


def _itself(link: Found) -> Itself:
    """What a link says by itself; "Log in: https://…" is a URL of text with a text of its own."""
    label = link_place.label(link.source, link.start) if link.is_bare else ""
    if label:
        labelled = link_words.read(label, link.target, is_bare=False)
        if labelled.kind == "login":
            return labelled
    return link_words.read(link.text, link.target, is_bare=link.is_bare)


def _read(subject: str, owns: Sequence[Itself], *, has_code: bool) -> _Message:
    subject = "" if _REPLY.match(subject) else subject[:_SUBJECT_CHARACTERS].lower()
    features = [*_of_words("subject", "", subject), f"links {min(len(owns), _LINKS)}"]
    if has_code:
        features.append("code")
    return _Message(
        subject,
        features,
        Counter([own.kind for own in owns]),
        Counter([own.form for own in owns if not own.is_aside]),
        has_code,
        [own.may_be_main and own.form != "bare" for own in owns].count(True) == 1,
    )


def _add_around(features: list[str], link: Found, own: Itself, subject: str) -> bool:
    """Add the features of the words around a link; false when nothing there says that it may have a kind."""
    if link.is_bare:
        place = link_place.of_text(link.source, link.start, link.start + len(link.url))
    else:
        place = link_place.of_html(link.source, link.start)
    if "subscription" in own.words and "paid" in link_lexicon.kinds(f"{subject} {place.above} {place.beside}"):
        return False
    if place.button:
        features += (place.button, f"{own.form}: {place.button}")
    if (place.beside.strip() or place.above).rstrip("<( ").endswith((":", "：")):
        features.append(f"{own.form}: colon")
    words = [link_lexicon.kinds(zone) for zone in place[: len(_ZONES)]]
    is_end = link_lexicon.ends_mail(own.words | own.in_path | words[0])
    if is_end:
        features += ("end by all", f"{own.form}: end by all")
    for zone, text in zip(_ZONES, place, strict=False):
        if text.strip():
            features.append(f"{zone} some")
            features += _of_words(zone, own.form, text)
    features += _of_words(f"{own.form}: subject", "", subject)
    return (
        own.form == "named"
        or is_end
        or "invite" in own.words | own.in_path
        or not _KINDS.isdisjoint(frozenset().union(link_lexicon.kinds(subject), *words))
        or any(map(link_lexicon.ends_mail, words))
    )


def _add_beside(features: list[str], own: Itself, message: _Message, unnamed: int) -> None:
    """Add the features of the links beside a link, and of what it looks like in a message about an account."""
    form = own.form
    features.append(f"{form}: of {min(message.forms[form], _OF_FORM)}")
    features += [f"{form}: another {kind}" for kind in _COUNTED if message.kinds[kind] - (kind == own.kind)]
    if message.has_code:
        features += (f"{form}: code", f"own {own.kind}: code")
        if _OF_ONE_READER.isdisjoint(features):
            features.append(f"own {own.kind}: page for the code")
    if form == "named":
        features.append("named")
        return
    looks = [f"unnamed {min(unnamed, _AT)}", *sorted(_LOOKS.intersection(features))]
    features.append(f"{form}: {looks[0]}")
    if message.has_code:
        looks.append("code")
    if message.has_one:
        looks.append("only")
        features += [f"{name}: only" for name in features if name.startswith(_ABOUT)]
    looks += sorted(f"text {word}" for word in own.words & _SAID)
    of_subject = sorted(_KINDS.intersection(link_lexicon.kinds(message.subject)))
    features += [f"subject {kind}: {look}" for kind in of_subject for look in looks]


@functools.lru_cache(maxsize=1024)  # the mail of a sender has the same words around its links
def _of_words(zone: str, form: str, text: str) -> tuple[str, ...]:
    """The features of the words in a zone, each also beside the form of the link when there is one."""
    words = link_lexicon.kinds(text)
    found: Iterable[str] = sorted(words)
    if "trade" in words:
        found = ("traded verify" if each == "verify" else each for each in found)
    if link_lexicon.ends_mail(words):
        found = (*found, "end")
    if links_beside.is_notice(text):
        found = ("notice", *(f"noticed {each}" if each in _KINDS else each for each in found))
    if links_beside.is_aside(text):
        found = (*found, "aside")
    names = tuple(f"{zone} {each}" for each in found)
    return (*names, *(f"{form}: {name}" for name in names)) if form else names
