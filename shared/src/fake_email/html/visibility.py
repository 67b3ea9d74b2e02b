"""Which elements of HTML does no reader see? Those that their own style, or the attribute `hidden`, hides."""

import re

CHARACTERS = 2048  # of a tag looked at
NEVER_CLOSED = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)

_MAY_HIDE = ("none", "hidden", "opacity", "font-size:0", "font-size: 0", "max-height:0", "max-height: 0", "mso-hide")
_HIDES = re.compile(
    r"(?:^|;)\s*+(?:display\s*+:\s*+none|visibility\s*+:\s*+hidden|mso-hide\s*+:\s*+(all)"
    r"|(?:opacity|max-height)\s*+:\s*+0(?:\.0*+)?(?![\d.])|font-size\s*+:\s*+(0)(?:\.0*+)?(?![\d.]))",
    re.IGNORECASE,
)
_HAS_SIZE = re.compile(r"font(?:-size)?\s*+:[^;]{0,40}?[1-9]", re.IGNORECASE)
_HIDDEN_ATTRIBUTE = re.compile(r"(?:^|\s)hidden(?=[\s/=]|\Z)")
_QUOTED = re.compile(r"\"[^\"]*+\"|'[^']*+'")
_HIDDEN_FROM_OUTLOOK = ("div", "span", "p")  # a link is hidden there to be shown in another way


def may_hide(attributes: str) -> bool:
    """Whether the inside of a tag has a word in it that could."""
    low = attributes[:CHARACTERS].lower()
    return any(map(low.__contains__, _MAY_HIDE))


def hides(tag: str, attributes: str, style: str) -> str:
    """By what a tag hides its element: "size", which what is in it may undo, or another; else empty."""
    found = _HIDES.search(style)
    if found is None:
        low = attributes[:CHARACTERS].lower()
        return "attribute" if _HIDDEN_ATTRIBUTE.search(_QUOTED.sub("", low)) else ""
    if found[1] and tag not in _HIDDEN_FROM_OUTLOOK:
        return ""
    return "size" if found[2] else "style"


class Hidden:
    """The hidden element that a reading of HTML is in."""

    def __init__(self, tag: str, by: str) -> None:
        self.tag = tag
        self.is_by_size = by == "size"
        self.depth = 1

    def is_left(self, tag: str, style: str, *, is_closing: bool) -> bool:
        """Whether this tag ends it, or has letters of a size again."""
        if tag == self.tag:
            # One paragraph is never in another: the next one closes it.
            self.depth += -1 if is_closing or tag == "p" else 1
        return self.depth <= 0 or (self.is_by_size and not is_closing and _HAS_SIZE.search(style) is not None)
