"""URLs of the web in plain text, set off as RFC 3986 (Appendix C) and mail programs do it, in linear time. Pure."""

import re
from collections.abc import Collection, Iterator

from fake_email.html import urls

# No URL has these, though it may have letters of any script (RFC 3987): blanks, what ends it, quotes, punctuation.
_NEVER = (
    '\\x00-\\x20"<>\\\\\\x7f-\\xa1\\xab\\xad\\xbb\\xbf\\u037e\\u0387\\u0589\\u060c\\u061b\\u061f\\u06d4\\u0964\\u0965'
    "\\u104a\\u104b\\u1361-\\u1368\\u1680\\u17d4\\u17d5\\u2000-\\u206f\\u2e00-\\u2e7f\\u3000-\\u3004\\u3008-\\u3020\\u3030"
    "\\ud800-\\udfff\\ufe10-\\ufe1f\\ufe30-\\ufe6f\\ufeff\\uff01-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40\\uff5b-\\uff65"
    "\\ufff0-\\uffff"
)
# Text in these scripts has no blanks between words, or none before an ending: such a letter belongs to the URL behind
# a delimiter or another such letter, but not behind a letter of ASCII, where the sentence goes on.
_GLUED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3021-\u302f\u3031-\ud7ff\uf900-\ufaff"
    "\uff66-\uffdc\U00020000-\U0003ffff"
)
_RUN = f"{{1,{urls.CHARACTERS}}}+"
_BODY = rf"(?>(?:[^{_NEVER}{_GLUED}]{_RUN}|(?<![a-zA-Z0-9%])[{_GLUED}]{_RUN}){{1,64}})"
_URL = re.compile(rf"[hH][tT][tT][pP][sS]?://{_BODY}")
_REST = re.compile(_BODY)
_LINES = 8  # of one URL in `<…>`
_SCHEME = re.compile(r"https?\Z", re.IGNORECASE)
_SCHEME_CHARACTERS = len("https")
_SET_OFF = re.compile(r"<(?:URL:[ \t]*+)?+\Z", re.IGNORECASE)
_SET_OFF_CHARACTERS = len("<URL: ")
# The end of a line inside of `<…>`, with the mark of a quoted line.
_LINE_END = re.compile(r"[ \t]*+\r?\n[ \t]*+(?:>[ \t]*+)?+(?=[^\s>])")
_IN_BRACKETS = re.compile(r"<([hH][tT][tT][pP][sS]?://[^<>]*)>")
_HOST = re.compile(r"[^:]+://[^\s/?#\\]")

_MOST_TRAILING = 32
_TRAILING = ".,;:!?'`|^"
# One of these before a URL ends it: the first, or where it is the last of the URL.
_QUOTES, _EMPHASIS = "'`|", "*_~"
_BRACKET = re.compile(r"[()\[\]{}]")
_OPENING = {")": "(", "]": "[", "}": "{"}


def find(text: str, known: Collection[str] = ()) -> Iterator[tuple[str, int]]:
    """Each URL and its start, without the known URLs that stand in `<…>`."""
    if known and _are_all_known(text, known):
        return
    position = text.find("://")
    left = 2 * len(text) + urls.CHARACTERS  # of characters read; more only where each URL is in the middle of another
    while position >= 0 and left > 0:
        if known and (open_ := text.rfind("<", max(0, position - _SCHEME_CHARACTERS - 1), position)) >= 0:
            close = text.find(">", position, position + urls.CHARACTERS)
            if text[open_ + 1 : close] in known:
                position = text.find("://", close)
                continue
        scheme = _SCHEME.search(text, max(0, position - _SCHEME_CHARACTERS), position)
        end = position + len("://")
        if scheme:
            start = scheme.start()
            url, read, end = _set_off(text, start) or _bare(text, start, end)
            left -= read - start
            if _HOST.match(url):
                yield url, start
        position = text.find("://", end)


def _are_all_known(text: str, known: Collection[str]) -> bool:
    """True for text whose URLs are all known and in `<…>`, as in most HTML that was rendered."""
    found = _IN_BRACKETS.findall(text)
    return all(map(known.__contains__, found)) and text.count("://") == "\n".join(found).count("://")


def _set_off(text: str, start: int) -> tuple[str, int, int] | None:
    """The URL that stands in `<…>`, its lines joined, and twice its end; None for another."""
    before = text[max(0, start - _SET_OFF_CHARACTERS) : start]
    if "<" not in before or not _SET_OFF.search(before):
        return None
    match = _URL.match(text, start)
    url = ""
    for _ in range(_LINES):
        if match is None:
            break
        url += match[0]
        end = match.end()
        if text[end : end + 1] == ">":
            return (url, end, end) if len(url) <= urls.CHARACTERS else None
        line_end = _LINE_END.match(text, end)
        match = _REST.match(text, line_end.end()) if line_end else None
    return None


def _bare(text: str, start: int, least: int) -> tuple[str, int, int]:
    """The URL that starts here without the punctuation of its sentence, the end of its match, and where to go on."""
    match = _URL.match(text, start)
    if match is None:
        return "", least, least
    if match.end() - start > urls.CHARACTERS:
        return "", match.end(), match.end()
    url = match[0]
    before = text[start - 1 : start]
    if before and before in _QUOTES:
        url = url.partition(before)[0]
    if ")" in url or "]" in url or "}" in url:
        url = _within_brackets(url)
    url = _without_trailing(url)
    if before and before in _EMPHASIS:
        url = url.rstrip(before)
    return url, match.end(), max(least, start + len(url))


def _within_brackets(url: str) -> str:
    """The URL up to a closing bracket that none opens."""
    opened: list[str] = []
    for bracket in _BRACKET.finditer(url):
        opening = _OPENING.get(bracket[0])
        if opening is None:
            opened.append(bracket[0])
        elif not opened or opened.pop() != opening:
            return url[: bracket.start()]
    return url


def _without_trailing(url: str) -> str:
    for _ in range(_MOST_TRAILING):
        if not url or (url[-1] not in _TRAILING and url[-1] not in "([{"):
            break
        url = url[:-1]
    return url
