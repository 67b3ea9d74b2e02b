"""The codes of a message, as a person would type them, each with the words that make it a code."""

import itertools
import re
from collections.abc import Callable

from fake_email.findings import code_candidates, code_score
from fake_email.findings.code_candidates import Candidate
from fake_email.findings.code_score import Text
from fake_email.html import text as html_text
from fake_email.html import tokens
from fake_email.parsed_message import Code, CodeSource

CODES = 10  # of one message
CHARACTERS = 64 * 1024  # of a text read; further down are terms of use
EVIDENCE_CHARACTERS = 160

_HTML_CHARACTERS = 256 * 1024  # read of HTML that is not in the text

_LINE_CHARACTERS = 300  # of a line read, on each side of a number
_USUAL, _LONG = 6, 8  # digits
_WROTE_CHARACTERS = 60
_ABOVE_CHARACTERS = 120  # of evidence, from the line above

_REPLY = re.compile(r"\s*(?:re|aw|sv|antw|odp|ynt|回复|答复|返信|회신|res|rif)\s*[:：]")
# "On Monday, Ann wrote:", and the lines that some programs put above a quoted message.
_WROTE = (
    *("wrote", "schrieb", "a écrit", "escribió", "escreveu", "ha scritto", "schreef", "napisał", "написал", "пишет"),
    *("yazdı", "写道", "寫道", "のメール", "님이 작성"),
)
_ORIGINAL = re.compile(
    r"^-{2,10} ?(?:original|ursprüngliche|message d|mensaje|mensagem|messaggio|oorspronkelijk|oryginalna|исходное|özgün"
    r"|原始|元の|원본)",
    re.MULTILINE,
)
_TIME = re.compile(r"(?:[01][0-9]|2[0-3])[0-5][0-9]")  # of a day, as timetables have it
_REFERENCE = re.compile(r"&#?\w{2,8};")
_PICTURE_BEFORE = re.compile(r"\balt\s*+=\s*+[\"']?[^\"'<>]{0,200}\Z", re.IGNORECASE)


def find(subject: str, text: str, html: str | None = None, unread: str = "") -> tuple[Code, ...]:
    """The codes of a message, best first, CODES at most; time and memory are bounded by CHARACTERS.

    The text may be the rendered HTML; `unread` is the HTML that is not in the text.
    """
    codes = _in_text(subject, text, "text" if html is None or unread else "html")
    if not codes and unread and _may_have_code(unread, text):
        codes = _in_text(subject, html_text.render(unread[:_HTML_CHARACTERS]), "html")
    return codes if html is None else _without_pictures(codes, html)


def _in_text(subject: str, text: str, source: CodeSource) -> tuple[Code, ...]:
    head, body = code_score.read(subject), code_score.read(text[:CHARACTERS])
    codes = _in_part(body, head, source)
    if not _REPLY.match(head.low):
        codes += _in_part(head, body, "subject")
    guessed = {code.value for code in codes if code.confidence <= code_score.GUESS}
    if len(guessed) > 1 or any(map(_TIME.fullmatch, guessed)):  # figures below each other are a report's
        codes = [code for code in codes if code.confidence > code_score.GUESS]
    if not codes:
        return ()
    best: dict[str, Code] = {}
    for code in sorted(codes, key=lambda code: -code.confidence):
        best.setdefault(code.value, code)
    return tuple(best.values())[:CODES]


def _may_have_code(markup: str, text: str) -> bool:
    """True for HTML with words for a code and with a candidate that is not in the text."""
    fragment = markup[max(0, markup.find("<body")) :][:CHARACTERS]
    words = code_score.read(_REFERENCE.sub(" ", tokens.without_tags(fragment)))
    if not words.labels:
        return False
    return any(
        candidate.value not in text
        and not code_candidates.is_part(words.text, candidate.start, candidate.end)
        and words.text[candidate.start : candidate.end] not in text
        for candidate in itertools.islice(code_candidates.candidates(words.text), code_candidates.CANDIDATES)
    )


def _without_pictures(codes: tuple[Code, ...], markup: str) -> tuple[Code, ...]:
    """The codes without those that stand only in the alternative text of a picture."""
    return tuple(code for code in codes if "[" not in code.evidence or not _is_in_picture(code.value, markup))


def _is_in_picture(value: str, markup: str) -> bool:
    at = markup.find(value)
    return at >= 0 and _PICTURE_BEFORE.search(markup, max(0, at - _LINE_CHARACTERS), at) is not None


def _without_quoted(low: str, weighed: list[tuple[Candidate, float]]) -> list[tuple[Candidate, float]]:
    """The candidates before the quoted message of a reply."""
    if not weighed:
        return weighed
    original = _ORIGINAL.search(low) if "--" in low else None
    end = min([original.start() if original else len(low), *(_wrote(low, verb) for verb in _WROTE)])
    return [each for each in weighed if each[0].end <= end]


def _wrote(low: str, verb: str) -> int:
    """The end of the first line that ends with this verb and a colon; without one, the end of the text."""
    at = low.find(verb)
    for _ in range(CODES):
        if at < 0:
            break
        line_end = low.find("\n", at)
        rest = low[at:line_end] if line_end >= 0 else ""
        if rest.rstrip().endswith((":", "：")) and len(rest) <= _WROTE_CHARACTERS:
            return line_end
        at = low.find(verb, at + 1)
    return len(low)


def _in_part(here: Text, other: Text, source: CodeSource) -> list[Code]:
    weigh: Callable[[Text, Text, Candidate], float] = (
        code_score.weigh_in_subject if source == "subject" else code_score.weigh
    )
    weighed: list[tuple[Candidate, float]] = []
    speaks_of_codes: bool | None = None
    for candidate in itertools.islice(code_candidates.candidates(here.text), code_candidates.CANDIDATES):
        if not code_score.has_label_near(here, candidate):
            if speaks_of_codes is None:
                speaks_of_codes = code_score.speaks_of_codes(here, other)
            if not speaks_of_codes and not here.labels:
                break
            if not speaks_of_codes:
                continue
        weighed.append((candidate, weigh(here, other, candidate)))
    if here.labels or other.labels:
        for candidate in itertools.islice(code_candidates.capitals(here.text, here.labels), code_candidates.CANDIDATES):
            word = candidate.value
            if word.lower() not in here.text and word.capitalize() not in here.text:
                weighed.append((candidate, weigh(here, other, candidate)))
    sure = [each for each in weighed if each[1] >= code_score.ENOUGH]
    return [_code(here, candidate, weight, source) for candidate, weight in _without_quoted(here.low, sure)]


def _code(here: Text, candidate: Candidate, weight: float, source: CodeSource) -> Code:
    return Code(
        value=candidate.value,
        confidence=round(weight * _likelihood(candidate.value), 2),
        evidence=_evidence(here, candidate),
        source=source,
    )


def _likelihood(value: str) -> float:
    """The likelihood of a code in this form, from how common the form is."""
    if value.isdecimal():
        return 1.0 if len(value) == _USUAL else 0.98 if len(value) <= _LONG else 0.9
    return 0.96


def _evidence(here: Text, candidate: Candidate) -> str:
    """The line of the candidate; a candidate alone on its line has the line above in front."""
    start = max(here.text.rfind("\n", 0, candidate.start) + 1, candidate.start - EVIDENCE_CHARACTERS // 2)
    end = here.text.find("\n", candidate.end)
    end = min(end if end >= 0 else len(here.text), start + EVIDENCE_CHARACTERS)
    line = " ".join(here.text[start : max(end, candidate.end)].split())
    if len(line) <= candidate.end - candidate.start + 2:
        for above in itertools.islice(code_score.lines_before(here.low, start), 1):
            line = f"{' '.join(here.text[above.start : above.stop].split())[-_ABOVE_CHARACTERS:]} {line}"
    return line[:EVIDENCE_CHARACTERS]
