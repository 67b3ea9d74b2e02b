"""The targets inside the URLs of services that check or count clicks, where the URL itself has its target. Pure.

Nothing is fetched: a URL whose target only its service knows has none here.
"""

import re
import string
import urllib.parse
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from fake_email.html import urls

_LEVELS = 4  # of wrapped URLs inside each other

_HOST_AND_REST = re.compile(r"https?://([^/?#]++)(.*+)", re.IGNORECASE | re.DOTALL)
_WEB = re.compile(r"https?:/{1,2}(?!/)", re.IGNORECASE)

# The parameters with the target, by the end of the host, and by the path where only that page of a host is meant.
_PARAMETERS = {
    "cudasvc.com": "a",  # Barracuda
    "edgepilot.com": "u",
    "facebook.com/l.php": "u",
    "fireeye.com": "u",
    "instagram.com/": "u",
    "linkedin.com/redir/redirect": "url",
    "linkedin.com/safety/go": "url",
    "mandrillapp.com/track/click": "p",
    "mimecast.com": "url",
    "mimecastprotect.com": "url",
    "protection.sophos.com": "u",
    "safelinks.protection.office365.us": "url",  # Microsoft
    "safelinks.protection.outlook.com": "url",
    "sendgrid.net/wf/click": "u",
    "slack-redir.net/link": "url",
    "statics.teams.cdn.office.net/evergreen-assets/safelinks": "url",
    "steamcommunity.com/linkfilter": "url",
    "symantec.com": "u",
    "trendmicro.com": "url",
    "trustwave.com": "u",
    "urldefense.com/v1/url": "u",
    "urldefense.proofpoint.com/v1/url": "u",
    "vk.com/away.php": "to",
    "youtube.com/redirect": "q",
}
_GOOGLE = re.compile(r"(?:www\.)?google\.[a-z.]{2,6}", re.IGNORECASE)
_PROOFPOINT = re.compile(r"urldefense(?:\.proofpoint)?\.(?:com|us)", re.IGNORECASE)
_PROOFPOINT_2 = re.compile(r"/v2/url\?(?:[^#]*&)?u=([^&#]*+)")
_PROOFPOINT_3 = re.compile(r"/v3/__(.+?)__;([\w-]*+)[!]", re.DOTALL)
_REPLACED = re.compile(r"\*(?:\*(.))?")
_LENGTHS = {letter: 2 + at for at, letter in enumerate(f"{string.ascii_uppercase}{string.ascii_lowercase}0123456789-_")}
# In the path: Amazon SES and others, Cisco, Check Point.
_IN_PATH = re.compile(
    r"/C?L0/(https?:%2F%2F[^/?#]+)|^/[\w-]+/(https?%3A%2F%2F[^/?#]+)|^/v[0-9]/(?:r[0-9]+/)?___(https?://.+?)___[./]",
    re.IGNORECASE,
)
_POSTMARK = re.compile(r"/[0-9](s?)/([^/?#]+)/")
_ENCODED = re.compile(r"[\w-]{12,8192}")
_VALUES = 50  # of a query that are read
_SEGMENTS = 10  # that are tried
_QUOTED_WEB = re.compile(r"https?:(?:\\{0,9}/){2}[^\"\s<>]+")


def target(url: str) -> str | None:
    """The URL of the web inside this URL, and inside of that; None for a URL that wraps no other."""
    found = _inside(url)
    if found is None:  # for most URLs
        return None
    for _ in range(_LEVELS - 1):
        inside = _inside(found)
        if inside is None:
            break
        found = inside
    return found


def _inside(url: str) -> str | None:
    start = url.find("//") + 2
    if not ("/http" in url or "/___" in url or _may_wrap(url[start : url.find("/", start)])):
        return None
    match = _HOST_AND_REST.fullmatch(url)
    if match is None:
        return None
    for written in _candidates(_host(match[1]), match[2]):
        if _WEB.match(written):
            return urls.shown(_WEB.sub(lambda scheme: scheme[0].rstrip("/") + "//", written, count=1)) or None
    return None


@lru_cache(maxsize=256)  # most links of a mail have one host
def _may_wrap(authority: str) -> bool:
    host = _host(authority)
    return host.endswith(_HOSTS) or host.startswith(_GOOGLES)


def _host(authority: str) -> str:
    return authority.rpartition("@")[2].partition(":")[0].lower()


def _candidates(host: str, rest: str) -> Iterator[str]:
    """The text that may be the target, decoded."""
    if _PROOFPOINT.fullmatch(host) and (known := _PROOFPOINT_2.match(rest)):
        yield urllib.parse.unquote(known[1].replace("-", "%").replace("_", "/"))
    elif _PROOFPOINT.fullmatch(host) and (known := _PROOFPOINT_3.match(rest)):
        yield _with_replaced(known[1], known[2])
    elif host == "click.pstmrk.it" and (known := _POSTMARK.match(rest)):
        yield f"http{known[1]}://{urllib.parse.unquote(known[2])}"
    elif host.endswith(".mjt.lu") or "customeriomail.com" in host:
        for encoded in islice(_ENCODED.finditer(rest), _SEGMENTS):
            yield _decoded(encoded[0])
    elif known := _IN_PATH.search(rest):
        yield urllib.parse.unquote(known[1] or known[2] or known[3])
    elif name := _parameter(host, rest):
        yield from _values(rest, name)


def _parameter(host: str, rest: str) -> str | None:
    if _GOOGLE.fullmatch(host) and rest.startswith("/url?"):
        return "q" if re.search(r"[?&]q=http", rest) else "url"
    labels = host.split(".")
    for start in range(max(0, len(labels) - 5), len(labels) - 1):
        end = ".".join(labels[start:])
        if end in _PARAMETERS:
            return _PARAMETERS[end]
        for page in _PAGES.get(end, ()):
            if rest.startswith(page):
                return _PARAMETERS[end + page]
    return None


def _values(rest: str, wanted: str) -> Iterator[str]:
    for each in rest.partition("?")[2].partition("#")[0].split("&", _VALUES)[:_VALUES]:
        name, _, value = each.removeprefix("amp;").partition("=")
        if name.lower() == wanted:
            value = urllib.parse.unquote(value)
            yield value
            yield _decoded(value)


def _decoded(encoded: str) -> str:
    """The URL in base64, alone or in JSON; empty for another text."""
    if not _ENCODED.fullmatch(encoded.rstrip("=")):
        return ""
    try:
        text = urlsafe_b64decode(encoded.rstrip("=") + "==").decode()
    except ValueError:
        return ""
    quoted = _QUOTED_WEB.search(text)
    return quoted[0].replace("\\", "") if quoted else ""


def _with_replaced(written: str, encoded: str) -> str:
    """The target of version 3 of Proofpoint, which keeps unusual characters apart: `*` stands for the next of them, and
    `**` with a letter for as many as the letter says.
    """
    try:
        characters = urlsafe_b64decode(encoded + "==").decode()
    except ValueError:
        return ""
    at = 0
    pieces: list[str] = []
    for index, piece in enumerate(_REPLACED.split(written)):
        if index % 2 == 0:
            pieces.append(piece)
        else:
            count = _LENGTHS.get(piece, 0) if piece else 1
            pieces.append(characters[at : at + count])
            at += count
    return "".join(pieces)


_PAGES = {
    host: [slash + path for other, slash, path in (known.partition("/") for known in _PARAMETERS) if other == host]
    for host in {known.partition("/")[0] for known in _PARAMETERS if "/" in known}
}
# For the first look at a host.
_HOSTS = (
    *(known.partition("/")[0] for known in _PARAMETERS),
    "urldefense.us",
    "pstmrk.it",
    "mjt.lu",
    "customeriomail.com",
)
_GOOGLES = ("google.", "www.google.")
