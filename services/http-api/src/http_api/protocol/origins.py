"""The origins of our frontends, which CORS_ALLOWED_ORIGINS lists. Pure."""

import re
import urllib.parse
from collections.abc import Sequence


def pattern(origins: Sequence[str]) -> str:
    """A pattern for these origins; a `*` in an origin stands for one part of a label."""
    patterns = [re.escape(origin).replace(r"\*", "[a-z0-9-]+") for origin in origins]
    return "|".join(patterns) or r"(?!)"


def ancestors(origins: Sequence[str], referer: str | None) -> str:
    """The sources of CSP's `frame-ancestors`: the origins whose web pages may show a response in a frame.

    CSP allows no `*` inside a label. An origin with `*` is therefore replaced by the origin in `Referer` that it
    matches. A browser sends `Referer` with the request of a frame, unless the web page around the frame forbids it.
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
