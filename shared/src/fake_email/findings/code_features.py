"""The features of a candidate: the kinds of words in each zone around it, beside its form and place."""

import functools
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from fake_email.findings import code_form
from fake_email.findings.code_candidates import Candidate
from fake_email.findings.code_lexicon import KINDS, is_english, kinds, kinds_in_english
from fake_email.findings.code_zones import (
    CODE_KINDS,
    NUMBER_KINDS,
    Kinds,
    is_alone,
    label,
    line_around,
    sentence_end,
    sentence_start,
    zones_after,
    zones_before,
    zones_of_lines,
)

_WHOLE = 2000  # characters that tell what a message is about
_OTHER_NUMBER = re.compile(r"[0-9]{3,}(?:[ -][0-9]+)*+")
NEAR_CODE = "code is near"  # the name of a feature
_NOT_OF_ITS_LINE = ("line", "subject:", "whole:", "candidates", "before it", "numbers")
_PLAIN = {"nearest": "code is nearest", "near before": NEAR_CODE}  # of zones without a word for another number


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
        *("label", "line above", "lines above", "line below", "lines below", "subject", "whole"),
        *("line above, alone", "lines above, alone", "line below, alone", "lines below, alone"),
    )
}


class Text(NamedTuple):
    """A text that begins with the subject, its kinds of words and those of the subject, and its candidates' starts."""

    text: str
    body: int
    whole: Sequence[int]
    subject: Sequence[int]
    starts: Sequence[int]
    kinds_in: Kinds  # those of words of its language
    known: dict[str, Sequence[int]]  # the kinds of words in lines that several candidates have around them

    def kinds(self, text: str) -> Sequence[int]:
        found = self.known.get(text)
        if found is None:
            found = self.known[text] = self.kinds_in(text)
        return found


def read(text: str, body: int, candidates: Iterable[Candidate]) -> Text:
    """The text of a message, whose body begins at `body`, and which has these candidates."""
    kinds_in = kinds_in_english if is_english(text) else kinds
    starts = sorted(each.start for each in candidates)
    return Text(text, body, kinds_in(text[body : body + _WHOLE]), kinds_in(text[:body]), starts, kinds_in, {})


def of(here: Text, candidate: Candidate) -> list[str]:
    """The names of the features that this candidate has."""
    text, (start, end, _) = here.text, candidate
    first, last = line_around(text, candidate)
    alone = is_alone(text, candidate)
    place, words, of_line, linked = _of_line(here.kinds_in, text[first:start], text[end:last], alone)
    names = [*place, *_of_text(here, candidate), *words]
    around = set(of_line)
    zones = dict(zones_of_lines(text, first, last))
    linked = _add_other_lines(names, here, zones, around, alone=alone) or linked
    is_named = _add_label(names, here, label(text[first:start], zones["line above"]))
    if not (is_named or CODE_KINDS.intersection(of_line)):
        names.append("no code in the sentence")
    linked = linked or is_named
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
    beside = _OTHER_NUMBER.findall(before[sentence_start(before) :] + "," + after[: sentence_end(after)])
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


def _add_line(names: list[str], kinds_in: Kinds, line: tuple[str, str], sentence: set[int]) -> bool:
    """Add the features of the zones of a line, and the kinds of words in the sentence.

    True when a word for a code is right beside the candidate.
    """
    linked = False
    for name, found in [*zones_before(kinds_in, line[0]), *zones_after(kinds_in, line[1])]:
        names.append(name)
        if not found:
            names += ("no noun before",) if name == "nearest" else ()
            continue
        has_code = _add_kinds(names, name, found)
        linked = linked or (has_code and name.startswith(("word", "near")))
        if name in _PLAIN and NUMBER_KINDS.isdisjoint(found):
            names += (_PLAIN[name],) if has_code or name == "nearest" else ()
        if not name.startswith("sentence"):
            sentence.update(found)
    _add_kinds(names, "sentence", sentence)
    if NUMBER_KINDS.isdisjoint(sentence):
        names.append("no number in the sentence")
    return linked


def _add_other_lines(names: list[str], here: Text, zones: Mapping[str, str], around: set[int], *, alone: bool) -> bool:
    """Add the features of the lines above and below; True when a code alone on its line has a word for it above."""
    suffix = ", alone" if alone else ""
    linked = False
    for name, words in zones.items():
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


def _add_label(names: list[str], here: Text, words: str) -> bool:
    """Add the features of what names the candidate in a list or a table; True when that has a word for a code."""
    found = here.kinds(words) if words else ()
    if CODE_KINDS.isdisjoint(found):
        return False
    if CODE_KINDS.isdisjoint(here.kinds(words.rpartition(" ")[2])):
        return True
    _add_kinds(names, "label", found)
    if NUMBER_KINDS.isdisjoint(found):
        names.append("named a code")
    return True


def _of_text(here: Text, candidate: Candidate) -> Iterator[str]:
    text, (start, end, _) = here.text, candidate
    yield f"candidates: {min(len(here.starts), 6)}"
    yield f"before it: {min(bisect_left(here.starts, start) - bisect_left(here.starts, here.body), 4)}"
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
    has_code = not CODE_KINDS.isdisjoint(found)
    if has_code:
        names += [beside_code[kind] for kind in found if kind not in CODE_KINDS]
    return has_code
