"""The text of `text/enriched` (RFC 1896) and `text/richtext` (RFC 1341), the formats before HTML. Pure."""

import re

TYPES = frozenset({"text/enriched", "text/richtext"})

_TOKEN = re.compile(r"<<|<(/?)([a-zA-Z0-9-]{1,60})>|\n+")
_MARKS = {"nl": "\n", "np": "\n", "lt": "<"}
_PARAGRAPH = "paragraph"


def text(source: str) -> str:
    """The text without its formatting: a line break is a blank, and of several the first is none."""
    pieces: list[str] = []
    at = unseen = unfilled = 0
    for token in _TOKEN.finditer(source):
        if not unseen:
            pieces.append(source[at : token.start()])
        at = token.end()
        name = (token[2] or "").lower()
        step = -1 if token[1] else 1
        if name in {"param", "comment"}:
            unseen = max(0, unseen + step)
        elif name == "nofill":
            unfilled = max(0, unfilled + step)
        elif not unseen:
            pieces.append(_written(token[0], name, is_end=step < 0, is_filled=not unfilled))
    if not unseen:
        pieces.append(source[at:])
    return "".join(pieces)


def _written(markup: str, name: str, *, is_end: bool, is_filled: bool) -> str:
    if markup == "<<":
        return "<"
    if name:
        return "\n\n" if name == _PARAGRAPH and is_end else "" if is_end else _MARKS.get(name, "")
    return (markup[1:] or " ") if is_filled else markup
