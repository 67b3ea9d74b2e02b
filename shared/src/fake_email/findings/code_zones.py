"""The zones of a text around a candidate: words, clauses and sentences of its line, and the lines around it. Pure."""

import re
from collections.abc import Callable, Iterator, Sequence

from fake_email.findings.code_candidates import Candidate
from fake_email.findings.code_form import LINKS, MARKS
from fake_email.findings.code_lexicon import CODES, KINDS

_BEFORE, _AFTER = 200, 160  # characters of a line read, on each side of a candidate
_NEAR = 12  # characters of the nearest words, at least
_COPULA = 5  # letters of a word such as "is", at most
_ABOVE, _BELOW = 4, 3  # lines with something on them
_LABEL, _LABEL_WORDS = 40, 6  # characters and words of a label, at most
_OF_LABEL = MARKS + ":：=→—–-."  # around the words of a label
_CELLS = re.compile(r" {2,}|\t|\||\.{4,}")  # between the cells of a row
_STOPS = (". ", "! ", "? ", "; ", "。", "！", "？", "；", "؟", "।")
# The end of a number, since a word before it says what that is the number of, and of a clause.
_CLAUSE_BEFORE = re.compile(r".*(?:[0-9](?:[0-9]|(?<=[0-9]) )|[,，、])", re.DOTALL)
_CLAUSE_AFTER = re.compile(r"(?:[,;，、；(（|/·].*?)?[0-9]{2}")  # with the words of its clause

CODE_KINDS = frozenset(map(KINDS.index, CODES))
NUMBER_KINDS = frozenset(
    KINDS.index(kind) for kind in ("sale", "order", "number", "phone", "card", "meeting", "place", "other", "date")
)
_NOUNS = CODE_KINDS | NUMBER_KINDS

Kinds = Callable[[str], Sequence[int]]


def is_alone(text: str, candidate: Candidate) -> bool:
    """True for a candidate with nothing but marks beside it on its line."""
    first, last = line_around(text, candidate)
    return not text[first : candidate.start].strip(MARKS) and not text[candidate.end : last].strip(MARKS + ".")


def line_around(text: str, candidate: Candidate) -> tuple[int, int]:
    """The start and the end of a candidate's line, cut to _BEFORE and _AFTER characters around it."""
    start, end, _ = candidate
    first = max(text.rfind("\n", max(0, start - _BEFORE), start) + 1, start - _BEFORE, 0)
    last = text.find("\n", end, end + _AFTER)
    return first, min(last if last >= 0 else len(text), end + _AFTER)


def label(before: str, above: str) -> str:
    """What names a candidate in a list or a table: a few words before it on its line, else the line above.

    Of a row of a table, that is the cell before, or the first and the last cell of the row above.
    """
    words = before.strip(_OF_LABEL)
    if words:
        words = next(filter(None, (each.strip(_OF_LABEL) for each in reversed(_CELLS.split(words)))), "")
    else:
        cells = _CELLS.split(above.strip(_OF_LABEL))
        words = cells[0] if len(cells) == 1 else f"{cells[0]} {cells[-1]}"
    return words if len(words) <= _LABEL and words.count(" ") < _LABEL_WORDS else ""


def zones_before(kinds_in: Kinds, before: str) -> Iterator[tuple[str, Sequence[int]]]:
    """The zones of the line before a candidate, and the kinds of words in each."""
    cut = sentence_start(before)
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
    nearest = nearest or (CODE_KINDS if clause else _NOUNS).intersection(found)
    yield "nearest", tuple(nearest)
    yield "sentence before", kinds_in(before[:cut])


def zones_after(kinds_in: Kinds, after: str) -> Iterator[tuple[str, Sequence[int]]]:
    """The zones of the line after a candidate, and the kinds of words in each."""
    cut = sentence_end(after)
    clause = _CLAUSE_AFTER.search(after, 0, cut)
    near = _first_words(after[: clause.start() if clause else cut], _NEAR)
    yield "word after", kinds_in(_first_words(near, 1))
    yield "near after", kinds_in(near)
    yield "clause after" if clause else "after", kinds_in(after[len(near) : cut])
    yield "sentence after", kinds_in(after[cut:])


def sentence_start(before: str) -> int:
    return max((before.rfind(stop) + len(stop) for stop in _STOPS if stop in before), default=0)


def sentence_end(after: str) -> int:
    return min((at for at in map(after.find, _STOPS) if at >= 0), default=len(after))


def zones_of_lines(text: str, first: int, last: int) -> Iterator[tuple[str, str]]:
    """The zones above and below the line from `first` to `last`, and the text of each."""
    above = list(lines_above(text, first))
    below = [line[:_AFTER] for line in text[last : last + 3 * _AFTER].splitlines() if line.strip()][:_BELOW]
    yield "line above", above[0] if above else ""
    yield "lines above", "\n".join(above[1:])
    yield "line below", below[0] if below else ""
    yield "lines below", "\n".join(below[1:])


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
