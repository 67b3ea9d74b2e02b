"""The HTML of a mail as a web page that is safe to show: it runs no script, and fetches remote images only on request.

`balance` balances the tags first. Then nh3 parses them as a browser does, keeps what `allowlist` names, and writes the
page anew, so that a browser reads it exactly as nh3 did. Pure.
"""

import html
import re
import urllib.parse
from base64 import b64encode
from collections.abc import Mapping

import msgspec
import nh3

from fake_email.html import css, remote_images, tag_attributes, urls
from http_api.sanitize import allowlist, balance, embed

INLINE_OCTETS = 8 * 1024 * 1024  # of images in one page; an image counts each time it is written
SHEETS = 20  # remote style sheets of one page

_REL = "noopener noreferrer nofollow"
# The page has its policy inside too, for a frontend that shows it without the headers of the response. Chromium reads
# no referrer policy from here for images in CSS: for these, it takes the header, or a sandboxed frame's `srcdoc`.
_HEAD = (
    '<head><meta charset="utf-8">'
    '<meta http-equiv="Content-Security-Policy" content="{policy}">'
    '<meta name="referrer" content="no-referrer">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<link rel="icon" href="data:,">'
    "<title>Message</title>{sheets}</head>"
)
_CUT = "<p>The rest of this message is not shown: it is too long. Its source has all of it.</p>"
_BODY = {"bgcolor": "#ffffff", "text": "#000000"}
_CLOSING = "></div>"

_CID = re.compile(r"cid:([^\s\"'<>()]{1,2000})", re.IGNORECASE)
_SOURCE = re.compile(r"\b(?:src|background)\s{0,9}=\s{0,9}[\"']?([^\s\"'<>]{1,1000})", re.IGNORECASE)
_DATA = re.compile(r"data:image/(?:png|jpe?g|gif|webp|avif|bmp);base64,[a-z0-9+/=]+", re.IGNORECASE)
_RASTER = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb".{4}ftypavi[fs]", re.DOTALL), "image/avif"),
    (re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL), "image/bmp"),
)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A web page, and the number of remote images that it leaves out."""

    text: str
    remote_images_blocked: int


def policy(*, remote: bool, is_embedded: bool = False) -> str:
    """The Content-Security-Policy of a page, without the directives that work in a header only."""
    scripts = f"; script-src {embed.SOURCE}" if is_embedded else ""
    images, sheets = ("data: https: http:", "'unsafe-inline' https: http:") if remote else ("data:", "'unsafe-inline'")
    return f"default-src 'none'; img-src {images}; style-src {sheets}; base-uri 'none'; form-action 'none'{scripts}"


def references(text: str) -> frozenset[str]:
    """The Content-IDs (RFC 2392) and the Content-Locations (RFC 2557) of the parts that the HTML may refer to."""
    content_ids = frozenset(_content_id(tag_attributes.resolved(reference[1])) for reference in _CID.finditer(text))
    return content_ids | {remote_images.bare(tag_attributes.resolved(source[1])) for source in _SOURCE.finditer(text)}


def page(text: str, images: Mapping[str, bytes], *, remote: bool, is_embedded: bool = False) -> Page:
    """The web page that shows this HTML, with the images by reference; `remote` allows remote images too.

    With `is_embedded`, it has the script for the frontend around it.
    """
    balanced = balance.read(text)
    sanitizer = _Sanitizer(images, balanced.base, remote=remote)
    # The parser drops `html` and `body` with their attributes, but keeps those of a div.
    root, body = (
        nh3_tag.removesuffix(_CLOSING).removeprefix("<div")
        for nh3_tag in (
            sanitizer.clean(balance.start_tag("div", balanced.html) + "</div>"),
            sanitizer.clean(balance.start_tag("div", _BODY | balanced.body) + "</div>"),
        )
    )
    sheets = sanitizer.sheets(balanced) + (embed.HEAD if is_embedded else "")
    head = _HEAD.format(policy=policy(remote=remote, is_embedded=is_embedded), sheets=sheets)
    rest = (_CUT if balanced.is_cut else "") + (embed.FOOT if is_embedded else "")
    markup = sanitizer.clean(balanced.markup)
    return Page(
        text=f"<!doctype html><html{root}>{head}<body{body}>{markup}{rest}</body></html>\n",
        remote_images_blocked=len(sanitizer.blocked),
    )


def _content_id(reference: str) -> str:
    return urllib.parse.unquote(reference).strip("<> ")


class _Sanitizer:
    """The sanitizing of one page, with the octets of images that the page may still have."""

    def __init__(self, images: Mapping[str, bytes], base: str, *, remote: bool) -> None:
        self._images = images
        self._base = base
        self._remote = remote
        self._left = INLINE_OCTETS
        # The addresses of remote images that were left out.
        self.blocked: set[str] = set()
        self._cleaner = nh3.Cleaner(
            tags=set(allowlist.ELEMENTS),
            clean_content_tags=set(),
            attributes={name: set(names) for name, names in allowlist.ATTRIBUTES.items()},
            attribute_filter=self._attribute,
            set_tag_attribute_values={name: {"rel": _REL, "target": "_blank"} for name in ("a", "area")},
            link_rel=None,
            url_schemes={"cid", "data", "http", "https", "mailto", "tel"},
        )

    def clean(self, markup: str) -> str:
        return self._cleaner.clean(markup)

    def sheets(self, balanced: balance.Balanced) -> str:
        """The remote style sheets that may be fetched, then the style elements."""
        rules: list[str] = []
        links = [(media, tag_attributes.resolved(href)) for media, href in balanced.links]
        for media, text in balanced.styles:
            sheet = css.sheet(text, self._image)
            links += [(media, address) for address in sheet.imports]
            if not media.strip():
                rules.append(sheet.rules)
            elif sheet.rules and (media_query := css.media_query(tag_attributes.resolved(media))):
                rules.append(f"@media {media_query}{{{sheet.rules}}}")
        tags = [
            balance.start_tag("link", {"rel": "stylesheet", "media": html.escape(media), "href": html.escape(address)})
            for media, href in links[:SHEETS]
            if (address := self._fetched(href))
        ]
        return "".join(tags) + (f"<style>{''.join(rules)}</style>" if any(rules) else "")

    def _attribute(self, _tag: str, name: str, value: str) -> str | None:
        """The sanitized value of an attribute; None drops the attribute."""
        match name:
            case "style":
                return css.declarations(value, self._image) or None
            case "src" | "background":
                return self._image(value)
            case "href":
                return urls.shown(value, self._base) or None
        return value

    def _image(self, reference: str) -> str | None:
        reference = remote_images.bare(reference)
        if reference[:4].lower() == "cid:":
            return self._inlined(self._images.get(_content_id(reference[4:]), b""))
        if _DATA.fullmatch(reference):
            return reference
        if reference in self._images:
            return self._inlined(self._images[reference])
        address = self._fetched(reference)
        if address is None and (remote := remote_images.address(reference, self._base)):
            self.blocked.add(remote)
        return address

    def _inlined(self, octets: bytes) -> str | None:
        media_type = next((name for pattern, name in _RASTER if pattern.match(octets)), None)
        if media_type is None or len(octets) > self._left:
            return None
        self._left -= len(octets)
        return f"data:{media_type};base64,{b64encode(octets).decode()}"

    def _fetched(self, reference: str) -> str | None:
        return remote_images.address(reference, self._base) if self._remote else None
