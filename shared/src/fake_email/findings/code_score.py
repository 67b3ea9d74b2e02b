"""The confidence that a number is a code: from the words beside it, the lines around it and the subject."""

import bisect
import operator
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fake_email.findings import code_candidates, code_context, code_words
from fake_email.findings.code_candidates import Candidate
from fake_email.findings.code_words import Label

ENOUGH = 0.5
GUESS = 0.65  # alone on its line in a mail that speaks of what codes are for
_SURE = 0.85  # a tie of words that say so
_ENTERED = 0.84
_LINE_CHARACTERS = 300  # of a line looked at, on each side of a number
_LINES = 4  # looked at before a number that stands alone
_AROUND = 200  # characters that may say what a number is for
_WEIGHT = {"strong": 1.0, "weak": 0.95, "password": 0.9, "other": 0.0}
_USUAL = 6  # digits: a number that is shorter may be part of an address
_YEAR, _YEARS = 4, range(1900, 2040)

_ALNUM = re.compile(r"[^\W_]")
_UNSPEAKABLE = re.compile(r"(?!S[CPT][HLR])[BCDFGHJKLMNPQRSTVWXZ]{3}|Q[^U]|[XZJQ]{2}")


class Text(NamedTuple):
    """A text, the same in lower case, place by place, and its words for a code."""

    text: str
    low: str
    labels: list[Label]


def read(text: str) -> Text:
    """The text, made plain."""
    text = code_candidates.plain(text)
    low = text.lower()
    return Text(text, low, code_words.labels(low))


def has_label_near(here: Text, candidate: Candidate) -> bool:
    """Whether there is a word for a code that `weigh` may come upon."""
    at = bisect.bisect_left(here.labels, candidate.start - _LINES * _LINE_CHARACTERS, key=operator.attrgetter("start"))
    return at < len(here.labels) and here.labels[at].start < candidate.end + _LINE_CHARACTERS + _AROUND


def speaks_of_codes(here: Text, other: Text) -> bool:
    """Whether a number may be a code where no word for one is near."""
    return bool(other.labels) or code_context.speaks_of_purpose(here.low) or code_context.speaks_of_purpose(other.low)


def weigh(here: Text, head: Text, candidate: Candidate) -> float:
    """How sure it is that this is a code, 0 to 1."""
    low, start, end = here.low, candidate.start, candidate.end
    line = _line_around(low, start, end)
    before, after = low[line.start : start], low[end : line.stop]
    label = _nearest_before(here.labels, start)
    tied = _tie_to_label_before(here, label, candidate)
    if 0 <= tied < _SURE:
        tied = max(tied, _tie_to_label_after(here, candidate))
        if not _ALNUM.search(before) and not _ALNUM.search(after):
            tied = max(tied, _tie_of_lines(here, head, candidate, line))
        elif (
            (not candidate.is_unlikely or (candidate.value.isalpha() and not _is_like_a_word(candidate.value)))
            and code_context.is_entered(before[-80:], after[:80])
            and _has_purpose(here, head, line)
        ):
            tied = max(tied, _ENTERED)
    if tied < (_SURE if _is_year(candidate.value) else ENOUGH) or before.lstrip().startswith(">"):
        return 0
    if code_candidates.is_part(here.text, start, end) or code_context.is_named_after(after[:80]):
        return 0
    if label and code_context.is_right_behind(low[label.end : start][:_AROUND]):
        return tied
    return 0 if code_context.is_number_of_something(before[-60:]) else tied


def _line_around(low: str, start: int, end: int) -> range:
    """Where the line starts and ends, as far as it is looked at."""
    line_start = max(low.rfind("\n", max(0, start - _LINE_CHARACTERS), start) + 1, start - _LINE_CHARACTERS, 0)
    line_end = low.find("\n", end, end + _LINE_CHARACTERS)
    return range(line_start, line_end if line_end >= 0 else min(len(low), end + _LINE_CHARACTERS))


def _nearest_before(labels: Sequence[Label], start: int) -> Label | None:
    at = bisect.bisect_right(labels, start, key=operator.attrgetter("end"))
    return labels[at - 1] if at else None


def _tie_to_label_before(here: Text, label: Label | None, candidate: Candidate) -> float:
    """Negative where the words say that it is another number."""
    if label is None or candidate.start - label.end > code_context.FAR:
        return 0
    gap = here.low[label.end : candidate.start]
    tied = code_context.tie_before(gap)
    if label.kind == "other":
        return -1 if tied >= _SURE else 0
    is_loose = candidate.is_unlikely or label.kind == "password" or _is_name_before(here.text, candidate)
    is_spoken = label.kind != "strong" and _is_like_a_word(candidate.value)
    if (tied < _SURE and is_loose) or is_spoken or (_is_year(candidate.value) and not gap.strip()):
        return 0
    return _unless_of_a_sale(here, label, candidate, tied)


def _tie_to_label_after(here: Text, candidate: Candidate) -> float:
    at = bisect.bisect_left(here.labels, candidate.end, key=operator.attrgetter("start"))
    if at == len(here.labels):
        return 0
    label = here.labels[at]
    if label.start - candidate.end > code_context.FAR:
        return 0
    gap = here.low[candidate.end : label.start]
    tied = code_context.tie_after(gap)
    if label.kind != "strong" and gap[:1] in (":", "：") and _is_name_before(here.text, candidate):
        return 0  # "Newsletter 1155: code for everybody"
    if tied < _SURE and (candidate.is_unlikely or label.kind == "password"):
        return 0
    return _unless_of_a_sale(here, label, candidate, tied)


def _unless_of_a_sale(here: Text, label: Label, candidate: Candidate, tied: float) -> float:
    if label.kind != "strong" and tied:
        near = here.low[max(0, min(candidate.start, label.start) - 120) : max(candidate.end, label.end) + 100]
        is_named = _is_like_a_word(candidate.value) and not candidate.value.isalpha()
        if is_named or code_words.SALE.search(near):
            return 0
    return tied * _WEIGHT[label.kind]


def _tie_of_lines(here: Text, head: Text, candidate: Candidate, line: range) -> float:
    """How well the lines around speak for what stands alone on its own."""
    above = list(lines_before(here.low, line.start))
    tied = _tie_to_lines_above(here, candidate, above)
    if tied is not None:
        return tied
    label = _first_in(here.labels, line.stop, line.stop + _AROUND)
    if label and label.kind in ("strong", "weak"):
        return _unless_of_a_sale(here, label, candidate, 0.9)
    if candidate.is_unlikely:
        return 0
    is_told = _is_entered_in_lines(here, above, line) and _has_purpose(here, head, line)
    if is_told or any(each.kind in ("strong", "weak") for each in head.labels):
        return 0.8
    around = here.low[above[-1].start if above else line.start : line.stop + _AROUND]
    has_purpose = code_context.speaks_of_purpose(around) or code_context.speaks_of_purpose(head.low)
    return GUESS if has_purpose or (head.labels and head.labels[0].kind != "other") else 0


def _is_entered_in_lines(here: Text, above: Sequence[range], line: range) -> bool:
    """Whether the line above, or the one below, tells to enter what stands alone between them."""
    below = here.low[line.stop : line.stop + _AROUND].strip().partition("\n")[0]
    over = here.low[above[0].start : above[0].stop] if above else ""
    return code_context.tells_to_enter(over) or code_context.tells_to_enter(below)


def _has_purpose(here: Text, head: Text, line: range) -> bool:
    """Whether what is entered there, or here, proves something."""
    start, end = max(0, line.start - _AROUND), line.stop + _AROUND
    return (
        any(label.kind != "other" for label in head.labels)
        or any(label.kind != "other" and start <= label.start < end for label in here.labels)
        or code_context.speaks_of_purpose(here.low[start:end])
        or code_context.speaks_of_purpose(head.low)
    )


def _tie_to_lines_above(here: Text, candidate: Candidate, above: Sequence[range]) -> float | None:
    """None where they say nothing."""
    for tied, line in zip((0.96, 0.92, 0.8, 0.75), above, strict=False):
        label = _last_in(here.labels, line.start, line.stop)
        is_next = line is above[0]
        if label is None and is_next and code_context.is_label_of_number(here.low[line.start : line.stop].strip()):
            return 0
        if label:
            if label.kind == "password" and not is_next:
                continue
            if label.kind == "other":
                return 0
            return 0 if candidate.is_unlikely and tied < _SURE else _unless_of_a_sale(here, label, candidate, tied)
    return None


def lines_before(low: str, at: int) -> Iterator[range]:
    """Where the lines above are that have something on them, the nearest first."""
    for _ in range(2 * _LINES):
        end = at - 1
        if end <= 0:
            return
        at = max(low.rfind("\n", max(0, end - _LINE_CHARACTERS), end) + 1, end - _LINE_CHARACTERS, 0)
        if low[at:end].strip():
            yield range(at, end)


def _last_in(labels: Sequence[Label], start: int, end: int) -> Label | None:
    label = _nearest_before(labels, end)
    return label if label and label.start >= start else None


def _first_in(labels: Sequence[Label], start: int, end: int) -> Label | None:
    at = bisect.bisect_left(labels, start, key=operator.attrgetter("start"))
    return labels[at] if at < len(labels) and labels[at].end <= end else None


def weigh_in_subject(head: Text, body: Text, candidate: Candidate) -> float:
    """As `weigh`; a number that is set off there may be what the text speaks of."""
    weight = weigh(head, body, candidate)
    if weight or candidate.is_unlikely or not candidate.value.isdecimal() or _is_year(candidate.value):
        return weight
    before, after = head.low[: candidate.start], head.low[candidate.end :]
    if code_candidates.is_part(head.text, candidate.start, candidate.end):
        return 0
    if code_context.is_number_of_something(before) or code_context.is_named_after(after):
        return 0
    kinds = {label.kind for label in body.labels}
    is_of_code = "strong" in kinds or ("weak" in kinds and code_context.speaks_of_purpose(head.low))
    if is_of_code and _stands_apart(before, after):
        return 0.6
    return 0


def _stands_apart(before: str, after: str) -> bool:
    """Whether it is set off from the other words of a subject, and not as tickets are."""
    return not before.endswith("[") and (
        not after.strip(" .!)]") or not before.strip(" ([") or before.rstrip(" ([").endswith((":", "-", "–", "—", "|"))
    )


def _is_year(value: str) -> bool:
    return len(value) == _YEAR and value.isdecimal() and int(value) in _YEARS


def _is_name_before(text: str, candidate: Candidate) -> bool:
    """Whether a short number follows a name, as in an address."""
    if len(candidate.value) >= _USUAL:
        return False
    words = text[max(0, candidate.start - 40) : candidate.start].split()
    return bool(words) and words[-1][0].isupper()


def _is_like_a_word(value: str) -> bool:
    """Whether these capitals can be spoken, whatever digits follow, as a voucher's are: `SUMMER24`."""
    word = value.rstrip("0123456789").replace("-", "")
    return (
        len(word) >= code_candidates.LEAST and word.isalpha() and word.isupper() and _UNSPEAKABLE.search(word) is None
    )
