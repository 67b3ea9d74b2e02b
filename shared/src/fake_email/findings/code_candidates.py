"""The candidates of a text: four to ten characters written as codes are, also with blanks or hyphens between."""

import functools
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

import re2

from fake_email.findings.code_lexicon import is_a_word

CANDIDATES = 200  # of a text, with digits and without, so that hostile mail costs no more
LEAST, MOST = 4, 10  # characters
_LAST_LETTER = "\u04ff"  # of the scripts that write a number apart from words
_MOST_GROUPS = 4  # five pairs are a French phone number
_UNEVEN = ([3, 4], [3, 3, 2])  # digits in groups: the codes of seven and eight digits that senders part with blanks
_HYPHENATED = ([3, 4], [4, 3], [2, 4], [4, 2], [2, 3, 2], [2, 2, 3])  # and the codes that senders part with hyphens
_LONE_GROUPS = 3  # of digits by themselves on a line, of any lengths: "613 08"
_LONE_CHARACTERS = 20  # beside them
_LONE_MARKS = " \t*_>[]()|"
_FAR = 400  # characters of an address read

# Spaces, hyphens, digits and letters in other forms, and characters without a width.
_ODD = re.compile(
    "[\u00a0\u00ad\u0130\u034f\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u0e50-\u0e59\u061c\u2007\u2009-\u2011"
    "\u202a-\u202f\u2060-\u2069\u3000\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"
)
_PLAIN = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u200a\u202f\u3000"), " ")
_PLAIN |= {0x130: "I", 0x2010: "-", 0x2011: "-"}
_PLAIN |= {code: chr(code - 0xFEE0) for code in range(0xFF10, 0xFF5B) if chr(code - 0xFEE0).isalnum()}
_PLAIN |= {first + digit: str(digit) for first in (0x660, 0x6F0, 0x966, 0xE50) for digit in range(10)}
_PLAIN |= dict.fromkeys(
    (0xAD, 0x34F, 0x61C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF), ""
)

_BETWEEN = r"(?: {1,8}(?:[–-] {1,2})?|[\t|·-]|\n{1,2} {0,4})"
_LETTERS = r"A-Za-z\u00c0-\u024f\u0400-\u04ff"
# Digits that may be a code or part of a code; short digits that stand alone are skipped at once.
_RUN = re.compile(
    r"[0-9](?<![0-9=/_&%?@+$€£][0-9])(?:[0-9]{3}[0-9]*"
    rf"|(?<=[{_LETTERS}-][0-9])[0-9]{{0,2}}|[0-9]{{0,2}}(?=[A-Za-z]|{_BETWEEN}[0-9A-Z]))(?![0-9])"
)
_IN_LINE = r"(?: {1,8}(?:[–-] {1,2})?|[\t|·-])"
# The boxes stand on one line, or each on a line of its own: "4 8 2 7" may have "A sign-in was" below.
_BOXES = re.compile(
    rf"[0-9A-Z](?:(?:{_IN_LINE}[0-9A-Z]){{3,9}}|(?:\n{{1,2}} {{0,4}}[0-9A-Z]){{3,9}})"
    rf"(?![{_LETTERS}0-9_])(?!{_BETWEEN}[0-9]+(?![{_LETTERS}0-9]))"
)
_LETTER_BOXES = re.compile(r"^[ \t*_>|\[]*+([A-Z](?:[ \t|·-]{1,8}[A-Z]){3,7})[ \t*_|\]]*$", re.MULTILINE)
_LETTERS_APART = re.compile(r"([A-Z] (?<=[a-z:] [A-Z] )[A-Z](?: [A-Z]){2,6})(?![\w'’]| [A-Z])")  # in a sentence
_BOXES_BEFORE = re.compile(rf"(?<![{_LETTERS}0-9_])(?:[0-9A-Z]{_BETWEEN}){{1,9}}\Z")
# Also in two cells of a table.
_GROUPS = re.compile(r"[0-9]{2,5}(?:[ ·–-][0-9]{2,5}){1,5}(?![0-9])|[0-9]{3}  [0-9]{3}(?! {0,2}[0-9])")
# Letters and digits in groups of one length, "G7 HP 42"; a group of letters in front would be a word for them.
_MIXED_GROUPS = re.compile(
    r"(?=[A-Z]{0,3}[0-9])(?:[0-9A-Z]{2}(?: [0-9A-Z]{2}){1,3}|[0-9A-Z]{3}(?: [0-9A-Z]{3}){1,2}|[0-9A-Z]{4} [0-9A-Z]{4})"
    r"(?! ?[0-9A-Za-z])"
)
_LONE_MIXED = re.compile(
    r"(?=[0-9A-Z ]{7})(?:(?:[0-9]+[A-Z]|[A-Z]+[0-9])[0-9A-Z]{0,3} [0-9A-Z]{2,5}|[0-9]{3,4} [A-Z]{3,4})(?![0-9A-Za-z])"
)  # "H8K2 P6" and "904 FHX"
# Postal codes of Britain and Canada have that form too.
_POSTAL_CODE = re.compile(r"[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z][0-9A-Z]\Z")
_MIXED = re.compile("[A-Z][0-9]|[0-9][A-Z]")
_WORD = re.compile(r"[0-9A-Za-z]{1,20}(?:-[0-9A-Za-z]{1,20}){0,4}")
_WORD_BACKWARDS = re.compile(r"[0-9A-Za-z-]{0,40}")
_CAPITALS = re.compile(r"[A-Z][A-Z]{2}(?<![\w@/.#&=-][A-Z]{3})[A-Z]{0,7}(?:-[A-Z]{3,6})?(?![\w@/=-])")
# What every candidate of an ASCII text has: four digits, a digit beside a letter, another digit or letter soon behind a
# digit, or capital letters, one in a box too.
_ANY = (
    rf"[0-9]{{4}}|[A-Za-z-][0-9]|[0-9](?:[A-Za-z]|{_BETWEEN}[0-9A-Z])|[A-Z]{{3}}(?:[A-Z]|-[A-Z]{{3}})"
    rf"|[A-Z](?:{_IN_LINE}[A-Z]){{3}}"
)
# The commonest candidate: nothing beside it makes it a part of something else, so that no further look is needed.
_APART = re.compile(r"(?:(?<=[a-z:] )|(?<=\n))[0-9]{4,10}(?= [a-wyz]|[.,;]?(?:\n|\Z)|[.,;] )")
_MARKED = bytes(ord("A") * chr(each).isupper() for each in range(128)) + bytes(128)  # each capital letter is an A
# "268423If you did not", and Hungarian endings: "5519-re".
_GLUED = re.compile(r"([0-9]{4,8})(?:[A-Z][a-z]+(?:-[A-Za-z]*)?|-(?:[bnr][ae][nk]?|[oe]?t|[a-z]{1,2}[ae]l))")
_PREFIXED = re.compile(r"(?:[A-Z]|FB)-([0-9]{4,8})|[A-Z]{3}-([0-9]{6})")
_NO_CODE = re.compile(r"[Xx]{3}|\A[Xx]{2}[0-9]|\A[0-9]{1,3}-[A-Z]?[a-z]{2,}\Z")  # masked, or "2-Step"
_NAMED = re.compile(r"(?<![0-9A-Za-z])[A-Z]{1,5}-\Z")  # "CH-118 402" is the number of something
_MONTH = re.compile("(?:19|20)[0-9]{2}-[0-9]{2}")
_AROUND = re.compile(r"[!-~]*+")
_ADDRESS = re.compile(r"://|www\.|@|\.[a-z]{2,}/")
_NOT_BEFORE = "$€£¥₽₺₩₴₹№+@/\\=&~^%_©<•*"
_NOT_AFTER = "@/\\=&_%‰°€$£¥₽₺₩₴₹元円원年月日号號時时人次名件回分秒년월일명개건호층시분초점"
# Between the parts of a number, a time or an amount.
_BEFORE_DIGIT = re.compile(r"[0-9][.,:;'’/ –-]|[$€£¥₽₺₩₴₹№#+©] ")
_AFTER_DIGIT = re.compile(r"[.,:;'’/ –-][0-9]| [€$£¥₽₺₩₴₹%]")
_MASKED_BEFORE = re.compile(r"(?:[xX•]{2}|\*{3})[ -]?\Z")  # the end of a card number or of a phone number
_MASKED_BEHIND = re.compile(r"[ -]?[*xX•]{2}")  # the rest of a phone number
_AFTER_COMMA = re.compile(r",[0-9]{1,2} ?[^\W\d]")  # "5 minutes": a clause of its own, in Chinese


class Candidate(NamedTuple):
    """The position of a candidate, and the value that a person would type."""

    start: int
    end: int
    value: str


def plain(text: str) -> str:
    """The text in composed characters, with ASCII characters for its other spaces, hyphens, letters and digits."""
    if text.isascii():
        return text
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text.translate(_PLAIN) if _ODD.search(text) else text


@functools.cache
def _any() -> Callable[[bytes], object]:
    search: Callable[[bytes], object] = re2.compile(_ANY).search
    return search


def may_have_any(text: str) -> bool:
    """False for many texts without a candidate, in a tenth of the time that `read` takes."""
    return not text.isascii() or _any()(text.encode()) is not None


def read(text: str) -> list[Candidate]:
    """The candidates of a text: those with a digit in order, then those of capital letters only."""
    return [*itertools.islice(_numbers(text), CANDIDATES), *itertools.islice(_capitals(text), CANDIDATES)]


def _numbers(text: str) -> Iterator[Candidate]:
    last = max(map(text.rfind, "0123456789"))  # ten times as fast as a search for a digit
    at = 0
    for _ in range(5 * CANDIDATES):
        run = _RUN.search(text, at) if at <= last else None
        if run is None:
            return
        if apart := _APART.match(text, run.start()):
            at = apart.end()
            yield Candidate(run.start(), at, apart[0])
            continue
        start, at, value = _read(text, run.start(), run.end())
        if LEAST <= len(value.replace("-", "")) <= MOST and not _is_part(text, start, at):
            yield Candidate(start, at, value)
        at = max(at, run.end())


def _capitals(text: str) -> Iterator[Candidate]:
    """The candidates of capital letters only that the text has nowhere as a word, also one letter in each box."""
    for boxes in itertools.chain(_LETTER_BOXES.finditer(text), _LETTERS_APART.finditer(text)):
        value = "".join(filter(str.isalpha, boxes[1]))
        if not is_a_word(value):
            yield Candidate(boxes.start(1), boxes.end(1), value)
    if text.isascii() and b"AAA" not in text.encode().translate(_MARKED):
        return  # three times as fast as a search for them
    for word in _CAPITALS.finditer(text):
        value = word[0]
        letters = value.replace("-", "")
        is_code = LEAST <= len(letters) <= MOST and len(value) <= MOST + 1 and not is_a_word(letters)
        if is_code and value.lower() not in text and value.capitalize() not in text:
            yield Candidate(word.start(), word.end(), value)


def _read(text: str, start: int, end: int) -> tuple[int, int, str]:
    """The fields of the candidate around this run of digits; its value is empty when it cannot be a code."""
    if end - start == 1:
        before = _BOXES_BEFORE.search(text, max(0, start - 60), start)
        boxes = _BOXES.match(text, before.start() if before else start)
        if boxes and boxes.end() >= end:
            value = "".join(filter(str.isalnum, boxes[0]))
            return boxes.start(), boxes.end(), "" if value in "0123456789" or value in "9876543210" else value
    before = _WORD_BACKWARDS.match(text[max(0, start - 40) : start][::-1])
    first = start - before.end() if before else start
    mixed = _MIXED_GROUPS.match(text, first)
    if not (mixed and mixed.end() >= end and _MIXED.search(mixed[0])):
        mixed = _LONE_MIXED.match(text, first)
        mixed = mixed if mixed and _is_lone(text, first, mixed.end()) else None
    if mixed and not _POSTAL_CODE.match(mixed[0]):
        return first, mixed.end(), mixed[0].replace(" ", "")
    groups = _GROUPS.match(text, start)
    if groups and not _is_letter(text[start - 1 : start]):
        digits = re.findall("[0-9]+", groups[0])
        lengths = [len(each) for each in digits]
        is_even = len(lengths) <= _MOST_GROUPS and len(set(lengths)) == 1
        is_code = is_even or lengths in _UNEVEN or (lengths in _HYPHENATED and " " not in groups[0])
        is_code = is_code or (len(lengths) <= _LONE_GROUPS and _is_lone(text, start, groups.end()))
        is_named = _NAMED.search(text, max(0, start - 7), start) or _MONTH.fullmatch(groups[0])
        return start, groups.end(), "".join(digits) if is_code and not is_named else ""
    is_joined = text[first] == "-" and text[first - 1 : first] > _LAST_LETTER  # to a Hebrew word: "ל-5519"
    word = _WORD.match(text, first + is_joined)
    if word is None or word.end() < end:
        return start, end, ""
    glued = _GLUED.fullmatch(word[0])
    if glued:
        return word.start(), word.start() + len(glued[1]), glued[1]
    prefixed = _PREFIXED.fullmatch(word[0])
    value = prefixed[1] or prefixed[2] if prefixed else word[0]
    return word.start(), word.end(), "" if _NO_CODE.search(word[0]) else value


def _is_lone(text: str, start: int, end: int) -> bool:
    """True where nothing but blanks and marks stands on the line beside what starts and ends here."""
    first = text.rfind("\n", max(0, start - _LONE_CHARACTERS), start) + 1
    last = text.find("\n", end, end + _LONE_CHARACTERS)
    after = text[end : last if last >= 0 else end + _LONE_CHARACTERS]
    return (first > 0 or start < _LONE_CHARACTERS) and not f"{text[first:start]}{after}".strip(_LONE_MARKS)


def _is_part(text: str, start: int, end: int) -> bool:
    """True for a part of a longer number, an amount, an address or a word."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    previous, following = before[-1:], after[:1]
    if (previous == "*" and following in ("*", "#")) or (previous == "<" and following in ("*", ">")):
        previous = following = ""
    return (
        _is_letter(previous)
        or (_is_letter(following) and not _GLUED.match(text, start))
        or (previous != "" and previous in _NOT_BEFORE)
        or (previous == "." and before[0].isalnum() and text[start].isalpha())  # "ann.k2lb" is a name
        or (following != "" and following in _NOT_AFTER)
        or (previous == "#" and not text.startswith("@", text.rfind("\n", 0, start) + 1))  # `@site #code`
        or (text[start].isdecimal() and _BEFORE_DIGIT.fullmatch(before) is not None)
        or (text[end - 1].isdecimal() and _AFTER_DIGIT.fullmatch(after) and not _AFTER_COMMA.match(text, end))
        or (after[:1] != "*" and _MASKED_BEFORE.search(text, max(0, start - 4), start) is not None)
        or (_MASKED_BEHIND.match(text, end) and text[start - 1 : start] != "*")
        or (previous != "#" and _is_in_address(text, start, end))
    )


def _is_in_address(text: str, start: int, end: int) -> bool:
    backwards = _AROUND.match(text[max(0, start - _FAR) : start][::-1])
    onwards = _AROUND.match(text, end, end + _FAR)
    written = (backwards[0][::-1] if backwards else "") + (onwards[0] if onwards else "")
    return len(written) > 1 and _ADDRESS.search(written) is not None


def _is_letter(character: str) -> bool:
    return character <= _LAST_LETTER and (character.isalnum() or character == "_")
