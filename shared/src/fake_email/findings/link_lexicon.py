"""The kinds of words in the text of a link, in 28 languages, and in the path of a URL. Pure.

The words are data: `links_lexicon/` has a file for each language, and one for URLs. A line is a kind and its words,
separated by commas. A word stands for all that begin with it; `word!` for itself alone, `*word` for all that contain
it, and `=words` for a whole text. Where a script has no blanks between words, or joins small words to them, a word is
found anywhere. `trade` is what people confirm besides an account, `point` what only says that it is a link, and `past`
what makes a login one of before. `no` and `mail` together are to leave a list: "no more adverts, please". Near words of
`paid`, a `subscription` is one that costs money, so that a link to manage it does not end mail. A `topic` is one of
texts about passwords: "Password managers compared".
"""

import functools
import itertools
import operator
import re
import string
from collections.abc import Callable, Iterable
from importlib import resources
from typing import Literal

import msgspec

from fake_email.findings import code_lexicon
from fake_email.parsed_message import LinkKind

WordKind = Literal[
    "unsubscribe",
    "reset",
    "magic",
    "verify",
    "login",
    "trade",
    "point",
    "past",
    "no",
    "mail",
    "subscription",
    "paid",
    "topic",
]

_URL_FILE = "url.txt"
_FIRST_JOINED = "\u0590"  # Hebrew, Arabic and all scripts behind them join words
_PATH_CHARACTERS = 512  # read
_KEY_CHARACTERS = 2  # of a word, by which the word is looked up
_GATE_CHARACTERS = 10  # of a word that the gate searches


class _Word(msgspec.Struct, frozen=True, kw_only=True):
    letters: str
    kind: WordKind
    begins: bool  # found only where a word begins
    ends: bool  # and where one ends


def _lines(file_name: str) -> list[tuple[WordKind, list[str]]]:
    text = resources.files("fake_email.findings").joinpath("links_lexicon", file_name).read_text(encoding="utf-8")
    lines = (line.partition(": ") for line in text.splitlines())
    return [(msgspec.convert(kind, WordKind), words.split(", ")) for kind, _, words in lines]


# The words are read, and the searches compiled, for the first message: a start is faster without them.
@functools.cache
def _languages() -> tuple[dict[str, list[_Word]], dict[str, WordKind]]:
    """The words by their first characters, and the whole texts."""
    by_key: dict[str, list[_Word]] = {}
    whole: dict[str, WordKind] = {}
    names = sorted(file.name for file in resources.files("fake_email.findings").joinpath("links_lexicon").iterdir())
    for kind, words in (line for name in names if name != _URL_FILE for line in _lines(name)):
        for word in words:
            letters = word.lstrip("*=").removesuffix("!")
            if word[0] == "=":
                whole[letters] = kind
                continue
            begins = word[0] != "*" and letters[0] < _FIRST_JOINED
            entry = _Word(letters=letters, kind=kind, begins=begins, ends=word[-1] == "!")
            by_key.setdefault(letters[:_KEY_CHARACTERS], []).append(entry)
    return by_key, whole


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    # Grouped by first letter: of a hundred words, a search then tries few at any one position.
    groups = itertools.groupby(sorted(words), key=operator.itemgetter(0))
    return re.compile("|".join(f"{first}(?:{'|'.join(re.escape(word[1:]) for word in of)})" for first, of in groups))


def _without_longer(words: Iterable[str]) -> Iterable[str]:
    """The words that contain no other: of all of them, RE2 would make more than its memory holds."""
    kept: dict[str, list[str]] = {}
    for word in sorted(words, key=len):
        keys = (word[at : at + _KEY_CHARACTERS] for at in range(len(word) - 1))
        if not any(word.find(shorter) >= 0 for key in keys for shorter in kept.get(key, ())):
            kept.setdefault(word[:_KEY_CHARACTERS], []).append(word)
    return itertools.chain.from_iterable(kept.values())


@functools.cache
def _gate() -> Callable[[bytes], object]:
    """One search for what all words begin with, since most texts have none."""
    by_key, _ = _languages()
    shortest = _without_longer({word.letters[:_GATE_CHARACTERS] for words in by_key.values() for word in words})
    return code_lexicon.search("|".join(sorted(map(re.escape, shortest))), megabytes=16)


@functools.cache
def _in_path() -> tuple[re.Pattern[str], dict[WordKind, re.Pattern[str]]]:
    """A search for all words in paths, since few paths have any, and one for each kind."""
    lines = _lines(_URL_FILE)
    by_kind = {
        kind: _any_of([word for _, words in of for word in words])
        for kind, of in itertools.groupby(lines, key=operator.itemgetter(0))
    }
    return _any_of([word for _, words in lines for word in words]), by_kind


_NONE = frozenset[WordKind]()
_ENDS_MAIL = frozenset[WordKind](("no", "mail"))
_ACCOUNT = frozenset[WordKind](("verify", "reset", "login", "magic", "trade"))
_DIGITS = string.digits.encode()


@functools.lru_cache(maxsize=1024)  # a newsletter has a hundred "Read more"
def kinds(text: str) -> frozenset[WordKind]:
    """The kinds of words in a text of at most some hundred characters, in lower case."""
    text = text.replace(",", "").replace("\u2019", "'")  # the lexicon has the apostrophe of ASCII
    by_key, whole_texts = _languages()
    found = {whole_texts[whole]} if (whole := text.strip(" .!")) in whole_texts else set[WordKind]()
    if not found and _gate()(text.encode("utf-8", "replace")) is None:
        return _NONE
    for at in range(len(text) - 1):
        for word in by_key.get(text[at : at + _KEY_CHARACTERS], ()):
            if (
                word.kind not in found
                and text.startswith(word.letters, at)
                and not (word.begins and at and text[at - 1].isalnum())
                and not (word.ends and text[at + len(word.letters) :][:1].isalnum())
            ):
                found.add(word.kind)
    return frozenset(found)


def of_text(text: str) -> LinkKind:
    """The kind of a link with these words, in lower case."""
    return of_kinds(kinds(text))


def ends_mail(found: frozenset[WordKind]) -> bool:
    """True for the words of a link that ends mail of some kind, such as "stop the reminders"."""
    return found >= _ENDS_MAIL and found.isdisjoint(_ACCOUNT)


def of_path(path: str) -> LinkKind:
    """The kind of a link with this path and query, in lower case."""
    return _of_letters(path[:_PATH_CHARACTERS].encode("utf-8", "surrogatepass").translate(None, _DIGITS))


@functools.lru_cache(maxsize=1024)  # many URLs of a newsletter differ in numbers alone
def _of_letters(letters: bytes) -> LinkKind:
    path = letters.decode("utf-8", "surrogatepass")
    any_word, by_kind = _in_path()
    if not any_word.search(path):
        return "other"
    return of_kinds(frozenset(kind for kind, pattern in by_kind.items() if pattern.search(path)))


def of_kinds(found: frozenset[WordKind]) -> LinkKind:
    """The kind by the rarest words: other links do not speak of leaving a list or of passwords."""
    if "unsubscribe" in found:
        return "unsubscribe"
    if "topic" in found:
        return "other"
    if "magic" in found:  # a link in the place of a password
        return "login"
    if "reset" in found:
        return "reset"
    if "verify" in found and "trade" not in found:
        return "verify"
    return "login" if "login" in found and "past" not in found else "other"
