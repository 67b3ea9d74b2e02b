"""The findings as text for a person, or a line of JSON for each. Pure."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from fake_email.doctor.examination import Result
from fake_email.doctor.finding import Finding, Severity

_WORDS: dict[Severity, str] = {"ok": "ok", "note": "note", "warning": "warning", "error": "ERROR"}
_COLOURS: dict[Severity, str] = {"ok": "32", "note": "36", "warning": "33", "error": "1;31"}
_TITLES = {
    "settings": "Settings",
    "database": "Database and schema",
    "host": "Host",
    "http": "http-api",
    "smtp": "smtp-ingest",
    "web": "The API from the web",
    "dns": "DNS",
    "lists": "The list of disposable domains",
    "mail": "A message sent through",
}
_INDENT = 11
_LONGEST_WHAT = 300
_COUNTED: tuple[tuple[Severity, str, str], ...] = (
    ("error", "error", "errors"),
    ("warning", "warning", "warnings"),
    ("note", "note", "notes"),
    ("ok", "check passed", "checks passed"),
)


class _Line(Finding, frozen=True, kw_only=True):
    """A finding with its group."""

    group: str


def json_lines(results: Iterable[Result]) -> str:
    """A line of JSON for each finding."""
    lines = (
        _Line(group=result.group, **msgspec.structs.asdict(finding))
        for result in results
        for finding in result.findings
    )
    return "".join(msgspec.json.encode(line).decode() + "\n" for line in lines)


def text(results: Sequence[Result], *, width: int | None, has_colours: bool) -> str:
    """The findings below the titles of their groups; lines are wrapped at `width`, except those to copy."""
    lines: list[str] = []
    for result in results:
        title = _TITLES.get(result.group, result.group)
        lines.append(f"\x1b[1m{title}\x1b[0m" if has_colours else title)
        for finding in result.findings:
            lines += _lines(finding, width, has_colours=has_colours)
        lines.append("")
    return "\n".join([*lines, _counts(results)]) + "\n"


def _lines(finding: Finding, width: int | None, *, has_colours: bool) -> list[str]:
    word = f"{_WORDS[finding.severity]:<{_INDENT - 4}}"
    marked = f"\x1b[{_COLOURS[finding.severity]}m{word}\x1b[0m" if has_colours else word
    first, *rest = [
        *_wrapped(f"{finding.about}: {_shortened(finding.what)}", width),
        *_wrapped(finding.why, width),
        *_mend(finding.mend, width),
        *(f"| {_printable(line)}" for line in finding.details),
    ]
    return [f"  {marked}  {first}", *(f"{' ' * _INDENT}{line}" for line in rest)]


def _mend(text: str, width: int | None) -> list[str]:
    """The sentence wrapped, and each command on a line of its own, to be copied."""
    if width is None:
        return [f"→ {_printable(text)}"] if text else []
    lines: list[str] = []
    for number, part in enumerate(text.split("`")):
        is_command = number % 2
        words = part.strip(" ,;")
        lines += [_printable(part)] if is_command else _wrapped(words, width - 2) if words else []
    return [f"{'  ' if number else '→ '}{line}" for number, line in enumerate(lines)]


def _wrapped(text: str, width: int | None) -> list[str]:
    printable = _printable(text)
    if width is None:
        return [printable] if printable else []
    return textwrap.wrap(printable, max(width - _INDENT, 20), break_long_words=False, break_on_hyphens=False)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_WHAT else f"{text[: _LONGEST_WHAT - 1]}…"


def _printable(text: str) -> str:
    """Records and banners are the text of strangers, which must not move the cursor or colour the terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _counts(results: Iterable[Result]) -> str:
    counts = Counter(finding.severity for result in results for finding in result.findings)
    parts = [f"{counts[severity]} {one if counts[severity] == 1 else many}" for severity, one, many in _COUNTED]
    return ", ".join(part for part in parts if not part.startswith("0 ")) or "no problem found"
