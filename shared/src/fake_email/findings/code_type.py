"""The features of a candidate that its HTML gives: how large, wide or bold the sender has set it. Pure."""

import functools
import re
from collections.abc import Sequence

_CHARACTERS = 128 * 1024  # of HTML that are searched for a candidate
_TAGS, _TAG_CHARACTERS = 6, 400  # read in front of a candidate
_LARGE = re.compile(
    r"<h[1-3]\b|<big\b|size=.?[5-7]\b|(?:font-size|font) ?:[^;\"'<>]{0,40}?"
    r"(?:\b(?:[2-9][0-9]|1[0-9]{2})(?:\.\d+)?px|\b(?:1[5-9]|[2-9][0-9])pt|\b(?:1\.[4-9]\d*|[2-9](?:\.\d+)?)r?em"
    r"|\b(?:1[4-9]|[2-9][0-9])[0-9]%|x-large|xx-large)",
    re.IGNORECASE,
)
_WIDE = re.compile(r"letter-spacing ?: ?0*\.?[1-9]", re.IGNORECASE)
_BOLD = re.compile(r"<(?:b|strong)\b|font(?:-weight)? ?: ?(?:bold|[6-9]00)", re.IGNORECASE)
_EVEN = re.compile(r"<(?:code|pre|kbd|tt|samp)\b|monospace|courier|consolas|menlo", re.IGNORECASE)
_TYPES = (("large type", _LARGE), ("wide type", _WIDE), ("bold type", _BOLD), ("type of even width", _EVEN))


def of(markup: str, written: str) -> Sequence[str]:
    """The features that the tags right before `written` give it, such as large or bold type."""
    at = markup.find(written, 0, _CHARACTERS)
    tags = _tags_before(markup, at) if at > 0 else ""
    return _of_tags(tags) if tags else ()


@functools.lru_cache(maxsize=256)  # the templates of a sender have the same tags
def _of_tags(tags: str) -> tuple[str, ...]:
    return tuple(name for name, pattern in _TYPES if pattern.search(tags))


def _tags_before(markup: str, at: int) -> str:
    """The tags that nothing but blanks parts from this position."""
    end = at
    for _ in range(_TAGS):
        while markup[at - 1 : at].isspace():
            at -= 1
        start = markup.rfind("<", max(0, at - _TAG_CHARACTERS), at) if markup[at - 1 : at] == ">" else -1
        if start < 0:
            break
        at = start
    return markup[at:end]
