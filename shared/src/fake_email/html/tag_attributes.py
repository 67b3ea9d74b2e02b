"""The attributes of a tag, from what is written inside the tag behind its name (HTML Standard §13.2.5.33). Pure."""

import re
from collections.abc import Iterator

from fake_email.html import references, steps

SPACE = r"[\t\n\f\r ]"
_ATTRIBUTE = re.compile(
    r"([^\t\n\f\r />][^\t\n\f\r />=]*+)"
    rf"(?:{SPACE}*+={SPACE}*+(?:\"([^\"]*+)\"?|'([^']*+)'?|([^\t\n\f\r >\"'][^\t\n\f\r >]*+))?)?+"
)
_HREF = ' href="'


def read(inside: str) -> Iterator[tuple[str, str]]:
    """The names, in lower case, and the values, as written, of the attributes inside a tag."""
    match = _ATTRIBUTE.search(inside)  # `finditer` takes longer for the few attributes of a tag
    while match:
        yield match[1].lower(), match[2] or match[3] or match[4] or ""
        match = _ATTRIBUTE.search(inside, match.end())


def value(inside: str, name: str) -> str:
    """The value of the first attribute with this name inside a tag, references resolved; empty without one."""
    match = _ATTRIBUTE.search(inside)
    while match:
        if match[1].lower() == name:
            return resolved(match[2] or match[3] or match[4] or "")
        match = _ATTRIBUTE.search(inside, match.end())
    return ""


def href(inside: str) -> str:
    """The value of `href` inside a tag, as `value` has it."""
    if inside.startswith(_HREF) and (end := inside.find('"', len(_HREF))) >= 0:  # as most links have it
        return resolved(inside[len(_HREF) : end])
    return value(inside, "href")


def resolved(written: str) -> str:
    """The value of an attribute with its character references resolved."""
    if "&" not in written:
        return written
    if written.count("&") == written.count("&amp;"):
        return written.replace("&amp;", "&")
    return steps.change(written, references.in_attribute)
