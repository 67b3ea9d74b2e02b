"""The kinds of words in the text of a link, in 28 languages, and in the path of a URL. Pure.

The words are data: `links_lexicon/` has a file for each language, and one for URLs. A line is a kind and its words,
separated by commas. A word stands for all that begin with it; `word!` for itself alone, `*word` for all that contain
it, and `=words` for a whole text. Where a script has no blanks between words, or joins small words to them, a word is
found anywhere. `trade` is what people confirm besides an account, `point` what only says that it is a link, and `past`
what makes a login one of before. `no` and `mail` together are to leave a list: "no more adverts, please". Near words of
`paid`, a `subscription` is one that costs money, so that a link to manage it does not end mail. A `topic` is one of
texts about passwords: "Password managers compared". `settings` and `notices` together are to choose what mail comes:
"change your alerts". `invite` is to accept an invitation or to make an account, which is `verify` if the words around a
link agree. In URLs, `aside` is a page beside the one that a message is about.
"""

import functools
import itertools
import operator
import re
import string
from collections.abc import Callable, Iterable, Sequence
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
    "settings",
    "notices",
    "invite",
    "aside",
]

_URL_FILE = "url.txt"
_PATH_CHARACTERS = 512  # read


def _lines(file_name: str) -> list[tuple[WordKind, list[str]]]:
    text = resources.files("fake_email.findings").joinpath("links_lexicon", file_name).read_text(encoding="utf-8")
    lines = (line.partition(": ") for line in text.splitlines())
    return [(msgspec.convert(kind, WordKind), words.split(", ")) for kind, _, words in lines]


# The words are read, and the searches compiled, for the first message: a start is faster without them.
@functools.cache
def _search() -> tuple[Callable[[bytes], Sequence[int]], Sequence[WordKind], dict[str, WordKind]]:
    """The search for the words of each kind, the kinds in its order, and the whole texts."""
    words: dict[WordKind, list[str]] = {}
    whole: dict[str, WordKind] = {}
    names = sorted(file.name for file in resources.files("fake_email.findings").joinpath("links_lexicon").iterdir())
    for kind, listed in (line for name in names if name != _URL_FILE for line in _lines(name)):
        words.setdefault(kind, []).extend(word for word in listed if word[0] != "=")
        whole |= {word[1:]: kind for word in listed if word[0] == "="}
    return code_lexicon.search_set(words.values()).Match, tuple(words), whole


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    # Grouped by first letter: of a hundred words, a search then tries few at any one position.
    groups = itertools.groupby(sorted(words), key=operator.itemgetter(0))
    return re.compile("|".join(f"{first}(?:{'|'.join(re.escape(word[1:]) for word in of)})" for first, of in groups))


@functools.cache
def _in_path() -> tuple[re.Pattern[str], dict[WordKind, re.Pattern[str]]]:
    """A search for all words in paths, since few paths have any, and one for each kind."""
    lines = sorted(_lines(_URL_FILE))
    by_kind = {
        kind: _any_of([word for _, words in of for word in words])
        for kind, of in itertools.groupby(lines, key=operator.itemgetter(0))
    }
    return _any_of([word for _, words in lines for word in words]), by_kind


_NONE = frozenset[WordKind]()
_OF_MAIL = frozenset[WordKind](("mail", "notices"))
_CHOOSES_MAIL = frozenset[WordKind](("settings", "notices"))
_ACCOUNT = frozenset[WordKind](("verify", "reset", "login", "magic", "trade"))
_DIGITS = string.digits.encode()


@functools.lru_cache(maxsize=1024)  # a newsletter has a hundred "Read more"
def kinds(text: str) -> frozenset[WordKind]:
    """The kinds of words in a text of at most some hundred characters, in lower case."""
    text = text.replace(",", "").replace("\u2019", "'")  # the lexicon has the apostrophe of ASCII
    search, in_order, whole = _search()
    found = search(text.encode("utf-8", "replace")) or ()
    of_whole = whole.get(text.strip(" .!"))
    if not found and of_whole is None:
        return _NONE
    return frozenset([in_order[at] for at in found] + ([of_whole] if of_whole else []))


def ends_mail(found: frozenset[WordKind]) -> bool:
    """True for words to end mail of some kind or to choose it, such as "stop the reminders", "change your alerts"."""
    if "no" in found and not found.isdisjoint(_OF_MAIL):
        return found.isdisjoint(_ACCOUNT)
    return found >= _CHOOSES_MAIL and found.isdisjoint(_ACCOUNT - {"trade"})


def kinds_in_path(path: str) -> frozenset[WordKind]:
    """The kinds of words in the path and query of a URL, in lower case."""
    return _of_letters(path[:_PATH_CHARACTERS].encode("utf-8", "surrogatepass").translate(None, _DIGITS))


@functools.lru_cache(maxsize=1024)  # many URLs of a newsletter differ in numbers alone
def _of_letters(letters: bytes) -> frozenset[WordKind]:
    path = letters.decode("utf-8", "surrogatepass")
    any_word, by_kind = _in_path()
    if not any_word.search(path):
        return _NONE
    return frozenset(kind for kind, pattern in by_kind.items() if pattern.search(path))


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
