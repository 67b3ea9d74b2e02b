"""The features of a candidate that no language changes: how it is written, and its place on its line."""

import re
from collections.abc import Iterator

from fake_email.findings.code_lexicon import is_like_a_word

MARKS = " \t\"'“”«»„‘’*_()[]<>「」『』【】（）"
LINKS = (":", "：", "=", "→", "—", "–", "-")

_NAME = 2  # letters of a name that a referral begins with, more than
_WORD = 4  # letters of a word that a voucher begins with, at least
_GROUP = re.compile("[0-9]+")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3])[0-5][0-9]")
_YEAR = re.compile(r"19[5-9][0-9]|20[0-3][0-9]")
_BEHIND = (("behind a colon", ":："), ("behind a dash", "=→—–-"), ("behind a comma", ",;"))
_BEFORE = (("ends a sentence", ".!。"), ("before a comma", ",;，、"), ("before a colon", ":："), ("before a hash", "#"))
# Of a flight, or a state and its postal code; words for a code are not meant.
_BEHIND_CAPITALS = re.compile(r"(?<![^\W_])(?!(?:CODE|KOD|OTP|PASS|PIN|TAN) )[A-Z]{2,4} \Z")
# The rest of a quoted text on each side: "Your code is 482913" is an example.
_QUOTED_BEFORE = re.compile(r"(?:(?:^|[ (])[\"“„«]|[「『])([^\"”“»」』]*)\Z")
_QUOTED_AFTER = re.compile(r"([^\"”“»「」『』]{0,60})[\"“”»」』]")
_CLOSING = ("*", "]", "】", "»", '"')


def of(value: str, written: str, *, alone: bool, linked: bool) -> Iterator[str]:
    """The names of the features of a value; `linked` when a word for a code is right beside it."""
    link, apart = ", linked" if linked else "", ", alone" if alone else ""
    letters = value.replace("-", "")
    if value.isdecimal():
        yield f"digits {min(len(letters), 9)}{apart}"
        yield from _of_digits(value, written, link)
        return
    yield f"{_mixture(letters)}{link}"
    yield f"letters {min(len(letters), 9)}{apart}"
    if value != value.upper():
        yield "lower" if value == value.lower() else "both cases"
    if "-" in value:
        first = value.partition("-")[0].upper()
        yield "a word, a hyphen" if len(first) > _NAME and first.isalpha() and is_like_a_word(first) else "hyphen"


def _of_digits(value: str, written: str, link: str) -> Iterator[str]:
    if len(written) > len(value):
        yield "spaced digits" if len(written) < 2 * len(value) - 1 else "boxes"
        if len(set(map(len, _GROUP.findall(written)))) > 1:
            yield "uneven groups"
    if _YEAR.fullmatch(value):
        yield f"year{link}"
    elif _TIME.fullmatch(value):
        yield f"time{link}"
    if value.endswith("00"):
        yield f"round{link}"


def _mixture(letters: str) -> str:
    """The name of how letters and digits are mixed."""
    if letters.isalpha():
        return "word" if is_like_a_word(letters.upper()) else "letters"
    word = letters.rstrip("0123456789").upper()
    if word.isalpha():
        return "word and number" if len(word) >= _WORD and is_like_a_word(word) else "letters, then digits"
    return "digits, then letters" if letters.lstrip("0123456789").isalpha() else "letters and digits"


def of_place(before: str, after: str, *, alone: bool) -> Iterator[str]:
    """The names of the features of a place between the two parts of a line."""
    bare, following = before.rstrip(MARKS), after.lstrip(MARKS)[:1]
    if not alone:
        behind = next((name for name, marks in _BEHIND if bare[-1:] in marks), "") if bare else "begins a line"
        if behind or _is_name(before):
            yield behind or "behind a name"
        ends = next((name for name, marks in _BEFORE if following in marks), "") if following else "ends a line"
        if ends:
            yield ends
        if _BEHIND_CAPITALS.search(before):
            yield "behind capitals"
    if _is_quoted(before, after):
        yield "in a quoted sentence"
    if len(before) - len(bare) > 1 or after[:1] in _CLOSING:
        yield "set off"
    if after[:1].isalpha() and after[:1].isascii():
        yield "glued"


def _is_name(before: str) -> bool:
    """True where the word before is a name: it has a capital within a sentence."""
    words = before[-60:].split()
    return len(words) > 1 and words[-1][0].isupper() and not words[-1].isupper() and words[-2][-1].isalnum()


def _is_quoted(before: str, after: str) -> bool:
    """True where quotation marks stand around more words than the candidate."""
    end = _QUOTED_AFTER.match(after)
    start = end and _QUOTED_BEFORE.search(before)
    return bool(start and end and any(map(str.isalpha, start[1] + end[1])))
