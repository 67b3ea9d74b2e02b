"""Text in `format=flowed` (RFC 3676): paragraphs that senders broke into lines are joined again. Pure."""

import re

_QUOTES = re.compile(r">*+")
_SIGNATURE = "-- "


def join(text: str, *, is_delsp: bool) -> str:
    """The text with its paragraphs on one line each; `is_delsp` drops the space before each break (§4.1).

    Quoted paragraphs have `> ` in front, once for each level.
    """
    if " \n" not in text and "\n " not in text and not text.startswith((" ", ">")) and "\n>" not in text:
        return text
    paragraphs: list[str] = []
    pieces: list[str] = []
    depth = 0
    for raw in text.split("\n"):
        quotes = _QUOTES.match(raw)
        level = quotes.end() if quotes else 0
        line = raw[level:].removeprefix(" ")  # §4.4: a line that begins with a space is stuffed with one more
        if pieces and (level != depth or line == _SIGNATURE):
            paragraphs.append(_paragraph(pieces, depth))
            pieces = []
        depth = level
        if line.endswith(" ") and line != _SIGNATURE:
            pieces.append(line[:-1] if is_delsp else line)
        else:
            paragraphs.append(_paragraph([*pieces, line], depth))
            pieces = []
    if pieces:
        paragraphs.append(_paragraph(pieces, depth))
    return "\n".join(paragraphs)


def _paragraph(pieces: list[str], depth: int) -> str:
    line = "".join(pieces)
    return f"{'>' * depth} {line}" if depth else line
