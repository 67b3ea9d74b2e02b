"""The start of a message as lists show it: one line, without quoted text and without what only fills space. Pure."""

import re

PREVIEW_CHARACTERS = 200

# Newsletters put invisible characters after their preheader, so that nothing else is shown behind it.
_PADDING = re.compile("[\u00ad\u034f\u061c\u115f\u17b4\u180e\u200b-\u200f\u2060-\u2064\u2800\u3164\ufeff]+")
# Lists show the words of a link; its URL stands behind it in the text of an HTML message.
_URL = re.compile(r"<?\b(?:https?://|mailto:)[^\s<>]{1,2000}>?")
_QUOTED = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
# The line above a quotation, as most programs write it: it ends with a colon and names an address or a time.
_ATTRIBUTION = re.compile(r"^.{0,200}(?:@|[0-9]{1,2}:[0-9]{2}).{0,200}:[ \t]*\n(?=(?:[ \t]*\n)*[ \t]*>)", re.MULTILINE)
_RULE = re.compile(r"[-_=*~#]{4,}")
_BLANKS = re.compile(r"\s+")


def preview(text: str) -> str:
    """Up to PREVIEW_CHARACTERS of `text`, the start of a message's text; a cut preview ends with an ellipsis."""
    text = _QUOTED.sub("", _ATTRIBUTION.sub("", text))
    text = _RULE.sub(" ", _URL.sub(" ", _PADDING.sub("", text)))
    line = _BLANKS.sub(" ", text).strip()
    if len(line) <= PREVIEW_CHARACTERS:
        return line
    cut = line[: PREVIEW_CHARACTERS - 1]
    word_end = cut.rfind(" ", PREVIEW_CHARACTERS - 30)
    return (cut[:word_end] if word_end > 0 else cut).rstrip() + "\u2026"
