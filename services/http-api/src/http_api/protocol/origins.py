"""Which pages are our frontends': those whose origin CORS_ALLOWED_ORIGINS lists. Pure."""

import re
import urllib.parse
from collections.abc import Sequence


def pattern(origins: Sequence[str]) -> str:
    """What matches these origins and no other; a `*` in one stands for one label part."""
    patterns = [re.escape(origin).replace(r"\*", "[a-z0-9-]+") for origin in origins]
    return "|".join(patterns) or r"(?!)"


def ancestors(origins: Sequence[str], referer: str | None) -> str:
    """The sources of CSP's `frame-ancestors`: the pages that may hold an answer in a frame.

    CSP has no `*` inside of a label, so of the origins with one only that which `Referer` names is said. A browser
    sends it with the request of a frame, unless the page around it forbids that.
    """
    exact = [origin for origin in origins if "*" not in origin]
    origin = _origin(referer or "")
    if origin not in exact and re.fullmatch(pattern(origins), origin):
        exact.append(origin)
    return " ".join(exact) or "'none'"


def _origin(url: str) -> str:
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"
