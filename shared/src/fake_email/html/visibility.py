"""The elements of HTML that no reader sees, since their own style or the attribute `hidden` hides them."""

import re
from typing import Literal

CHARACTERS = 2048  # of a tag read
VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])

_HIDES = re.compile(
    r"(?:^|;)\s*+(?:display\s*+:\s*+none|visibility\s*+:\s*+hidden|mso-hide\s*+:\s*+(all)"
    r"|(?:opacity|max-height)\s*+:\s*+0(?:\.0*+)?(?![\d.])|font-size\s*+:\s*+(0)(?:\.0*+)?(?![\d.]))",
    re.IGNORECASE,
)
_HAS_SIZE = re.compile(r"font(?:-size)?\s*+:[^;]{0,40}?[1-9]", re.IGNORECASE)
_HIDDEN_ATTRIBUTE = re.compile(r"(?:^|\s)hidden(?=[\s/=]|\Z)")
_QUOTED = re.compile(r"\"[^\"]*+\"|'[^']*+'")
_HIDDEN_FROM_OUTLOOK = ("div", "span", "p")  # a link hidden from Outlook stands in another form beside it

HiddenBy = Literal["size", "style", "attribute", ""]


def may_hide(attributes: str) -> bool:
    """True when the inside of a tag has a word that may hide its element; faster than `hides`."""
    low = attributes[:CHARACTERS].lower()
    return (
        "none" in low
        or "hidden" in low
        or "opacity" in low
        or "font-size:0" in low
        or "font-size: 0" in low
        or "max-height:0" in low
        or "max-height: 0" in low
        or "mso-hide" in low
    )


def hides(name: str, attributes: str, style: str) -> HiddenBy:
    """The means by which a tag hides its element, empty when it does not; elements inside can undo "size"."""
    declaration = _HIDES.search(style)
    if declaration is None:
        low = attributes[:CHARACTERS].lower()
        return "attribute" if _HIDDEN_ATTRIBUTE.search(_QUOTED.sub("", low)) else ""
    if declaration[1] and name not in _HIDDEN_FROM_OUTLOOK:
        return ""
    return "size" if declaration[2] else "style"


class Hidden:
    """The hidden element that a reading of HTML is in."""

    def __init__(self, name: str, by: HiddenBy) -> None:
        self.name = name
        self.is_by_size = by == "size"
        self.depth = 1

    def ends_at(self, name: str, style: str, *, is_end: bool) -> bool:
        """True for a tag that ends the element, or that gives the letters inside a size again."""
        if name == self.name:
            # A paragraph is never inside another: the next paragraph ends it.
            self.depth += -1 if is_end or name == "p" else 1
        return self.depth <= 0 or (self.is_by_size and not is_end and _HAS_SIZE.search(style) is not None)
