"""The words of links beside the one that a message is about, and of what has happened, in 28 languages. Pure.

The words are data: `beside_lexicon/` has a file for each language, in the form of `code_lexicon`. A link with a word of
`aside` leads to help, terms or a shop. Words of `notice` tell what has happened, so that they ask for nothing.
"""

import functools
from collections.abc import Callable
from importlib import resources
from typing import Literal

from fake_email.findings import code_lexicon

_MEGABYTES = 16  # at most, for the states of an automaton


@functools.cache  # compiled for the first message: a start is faster without it
def _search(kind: Literal["aside", "notice"]) -> Callable[[bytes], object]:
    files = resources.files("fake_email.findings").joinpath("beside_lexicon").iterdir()
    lines = [line.partition(": ") for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    words = dict.fromkeys(word for of, _, listed in lines if of == kind for word in listed.split(", "))
    return code_lexicon.search(code_lexicon.pattern(words), _MEGABYTES)


@functools.lru_cache(maxsize=1024)  # a newsletter has a hundred "Read more"
def is_aside(text: str) -> bool:
    """True for the text of a link that is beside the one which a message is about."""
    return _search("aside")(text.replace("\u2019", "'").encode("utf-8", "replace")) is not None


def is_notice(text: str) -> bool:
    """True for words that tell what has happened to an account."""
    return _search("notice")(text.replace("\u2019", "'").encode("utf-8", "replace")) is not None
