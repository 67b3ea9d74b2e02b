"""The lines of rendered HTML: blanks collapsed, cells apart, padding left out. Pure."""

import io
import re

from fake_email.html import steps

KEPT_SPACE = "\u00a0"  # a space that is not collapsed; the rendered text has a plain space for it
CELL = "\t"  # between cells; no text has a tab: tabs are collapsed, or replaced by spaces

# Behind the mark of an item, which stays before the text of its first block. HTML cannot have this character.
MARK_END = "\x1f "
_MARK_END = re.compile(r"\x1f[ \t\n]*+(?![*]\x1f|[0-9]{1,10}+\.\x1f)")

_SPACE = re.compile(r"[ \t\r\n\f]+")
# Senders fill up the line that a list of mail shows with characters that have no width.
_WITHOUT_WIDTH = "\u00ad\u034f\u200b\u200c\u200d\u2060\ufeff"
_PADDING = re.compile(f"(?>(?:[{_WITHOUT_WIDTH}][ \u00a0]*+){{3,}})")


def join(pieces: list[str]) -> str:
    """The text of these pieces."""
    lines: list[str] = []
    text = "".join(pieces)
    if "\x1f" in text:
        text = steps.change(text, _with_marks)
    is_ascii = text.isascii()
    if not is_ascii and any(map(text.__contains__, _WITHOUT_WIDTH)):  # in a tenth of the time of the pattern
        text = steps.change(text, _without_padding)
    for raw in io.StringIO(text):
        if raw == "\n":
            line = ""
        elif "  " in raw:
            line = "  ".join(filter(None, map(_collapsed, raw.split(CELL))))
        elif "\t" in raw:
            line = "  ".join([cell for each in raw.split(CELL) if (cell := each.strip(" \n"))])
        else:
            line = raw.strip(" \n")
        if not is_ascii and KEPT_SPACE in line:
            line = steps.change(line, _with_plain_spaces)
        line = line.rstrip()
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).rstrip("\n")


def without_runs(text: str) -> str:
    """The text with one space for each run of white space."""
    return _SPACE.sub(" ", text)


def _with_marks(text: str) -> str:
    return _MARK_END.sub(" ", text).replace("\x1f", "")


def _without_padding(text: str) -> str:
    return _PADDING.sub("", text)


def _collapsed(cell: str) -> str:
    cell = cell.strip(" \n")
    return steps.change(cell, without_runs) if "  " in cell else cell


def _with_plain_spaces(line: str) -> str:
    return line.replace(KEPT_SPACE, " ")
