"""The features of a candidate: the kinds of words in each zone around it, beside its form and place."""

import functools
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from fake_email.findings import code_form
from fake_email.findings.code_candidates import Candidate
from fake_email.findings.code_form import LINKS, MARKS
from fake_email.findings.code_lexicon import CODES, KINDS, is_english, kinds, kinds_in_english

_BEFORE, _AFTER = 200, 160  # characters of a line read, on each side of a candidate
NEAR_CODE = "code is near"  # the name of a feature
_NEAR = 12  # characters of the nearest words, at least
_COPULA = 5  # letters of a word such as "is", at most
_ABOVE, _BELOW = 4, 3  # lines with something on them
_WHOLE = 2000  # characters that tell what a message is about

_STOPS = (". ", "! ", "? ", "; ", "。", "！", "？", "；", "؟", "।")
_OTHER_NUMBER = re.compile(r"[0-9]{3,}(?:[ -][0-9]+)*+")
# The end of a number, since a word before it says what that is the number of, and of a clause.
_CLAUSE_BEFORE = re.compile(r".*(?:[0-9](?:[0-9]|(?<=[0-9]) )|[,，、])", re.DOTALL)
_CLAUSE_AFTER = re.compile(r"(?:[,;，、；(（|/·].*?)?[0-9]{2}")  # with the words of its clause

_CODE = frozenset(map(KINDS.index, CODES))
_NUMBERS = frozenset(
    KINDS.index(kind) for kind in ("sale", "order", "number", "phone", "card", "meeting", "place", "other", "date")
)
_NOUNS = _CODE | _NUMBERS
_NOT_OF_ITS_LINE = ("line", "subject:", "whole:", "candidates", "length", "numbers")
_PLAIN = {"nearest": "code is nearest", "near before": NEAR_CODE}  # of zones without a word for another number


Kinds = Callable[[str], Sequence[int]]


class Names(NamedTuple):
    """The names of the features of a zone: one for each kind, and for each kind beside a word for a code."""

    kinds: tuple[str, ...]
    beside_code: tuple[str, ...]


def _names(zone: str) -> Names:
    return Names(tuple(f"{zone}:{kind}" for kind in KINDS), tuple(f"{zone}:code+{kind}" for kind in KINDS))


_ZONES = {
    zone: _names(zone)
    for zone in (
        *(
            "copula",
            "unknown before",
            "word before",
            "word linked",
            "near before",
            "before",
            "clause before",
            "sentence before",
        ),
        *("word after", "near after", "after", "clause after", "sentence after", "nearest", "sentence", "around"),
        *("line above", "lines above", "line below", "lines below", "subject", "whole"),
        *("line above, alone", "lines above, alone", "line below, alone", "lines below, alone"),
    )
}


class Text(NamedTuple):
    """A text that begins with the subject, the kinds of words in all of it and in the subject, and its candidates."""

    text: str
    body: int
    whole: Sequence[int]
    subject: Sequence[int]
    candidates: int
    kinds_in: Kinds  # those of words of its language
    known: dict[str, Sequence[int]]  # the kinds of words in lines that several candidates have around them

    def kinds(self, text: str) -> Sequence[int]:
        found = self.known.get(text)
        if found is None:
            found = self.known[text] = self.kinds_in(text)
        return found


def read(text: str, body: int, candidates: int) -> Text:
    """The text of a message, whose body begins at `body`, and which has this number of candidates."""
    kinds_in = kinds_in_english if is_english(text) else kinds
    return Text(text, body, kinds_in(text[body : body + _WHOLE]), kinds_in(text[:body]), candidates, kinds_in, {})


def of(here: Text, candidate: Candidate) -> list[str]:
    """The names of the features that this candidate has."""
    text, (start, end, _) = here.text, candidate
    first, last = _line(text, candidate)
    alone = is_alone(text, candidate)
    place, words, of_line, linked = _of_line(here.kinds_in, text[first:start], text[end:last], alone)
    names = [*place, *_of_text(here, candidate), *words]
    around = set(of_line)
    linked = _add_other_lines(names, here, (first, last), around, alone=alone) or linked
    names += code_form.of(candidate.value, text[start:end], alone=alone, linked=linked)
    _add_kinds(names, "subject", here.subject)
    of_whole = _ZONES["whole"].kinds
    names += [of_whole[kind] for kind in here.whole]
    return names


@functools.lru_cache(maxsize=512)  # the mail of a sender has the same words around its codes
def _of_line(
    kinds_in: Kinds, before: str, after: str, alone: bool
) -> tuple[Sequence[str], Sequence[str], frozenset[int], bool]:
    """The features of a place between the parts of a line, those of the words there, their kinds, and true when a word
    for a code is right beside the place.
    """
    beside = _OTHER_NUMBER.findall(before[_sentence_start(before) :] + "," + after[: _sentence_end(after)])
    names = [f"numbers beside: {min(len(beside), 3)}"]
    around: set[int] = set()
    linked = _add_line(names, kinds_in, (before, after), around)
    return tuple(code_form.of_place(before, after, alone=alone)), tuple(names), frozenset(around), linked


def asked(names: Collection[str]) -> list[str]:
    """The names of the features that count anew in a text without a word for a code: those of the candidate's line."""
    return ["asked", *filter(None, map(_asked, names))]


@functools.lru_cache(maxsize=4096)  # more than there are names
def _asked(name: str) -> str:
    return "" if name.startswith(_NOT_OF_ITS_LINE) else f"{name}, asked"


def is_alone(text: str, candidate: Candidate) -> bool:
    """True for a candidate with nothing but marks beside it on its line."""
    first, last = _line(text, candidate)
    return not text[first : candidate.start].strip(MARKS) and not text[candidate.end : last].strip(MARKS + ".")


def _line(text: str, candidate: Candidate) -> tuple[int, int]:
    """The start and the end of what is read of the line of a candidate."""
    start, end, _ = candidate
    first = max(text.rfind("\n", max(0, start - _BEFORE), start) + 1, start - _BEFORE, 0)
    last = text.find("\n", end, end + _AFTER)
    return first, min(last if last >= 0 else len(text), end + _AFTER)


def _add_line(names: list[str], kinds_in: Kinds, line: tuple[str, str], sentence: set[int]) -> bool:
    """Add the features of the zones of a line, and the kinds of words in the sentence.

    True when a word for a code is right beside the candidate.
    """
    linked = False
    for name, found in [*_zones_before(kinds_in, line[0]), *_zones_after(kinds_in, line[1])]:
        names.append(name)
        if not found:
            names += ("no noun before",) if name == "nearest" else ()
            continue
        has_code = _add_kinds(names, name, found)
        linked = linked or (has_code and name.startswith(("word", "near")))
        if name in _PLAIN and _NUMBERS.isdisjoint(found):
            names += (_PLAIN[name],) if has_code or name == "nearest" else ()
        if not name.startswith("sentence"):
            sentence.update(found)
    if not _add_kinds(names, "sentence", sentence):
        names.append("no code in the sentence")
    if _NUMBERS.isdisjoint(sentence):
        names.append("no number in the sentence")
    return linked


def _add_other_lines(names: list[str], here: Text, line: tuple[int, int], around: set[int], *, alone: bool) -> bool:
    """Add the features of the lines above and below; True when a code alone on its line has a word for it above."""
    suffix = ", alone" if alone else ""
    linked = False
    for name, words in _zones_of_lines(here.text, *line):
        found = here.kinds(words)
        if found:
            around.update(found)
            has_code = _add_kinds(names, name + suffix, found)
            linked = linked or (alone and has_code and name == "line above")
        if name == "line above" and words.rstrip().endswith((":", "：")):
            names.append(f"above a colon{suffix}")
    if not _add_kinds(names, "around", around):
        names.append("no code around")
    return linked


def _zones_before(kinds_in: Kinds, before: str) -> Iterator[tuple[str, Sequence[int]]]:
    cut = _sentence_start(before)
    clause = _CLAUSE_BEFORE.match(before, cut)
    near = _last_words(before[clause.end() if clause else cut :], _NEAR)
    found = kinds_in(_last_words(near, 1))
    yield "word linked" if near.rstrip(MARKS).endswith(LINKS) else "word before", found
    nearest = _NOUNS.intersection(found)
    words = near.split() if not found and near.strip(MARKS) else []
    if words:
        yield "copula" if len(words[-1]) <= _COPULA else "unknown before", kinds_in(before[cut:])
    found = kinds_in(near)
    yield "near before", found
    nearest = nearest or _NOUNS.intersection(found)
    found = kinds_in(before[cut : len(before) - len(near)])
    yield "clause before" if clause else "before", found
    nearest = nearest or (_CODE if clause else _NOUNS).intersection(found)
    yield "nearest", tuple(nearest)
    yield "sentence before", kinds_in(before[:cut])


def _zones_after(kinds_in: Kinds, after: str) -> Iterator[tuple[str, Sequence[int]]]:
    cut = _sentence_end(after)
    clause = _CLAUSE_AFTER.search(after, 0, cut)
    near = _first_words(after[: clause.start() if clause else cut], _NEAR)
    yield "word after", kinds_in(_first_words(near, 1))
    yield "near after", kinds_in(near)
    yield "clause after" if clause else "after", kinds_in(after[len(near) : cut])
    yield "sentence after", kinds_in(after[cut:])


def _sentence_start(before: str) -> int:
    return max((before.rfind(stop) + len(stop) for stop in _STOPS if stop in before), default=0)


def _sentence_end(after: str) -> int:
    return min((at for at in map(after.find, _STOPS) if at >= 0), default=len(after))


def _zones_of_lines(text: str, first: int, last: int) -> Iterator[tuple[str, str]]:
    above = list(lines_above(text, first))
    below = [line[:_AFTER] for line in text[last : last + 3 * _AFTER].splitlines() if line.strip()][:_BELOW]
    yield "line above", above[0] if above else ""
    yield "lines above", "\n".join(above[1:])
    yield "line below", below[0] if below else ""
    yield "lines below", "\n".join(below[1:])


def _of_text(here: Text, candidate: Candidate) -> Iterator[str]:
    text, (start, end, _) = here.text, candidate
    yield f"candidates: {min(here.candidates, 6)}"
    yield f"length: {min(len(text).bit_length(), 12)}"
    if start < here.body:
        yield "in the subject"
    written = text[start:end]
    if text.find(written) < start or text.find(written, end) >= 0:
        yield "written twice"
    if text[start - 1 : start] == "#":
        yield "behind a hash"


def _add_kinds(names: list[str], zone: str, found: Collection[int]) -> bool:
    """Add the features of the kinds of words in a zone; True when a word for a code is among them."""
    of_kinds, beside_code = _ZONES[zone]
    names += [of_kinds[kind] for kind in found]
    has_code = not _CODE.isdisjoint(found)
    if has_code:
        names += [beside_code[kind] for kind in found if kind not in _CODE]
    return has_code


def _last_words(text: str, length: int) -> str:
    """The last words, of this length or a little more; where words have no blanks between, the last characters."""
    at = text.rfind(" ", 0, max(0, len(text.rstrip(MARKS)) - length)) + 1
    return text[at if len(text) - at <= 2 * length + 16 else -max(length, 5) :]


def _first_words(text: str, length: int) -> str:
    at = text.find(" ", length + len(text) - len(text.lstrip(MARKS)))
    at = at if at >= 0 else len(text)
    return text[: at if at <= 2 * length + 16 else max(length, 5)]


def lines_above(text: str, at: int) -> Iterator[str]:
    """The lines above that have something on them, the nearest first."""
    left = _ABOVE
    for _ in range(2 * _ABOVE):
        end = at - 1
        if end <= 0 or not left:
            return
        at = max(text.rfind("\n", max(0, end - _BEFORE), end) + 1, end - _BEFORE, 0)
        if text[at:end].strip():
            left -= 1
            yield text[at:end]
