"""The origins of our frontends, which CORS_ALLOWED_ORIGINS lists. Pure."""

import re
import urllib.parse
from collections.abc import Sequence

# RFC 6454 §6.2; a host name has at most 253 characters (RFC 1035 §2.3.4).
_WRITTEN = re.compile(r"[a-z][a-z0-9+.-]{0,30}://[a-z0-9.-]{1,253}(?::[0-9]{1,5})?")


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


def is_page_of(origins: Sequence[str], referer: str | None) -> bool:
    """True when the web page at `referer` is of one of these origins."""
    return re.fullmatch(pattern(origins), _origin(referer or "")) is not None


def shown(origin: str) -> str:
    """The origin as a browser writes it, for the log; `null` for any other text."""
    return origin if _WRITTEN.fullmatch(origin) else "null"


def _origin(url: str) -> str:
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"
