"""The images from other hosts that HTML shows, counted without making the page that shows them. Pure.

A mail is counted once, when it arrives. Most tags have no image, and are passed without reading their attributes.
"""

import functools
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice

from fake_email.html import css, elements, style, tag_attributes, tokens, urls
from fake_email.html.tokens import Scanner

# Browsers ignore these characters in a URL (URL Standard, "basic URL parser").
_IGNORED = re.compile(r"^[\x00-\x20]+|[\x00-\x20]+$|[\t\r\n]+")
_REMOTE = re.compile(r"https?://[^\x00-\x20\"'<>()\\]+", re.IGNORECASE)
_WITH_IMAGE = tuple(
    map(re.compile, ("url", "&#", r"background[\t\n\f\r ]{0,9}="))
)  # each begins with letters, which is fast
_KNOWN_CHARACTERS = 16_384  # of a sheet that other mail may have, too
_PASSED = tokens.all_but(("img", "image", "html", "body", *sorted(elements.UNSEEN)), "img")
_ROOTS = frozenset({"html", "body"})
_IMAGES = frozenset({"img", "image"})
# The attributes of most tags, with at most one image; a style without a bracket or a reference has none.
_OTHERS = r"(?>(?: (?!background=|src=|style=\"[^\"]*[(&])[a-z-]++=\"[^\"]*+\"){0,50})"
_USUAL_IMAGE = re.compile(rf"{_OTHERS} src=\"([^\"]{{0,{style.VALUE_CHARACTERS}}}+)\"{_OTHERS} ?/?")
_WITHOUT_IMAGE = re.compile(rf"{_OTHERS}() ?/?")
_ATTRIBUTES = frozenset({"background", "src", "style"})


def bare(reference: str) -> str:
    """The reference without what browsers ignore in a URL."""
    return reference if reference.isprintable() and " " not in reference else _IGNORED.sub("", reference)


def address(reference: str, base: str) -> str | None:
    """The address on another host that a browser loads for this reference; None for any other reference."""
    remote = urls.resolve(reference, base)
    return remote if _REMOTE.fullmatch(remote) else None


def count(markup: str, enclosed: Collection[str] = ()) -> int:
    """The number of images from other hosts in this HTML; `enclosed` are the references to images in the mail."""
    markup = markup[: tokens.CHARACTERS]
    low = style.low(markup)
    if "<im" not in low and "url" not in low and "background" not in low and "&#" not in low:
        return 0
    found: set[str] = set()
    base: str | None = None
    for reference in map(bare, _references(markup, low)):
        if reference not in enclosed and reference[:4].lower() != "cid:":
            if base is None and not urls.is_absolute(reference):
                base = tokens.base(markup)
            if remote := address(reference, base or ""):
                found.add(remote)
    return len(found)


def _references(markup: str, low: str) -> Iterator[str]:
    """The images that the attributes and the style sheets show; `low` is the markup in lower case."""
    scanner = Scanner(markup)
    roots: set[str] = set()

    for type_, _, _, name, inside in islice(scanner.only(_PASSED, _next_with_image(low)), tokens.TAGS):
        if type_ != "start":
            continue
        if name in elements.UNSEEN:
            start = scanner.position
            if not scanner.skip_unseen(name, inside) and name in elements.RAW:
                scanner.position = len(markup)
            if name == "style":
                yield from _of_sheet(inside, markup[start : scanner.position])
        elif name in _ROOTS and name not in roots:
            roots.add(name)
            yield from _of_tag(name, inside)
        elif name in elements.KNOWN or name == "image":
            yield from _of_tag(name, inside)


def _next_with_image(low: str) -> Callable[[int], int]:
    """From a position to the next one that may show an image without an element for it."""
    following = dict.fromkeys(_WITH_IMAGE, -1)

    def next_with_image(position: int) -> int:
        for pattern, found in following.items():
            if found < position:
                match = pattern.search(low, position)
                following[pattern] = match.start() if match else len(low)
        return min(following.values())

    return next_with_image


def _of_tag(name: str, inside: str) -> Iterator[str]:
    if usual := _USUAL_IMAGE.fullmatch(inside) if name in _IMAGES else _WITHOUT_IMAGE.fullmatch(inside):
        if usual[1]:
            yield tag_attributes.resolved(usual[1])
        return
    read: set[str] = set()
    for attribute, value in islice(tag_attributes.read(inside), style.ATTRIBUTES):
        if attribute not in _ATTRIBUTES or attribute in read or len(value) > style.VALUE_CHARACTERS:
            continue
        read.add(attribute)
        if attribute == "style":
            yield from _of_declarations(tag_attributes.resolved(value))
        elif attribute == "background" or name in _IMAGES:
            yield tag_attributes.resolved(value)


def _of_declarations(text: str) -> list[str]:
    shown: list[str] = []
    if "url(" in text.lower():
        css.declarations(text, shown.append)
    return shown


def _of_sheet(inside: str, text: str) -> Sequence[str]:
    if "url(" not in text.lower() or tag_attributes.value(inside, "type").strip().lower() not in {"", "text/css"}:
        return ()
    return _of_known_rules(text) if len(text) <= _KNOWN_CHARACTERS else _of_rules(text)


def _of_rules(text: str) -> Sequence[str]:
    shown: list[str] = []
    css.sheet(text, shown.append)
    return tuple(shown)


_of_known_rules = functools.lru_cache(maxsize=64)(_of_rules)  # the mail of one sender has the same sheets
