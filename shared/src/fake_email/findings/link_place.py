"""The words around a link of HTML or of text, and whether it looks like a button. Pure."""

import re
from typing import NamedTuple

from fake_email.html import references, tokens

_CHARACTERS = 160  # of each zone
_MARKUP_CHARACTERS = 900  # read before a link of HTML
_AFTER_MARKUP_CHARACTERS = 400
_TEXT_CHARACTERS = 400  # read before a link of text
_LABEL_CHARACTERS, _LABEL_WORDS = 60, 6  # of the name of a link of text, at most
_LINK_CHARACTERS = 8_192  # of a link, with its end tag
_TAG_CHARACTERS = 600  # of the tag of a link
_CELL_CHARACTERS = 200  # before a link, with the tag of the cell that it is alone in

_BLOCK = re.compile(
    r"</?(?:p|div|t[drh]|table|tbody|h[1-6]|li|[uo]l|br|hr|center|section|blockquote|d[dt]|body)\b[^<>]*>|<!--|-->",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?](?=\s)|[。！？।]")
_END_TAG = re.compile(r"</a\b[^<>]*>", re.IGNORECASE)
_BUTTON = re.compile(r"background|padding|btn|button|cta", re.IGNORECASE)
_BUTTON_CELL = re.compile(r"(?:background|bgcolor|button|btn|border-radius)[^<]*>\s*\Z", re.IGNORECASE)


class Place(NamedTuple):
    """The words around a link, in lower case: before it in its sentence, further before, and behind it."""

    beside: str
    above: str
    after: str
    button: str  # "button", "cell" of a button, or nothing


def of_html(markup: str, start: int) -> Place:
    """The place of the link whose tag starts here."""
    before = markup[max(0, start - _MARKUP_CHARACTERS) : start]
    block = 0
    for tag in _BLOCK.finditer(before):
        block = tag.end()
    end = _END_TAG.search(markup, start, start + _LINK_CHARACTERS)
    following = markup[end.end() : end.end() + _AFTER_MARKUP_CHARACTERS] if end else ""
    next_block = _BLOCK.search(following)
    if next_block:
        following = following[: next_block.start()]
    elif len(following) == _AFTER_MARKUP_CHARACTERS:
        following = following.rpartition("<")[0] or following  # the last tag may be cut
    tag_end = markup.find(">", start, start + _TAG_CHARACTERS)
    if _BUTTON.search(markup, start, tag_end if tag_end >= 0 else start):
        button = "button"
    else:
        button = "cell" if _BUTTON_CELL.search(before[-_CELL_CHARACTERS:]) else ""
    return _place(_words(before[block:]), _words(before[:block]), _words(following), button)


def label(text: str, start: int) -> str:
    """The few words with a colon that name the URL that starts here, "Log in: https://…"; nothing without them."""
    first = max(0, start - _LABEL_CHARACTERS)
    line = text[max(text.rfind("\n", first, start) + 1, first) : start].rstrip("< ")
    words = line.strip("-*•> \t")
    return words[:-1] if words.endswith((":", "：")) and words.count(" ") < _LABEL_WORDS else ""


def of_text(text: str, start: int, end: int) -> Place:
    """The place of the URL from `start` to `end` in text."""
    above, _, beside = text[max(0, start - _TEXT_CHARACTERS) : start].rpartition("\n")
    after = text[end : end + _CHARACTERS].partition("\n")[0]
    return _place(beside.lower(), " ".join(above.split()).lower(), after.lower(), "")


def _place(beside: str, above: str, after: str, button: str) -> Place:
    cut = max((stop.end() for stop in _SENTENCE_END.finditer(beside, 0, len(beside.rstrip()))), default=0)
    end = _SENTENCE_END.search(after)
    after = after[: end.start()] if end else after
    return Place(beside[cut:][-_CHARACTERS:], f"{above} {beside[:cut]}"[-_CHARACTERS:], after[:_CHARACTERS], button)


def _words(markup: str) -> str:
    text = references.in_text(tokens.without_tags(markup) if "<" in markup else markup)
    return " ".join(text.split()).lower()
