"""The kinds of words in a piece of text, in 28 languages: words for a code, for what codes are for, for other numbers.

The words are data, a file for each language in `lexicon/`. A line is a kind and its words, separated by commas. A word
stands for all that begin with it; `word!` for itself alone, and `*word` for all that contain it. Where a script has no
blanks between words, or joins small words to them, each word is found anywhere.

In English text only the English words count: stems of 27 other languages begin words of it that mean something else.
"""

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from importlib import resources

import re2

_FIRST_JOINED = "\u0590"  # Hebrew, Arabic and all scripts behind them join words
# No letter, in few ranges, because RE2 would make a large automaton of `\PL`.
_NO_LETTER = r"[\x00-/:-@\[-`{-~\x{a0}-\x{bf}\x{2000}-\x{206f}\x{3000}-\x{303f}]"
_ENGLISH_FILE = "en.txt"
_ENGLISH = frozenset(("the", "your", "you", "this", "our", "with", "and", "please", "from", "of", "not"))
_ENGLISH_CHARACTERS = 1000  # of a text, in which one word in 20 is such a word
_ONE_IN = 20
_MEGABYTES = 64  # at most, for the states of the automaton; usual mail fills a few of them
_KNOWN_CHARACTERS = 100  # of a text whose kinds of words are remembered


def pattern(words: Iterable[str]) -> str:
    """The pattern of RE2 for any of these words, as the lexicon writes them."""
    apart: list[str] = []
    joined: list[str] = []
    for word in words:
        stem = word.removeprefix("*").removesuffix("!")
        letters = re.escape(stem) + (f"(?:{_NO_LETTER}|$)" if word.endswith("!") else "")
        is_joined = word.startswith("*") or stem[0] >= _FIRST_JOINED or not stem[0].isalnum()
        (joined if is_joined else apart).append(letters)
    # Sorted, so that RE2 shares what words begin with: an unsorted lexicon makes the automaton twenty times as slow.
    return "|".join([*sorted(joined), f"(?:^|{_NO_LETTER})(?:{'|'.join(sorted(apart))})"])


def _read() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The words of each kind in all languages, and in English."""
    words: dict[str, list[str]] = {}
    english: dict[str, list[str]] = {}
    for file in sorted(
        resources.files("fake_email.findings").joinpath("lexicon").iterdir(), key=lambda file: file.name
    ):
        for line in file.read_text(encoding="utf-8").splitlines():
            kind, _, listed = line.partition(": ")
            words.setdefault(kind, []).extend(listed.split(", "))
            if file.name == _ENGLISH_FILE:
                english.setdefault(kind, []).extend(listed.split(", "))
    return words, english


def options(megabytes: int = _MEGABYTES) -> "re2.Options":
    """The options of a search for any of hundreds of words."""
    chosen = re2.Options()
    chosen.max_mem = megabytes * 1024 * 1024
    chosen.case_sensitive = False
    chosen.never_capture = True
    return chosen


def search(pattern: str, megabytes: int) -> Callable[[bytes], object]:
    """The search for a pattern in short text; its result is None where the text has no match.

    The search of a set takes a third of the time of `re2.search`, which has steps in Python. But it reads all text.
    """
    patterns = re2.Set.SearchSet(options(megabytes))
    patterns.Add(pattern)
    patterns.Compile()
    match: Callable[[bytes], object] = patterns.Match
    return match


_WORDS, _ENGLISH_WORDS = _read()
CODES = ("code", "otp", "pin", "pass", "digits")  # kinds of words for a code
KINDS: tuple[str, ...] = tuple(_WORDS)
_OF_CODES = frozenset(map(KINDS.index, (*CODES, "verify")))


# The searches are compiled for the first message: at a start, they would take a quarter of its time.
@functools.cache
def _words(*, english: bool) -> "re2.Set":
    """The search for the words of each kind, in all languages or in English."""
    return search_set((_ENGLISH_WORDS if english else _WORDS)[kind] for kind in KINDS)


def search_set(kinds: Iterable[Iterable[str]]) -> "re2.Set":
    """One search for the words of several kinds; it finds the positions of the kinds."""
    patterns = re2.Set.SearchSet(options())
    for words in kinds:
        patterns.Add(pattern(dict.fromkeys(words)))
    patterns.Compile()
    return patterns


@functools.cache
def _gate() -> Callable[[bytes], object]:
    """A search of its own, for whole messages: it ends at the first word, and hostile text makes few states of it."""
    any_word = "|".join(pattern(dict.fromkeys(_WORDS[KINDS[kind]])) for kind in sorted(_OF_CODES))
    search: Callable[[bytes], object] = re2.compile(any_word, options()).search
    return search


@functools.cache
def _triples() -> frozenset[str]:
    return frozenset(
        word[at : at + 3].upper()
        for each in _WORDS.values()
        for word in each
        if word.isascii()
        for at in range(len(word) - 2)
    )


def kinds(text: str, *, english: bool = False) -> Sequence[int]:
    """The kinds of words in a text, as positions in KINDS, in linear time; with `english`, of English words alone."""
    return _known_kinds(text, english=english) if len(text) <= _KNOWN_CHARACTERS else _kinds(text, english=english)


kinds_in_english = functools.partial(kinds, english=True)


def _kinds(text: str, *, english: bool) -> Sequence[int]:
    return tuple(_words(english=english).Match(text.encode("utf-8", "replace")) or ())


_known_kinds = functools.lru_cache(maxsize=1024)(_kinds)  # the mail of a sender has the same words around its codes


def is_english(text: str) -> bool:
    """True for text whose beginning has the small words of English that no other language has."""
    words = text[:_ENGLISH_CHARACTERS].lower().split()
    return _ONE_IN * sum(map(_ENGLISH.__contains__, words)) > len(words)


def speaks_of_codes(text: str) -> bool:
    """True for text with a word for a code or for what codes prove, in time linear in its length."""
    if len(text) <= _KNOWN_CHARACTERS:
        return not _OF_CODES.isdisjoint(_known_kinds(text, english=False))
    return _gate()(text.encode("utf-8", "replace")) is not None


def is_like_a_word(letters: str) -> bool:
    """True for capital letters that follow each other as in words; those of vouchers do, those of codes do not."""
    return 2 * _strange(letters) <= len(letters) - 2


def is_a_word(letters: str) -> bool:
    """True for capital letters of which four in five triples stand in words: one code in fifty has such letters."""
    return _strange(letters) <= (len(letters) - 2) // 5


def _strange(letters: str) -> int:
    """The number of triples of letters that stand in no word."""
    return sum(letters[at : at + 3] not in _triples() for at in range(len(letters) - 2))
