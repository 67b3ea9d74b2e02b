"""Which code did this mail bring? The one that a person would type, with the words that made it one."""

import bisect
import itertools
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from fake_email import code_context, code_shapes, code_words, html_text
from fake_email.code_shapes import Candidate
from fake_email.code_words import Label

CODES = 10  # of one message
CHARACTERS = 64 * 1024  # of a text looked at; what comes later are terms of use
EVIDENCE_CHARACTERS = 160

_HTML_CHARACTERS = 256 * 1024  # of HTML that the text lacks

Source = Literal["subject", "text", "html"]

_ENOUGH = 0.5
_LINE_CHARACTERS = 300  # of a line looked at, on each side of a number
_LINES = 4  # looked at before a number that stands alone
_WEIGHT = {"strong": 1.0, "weak": 0.95, "password": 0.9, "other": 0.0}
_SURE = 0.85  # a tie of words that say so
_ENTERED = 0.85
_GUESS = 0.65  # alone on its line in a mail that speaks of what codes are for
_LETTERS_ONLY = 0.05  # less sure
_USUAL, _LONG = 6, 8  # digits
_YEAR, _YEARS = 4, range(1900, 2100)
_ABOVE_CHARACTERS = 120  # of evidence

_REPLY = re.compile(r"\s*(?:re|aw|sv|antw|odp|ynt|回复|答复|返信|회신|res|rif)\s*[:：]")
_ANSWERED = re.compile(
    r"^[^\n]{0,200}(?:wrote|schrieb|a écrit|escribió|escreveu|ha scritto|schreef|napisał\(?a?\)?|написал\(?а?\)?|пишет"
    r"|yazdı|写道|のメール|작성)[^\n]{0,40}[:：][ \t]*$"
    r"|^-{2,10} ?(?:original|ursprüngliche|message d|mensaje|mensagem|messaggio|oorspronkelijk|oryginalna|исходное|özgün"
    r"|原始|元の|원본)[^\n]{0,40}-{2,10}[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_TAG = re.compile(r"<(?:(?:style|script|title)\b[^<>]*+>[^<]*+|[^<>]*+>)", re.IGNORECASE)
_REFERENCE = re.compile(r"&#?\w{2,8};")
_PICTURE_BEFORE = re.compile(r"\balt\s*+=\s*+[\"']?[^\"'<>]{0,200}\Z", re.IGNORECASE)
_ALNUM = re.compile(r"[^\W_]")


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A code as a person would type it, how sure it is that it is one (up to 1), and the line that shows it.

    What only sets characters apart is left out: `123 456`, `123-456` and a box for each digit give `123456`. So is
    the prefix that a sender puts before digits, one letter or Facebook's two: the forms that ask for `G-123456`
    take its digits. Any other hyphen is typed: `AB12-CD34` stays.
    """

    value: str
    confidence: float
    evidence: str
    source: Source


class _Text(NamedTuple):
    """A text, the same in lower case, place by place, and its words for a code."""

    text: str
    low: str
    labels: list[Label]


def find(subject: str, text: str, html: str | None = None, unread: str = "") -> tuple[Code, ...]:
    """The codes of a message, best first, CODES at most; time and memory are bounded by CHARACTERS.

    Its text may be its HTML rendered; `unread` is what of the HTML is not in the text.
    """
    found = _in_text(subject, text, "text" if html is None or unread else "html")
    if not found and unread and _may_show_more(unread, text):
        found = _in_text(subject, html_text.render(unread[:_HTML_CHARACTERS]), "html")
    return found if html is None else _without_pictures(found, html)


def _in_text(subject: str, text: str, source: Source) -> tuple[Code, ...]:
    head, body = _read(subject), _read(text[:CHARACTERS])
    found = list(_found(body, head, source))
    if not _REPLY.match(head.low):
        found += _found(head, body, "subject")
    guessed = {code.value for code in found if code.confidence <= _GUESS}
    if len(guessed) > 1:  # figures one under the other: those of a report
        found = [code for code in found if code.confidence > _GUESS]
    if not found:
        return ()
    best: dict[str, Code] = {}
    for code in sorted(found, key=lambda code: -code.confidence):
        best.setdefault(code.value, code)
    return tuple(best.values())[:CODES]


def _may_show_more(markup: str, text: str) -> bool:
    """Whether this HTML has words for a code, and a number that the text beside it lacks."""
    seen = _REFERENCE.sub(" ", _TAG.sub(" ", markup[max(0, markup.find("<body")) :][:CHARACTERS]))
    page = _read(seen)
    if not page.labels:
        return False
    return any(
        each.value not in text
        and not code_shapes.is_part(page.text, each.start, each.end)
        and page.text[each.start : each.end] not in text
        for each in itertools.islice(code_shapes.candidates(page.text), code_shapes.CANDIDATES)
    )


def _without_pictures(found: tuple[Code, ...], markup: str) -> tuple[Code, ...]:
    """Those that are more than the words of this HTML for a picture."""
    return tuple(code for code in found if "[" not in code.evidence or not _is_in_picture(code.value, markup))


def _is_in_picture(value: str, markup: str) -> bool:
    at = markup.find(value)
    return at >= 0 and _PICTURE_BEFORE.search(markup, max(0, at - _LINE_CHARACTERS), at) is not None


def _read(text: str) -> _Text:
    text = code_shapes.plain(text)
    low = text.lower()
    return _Text(text, low, code_words.labels(low))


def _without_quoted(text: str, found: list[tuple[Candidate, float]]) -> list[tuple[Candidate, float]]:
    """What is said, without what is answered."""
    answered = _ANSWERED.search(text) if found else None
    return [each for each in found if each[0].end <= answered.start()] if answered else found


def _found(here: _Text, other: _Text, source: Source) -> list[Code]:
    weigh: Callable[[_Text, _Text, Candidate], float] = _weigh_in_subject if source == "subject" else _weigh
    found: list[tuple[Candidate, float]] = []
    for candidate in itertools.islice(code_shapes.candidates(here.text), code_shapes.CANDIDATES):
        found.append((candidate, weigh(here, other, candidate)))
    if here.labels or other.labels:
        for candidate in itertools.islice(code_shapes.capitals(here.text, here.labels), code_shapes.CANDIDATES):
            word = candidate.value
            if word.lower() not in here.text and word.capitalize() not in here.text:
                found.append((candidate, weigh(here, other, candidate) - _LETTERS_ONLY))
    sure = [each for each in found if each[1] >= _ENOUGH]
    return [_code(here, candidate, weight, source) for candidate, weight in _without_quoted(here.text, sure)]


def _code(here: _Text, candidate: Candidate, weight: float, source: Source) -> Code:
    return Code(
        value=candidate.value,
        confidence=round(weight * _likelihood(candidate.value), 2),
        evidence=_evidence(here, candidate),
        source=source,
    )


def _likelihood(value: str) -> float:
    """How common codes of this shape are."""
    if value.isdecimal():
        return 1.0 if len(value) == _USUAL else 0.98 if len(value) <= _LONG else 0.9
    return 0.96


def _weigh(here: _Text, head: _Text, candidate: Candidate) -> float:
    """How sure it is that this is a code, 0 to 1."""
    low, start, end = here.low, candidate.start, candidate.end
    line_start = max(low.rfind("\n", max(0, start - _LINE_CHARACTERS), start) + 1, start - _LINE_CHARACTERS, 0)
    line_end = low.find("\n", end, end + _LINE_CHARACTERS)
    line_end = line_end if line_end >= 0 else min(len(low), end + _LINE_CHARACTERS)
    before, after = low[line_start:start], low[end:line_end]
    tied = _tie_to_label_before(here, _nearest_before(here.labels, start), candidate)
    if tied < 0:
        return 0
    if tied < _SURE:
        tied = max(tied, _tie_to_label_after(here, candidate))
        if _stands_alone(before, after):
            tied = max(tied, _tie_of_lines(here, head, candidate, line_start, line_end))
        elif not candidate.is_unlikely and code_context.is_entered(before[-60:], after[:80]):
            tied = max(tied, _ENTERED)
    if tied < _ENOUGH or (tied < _SURE and _is_year(candidate.value)) or before.lstrip().startswith(">"):
        return 0
    if code_shapes.is_part(here.text, start, end):
        return 0
    if code_context.is_named_after(after[:80]) or code_context.is_number_of_something(before[-60:]):
        return 0
    return tied


def _nearest_before(labels: Sequence[Label], start: int) -> Label | None:
    at = bisect.bisect_right(labels, start, key=operator.attrgetter("end"))
    return labels[at - 1] if at else None


def _tie_to_label_before(here: _Text, label: Label | None, candidate: Candidate) -> float:
    """Negative where the words say that it is another number."""
    if label is None:
        return 0
    if candidate.start - label.end > code_context.FAR:
        return 0
    tied = code_context.tie_before(here.low[label.end : candidate.start])
    if label.kind == "other":
        return -1 if tied >= _SURE else 0
    if candidate.is_unlikely and tied < _SURE:
        return 0
    if label.kind == "password" and tied < _SURE:
        return 0
    if tied < _SURE and _is_name_before(here.text, candidate):
        return 0
    return _unless_of_a_sale(here, label, candidate, tied)


def _tie_to_label_after(here: _Text, candidate: Candidate) -> float:
    at = bisect.bisect_left(here.labels, candidate.end, key=operator.attrgetter("start"))
    if at == len(here.labels):
        return 0
    label = here.labels[at]
    if label.start - candidate.end > code_context.FAR:
        return 0
    tied = code_context.tie_after(here.low[candidate.end : label.start])
    if label.kind == "other" or (tied < _SURE and (candidate.is_unlikely or label.kind == "password")):
        return 0
    return _unless_of_a_sale(here, label, candidate, tied)


def _unless_of_a_sale(here: _Text, label: Label, candidate: Candidate, tied: float) -> float:
    if label.kind != "strong" and tied:
        near = here.low[max(0, min(candidate.start, label.start) - 120) : max(candidate.end, label.end) + 100]
        if code_words.SALE.search(near):
            return 0
    return tied * _WEIGHT[label.kind]


def _tie_of_lines(here: _Text, head: _Text, candidate: Candidate, line_start: int, line_end: int) -> float:
    """How well the lines around speak for what stands alone on its own."""
    lines = list(_lines_before(here.low, line_start))
    above = here.low[slice(*lines[0])].strip() if lines else ""
    if code_context.is_label_of_number(above) and not _last_in(here.labels, *lines[0]):
        return 0
    for distance, (start, end) in enumerate(lines):
        label = _last_in(here.labels, start, end)
        if label:
            if label.kind == "other":
                return 0
            if candidate.is_unlikely and distance > 1:
                return 0
            tied = (0.96, 0.92, 0.8, 0.75)[distance]
            if distance and label.kind == "password":
                return 0
            return _unless_of_a_sale(here, label, candidate, tied)
    following = here.low[line_end : line_end + 200]
    label = _last_in(here.labels, line_end, line_end + len(following))
    if label and label.kind in ("strong", "weak"):
        return _unless_of_a_sale(here, label, candidate, 0.9)
    if candidate.is_unlikely:
        return 0
    if any(each.kind in ("strong", "weak") for each in head.labels):
        return 0.8
    around = here.low[lines[-1][0] if lines else line_start : line_end + 200]
    if code_context.speaks_of_purpose(around) or (head.labels and head.labels[0].kind != "other"):
        return _GUESS
    return 0.6 if code_context.speaks_of_purpose(head.low) else 0


def _lines_before(low: str, at: int) -> Iterator[tuple[int, int]]:
    """Where the lines above start and end that have something on them, the nearest first."""
    for _ in range(2 * _LINES):
        end = at - 1
        if end <= 0:
            return
        at = max(low.rfind("\n", max(0, end - _LINE_CHARACTERS), end) + 1, end - _LINE_CHARACTERS, 0)
        if low[at:end].strip():
            yield at, end


def _last_in(labels: Sequence[Label], start: int, end: int) -> Label | None:
    label = _nearest_before(labels, end)
    return label if label and label.start >= start else None


def _weigh_in_subject(head: _Text, body: _Text, candidate: Candidate) -> float:
    weight = _weigh(head, body, candidate)
    if weight or candidate.is_unlikely or not candidate.value.isdecimal() or _is_year(candidate.value):
        return weight
    before, after = head.low[: candidate.start], head.low[candidate.end :]
    if code_shapes.is_part(head.text, candidate.start, candidate.end):
        return 0
    if code_context.is_number_of_something(before) or code_context.is_named_after(after):
        return 0
    if any(label.kind == "strong" for label in body.labels) and _stands_apart(before, after):
        return 0.6
    return 0


def _stands_apart(before: str, after: str) -> bool:
    """Whether it is set off from the other words of a subject."""
    return (
        not after.strip(" .!)]") or not before.strip(" ([") or before.rstrip(" ([").endswith((":", "-", "–", "—", "|"))
    )


def _stands_alone(before: str, after: str) -> bool:
    return not _ALNUM.search(before) and not _ALNUM.search(after)


def _is_year(value: str) -> bool:
    return len(value) == _YEAR and value.isdecimal() and int(value) in _YEARS


def _is_name_before(text: str, candidate: Candidate) -> bool:
    """Whether a short number follows a name, as in an address."""
    if len(candidate.value) >= _USUAL:
        return False
    words = text[max(0, candidate.start - 40) : candidate.start].split()
    return bool(words) and words[-1][0].isupper()


def _evidence(here: _Text, candidate: Candidate) -> str:
    """The line of it; where it stands alone, behind the line above."""
    start = max(here.text.rfind("\n", 0, candidate.start) + 1, candidate.start - EVIDENCE_CHARACTERS // 2)
    end = here.text.find("\n", candidate.end)
    end = min(end if end >= 0 else len(here.text), start + EVIDENCE_CHARACTERS)
    line = " ".join(here.text[start : max(end, candidate.end)].split())
    if len(line) <= candidate.end - candidate.start + 2:
        for above_start, above_end in _lines_before(here.low, start):
            line = f"{' '.join(here.text[above_start:above_end].split())[-_ABOVE_CHARACTERS:]} {line}"
            break
    return line[:EVIDENCE_CHARACTERS]
