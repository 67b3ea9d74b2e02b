"""The URLs of links in HTML, read as browsers read them (URL Standard, "basic URL parser"). Pure."""

import re
import urllib.parse

CHARACTERS = 8192  # longer URLs (data: URLs) are left out

# URLs that browsers read as they are written: no blank, backslash, quote or bracket; in HTML without a reference.
USUAL_IN_HTML = r"https?://[a-zA-Z0-9][a-zA-Z0-9.-]*+(?::[0-9]{1,5})?(?:[/?#][!#-%'-;=?-\[\]-~]*+)?"
_USUAL = re.compile(r"https?://[a-zA-Z0-9][a-zA-Z0-9.-]*+(?::[0-9]{1,5})?(?:[/?#][!#-;=?-\[\]-~]*+)?")
_ENCODED = frozenset(' "<>')  # and what is not printable
_EDGES = re.compile(r"\A[\x00-\x20]+|[\x00-\x20]+\Z|[\t\n\r]+")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*+:")
# Browsers go to a host whatever the number of slashes before it is.
_WEB = re.compile(r"(https?):[/\\]*+([^/?#\\]++)([^?#]*+)(.*+)", re.IGNORECASE | re.DOTALL)
_OF_SCHEME = re.compile(r"(https?:)(?![/\\]{2})(.*+)", re.IGNORECASE | re.DOTALL)
# UTS #46 maps these characters of a host to nothing.
_IGNORED_IN_HOST = re.compile("[\u00ad\u034f\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff]")
_NOT_IN_NAME = re.compile(r"[#%/?@\\\ufffd]")
_NOT_IN_HOST = re.compile(r"[\x00-\x20\"<>^`{|}\x7f]")
_TO_HOST = ("//", "\\\\", "/\\", "\\/")
_BEHIND_PATH = re.compile(r"[?#]")
_SHOWN = ("http:", "https:", "mailto:", "tel:")


def shown(href: str, base: str = "") -> str:
    """The target of a link that may be followed: to the web, to a mail address or to a telephone; empty otherwise."""
    if len(href) <= CHARACTERS and _USUAL.fullmatch(href):
        return href
    return followed(resolve(href, base))


def followed(url: str) -> str:
    """The absolute URL if it may be followed; empty otherwise."""
    return url if url.startswith(_SHOWN) or url[:8].lower().startswith(_SHOWN) else ""


def resolve(href: str, base: str = "") -> str:
    """The absolute URL that a browser goes to, blanks, quotes and angle brackets encoded.

    Letters outside ASCII stay as they are written. It is empty where a browser goes nowhere, or stays in the document.
    """
    if not href or len(href) > CHARACTERS:
        return ""
    if _USUAL.fullmatch(href):
        return href
    url = href if href.isprintable() and " " not in href else _EDGES.sub("", href)
    scheme = base and _OF_SCHEME.fullmatch(url)
    if scheme and base.lower().startswith(scheme[1].lower()):  # relative to a base of the same scheme, and only to that
        url = scheme[2] if scheme[2].startswith(("/", "\\", "?", "#")) else f"./{scheme[2]}"
    if url.startswith(_TO_HOST):
        url = f"{'http:' if base.startswith('http:') else 'https:'}{url}"
    elif not _SCHEME.match(url):
        if not base or not url or url.startswith("#"):
            return ""
        url = _joined(base, url)
    if url[:4].lower() == "http":
        url = _of_web(url)
    elif not url.isprintable() or not _ENCODED.isdisjoint(url):
        url = "".join(map(_encoded, url))
    return url if len(url) <= CHARACTERS else ""


def is_absolute(href: str) -> bool:
    """True for a URL that needs no base; others may need none either."""
    return _USUAL.match(href) is not None


def base(href: str) -> str:
    """The base of a document's relative URLs, from `<base href>`; empty unless it is of the web."""
    url = resolve(href)
    return url if url[:4].lower() == "http" else ""


def _of_web(url: str) -> str:
    """A URL of the web with `/` for `\\`, and encoded; empty without a host."""
    match = _WEB.fullmatch(url)
    if match is None:
        return ""
    scheme, host, path, rest = match.groups()
    if not host.isascii():
        host = _IGNORED_IN_HOST.sub("", host)
    if "%" in host:
        host = _without_percents(host)
    if not host.isprintable() or _NOT_IN_HOST.search(host) or not host.strip("@:"):
        return ""
    if "\\" in path:
        path = path.replace("\\", "/")
    behind = path + rest
    if not behind.isprintable() or not _ENCODED.isdisjoint(behind):
        behind = "".join(map(_encoded, behind))
    return f"{scheme}://{host}{behind}"


def _without_percents(host: str) -> str:
    """The host as browsers read it; one that they refuse becomes empty."""
    before, at, name = host.rpartition("@")
    decoded = urllib.parse.unquote(name)
    if _NOT_IN_NAME.search(decoded) or decoded.count(":") > name.count(":"):
        return ""
    return f"{before}{at}{decoded}"


def _encoded(character: str) -> str:
    if character.isprintable() and character not in _ENCODED:
        return character
    return urllib.parse.quote(character, errors="replace")


def _joined(document: str, url: str) -> str:
    behind = _BEHIND_PATH.search(url)
    end = behind.start() if behind else len(url)
    try:
        return urllib.parse.urljoin(document, url[:end].replace("\\", "/") + url[end:])
    except ValueError:  # of a host in brackets that is not an address
        return ""
