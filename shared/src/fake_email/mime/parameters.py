"""The values and parameters of Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2183, RFC 2231)."""

import functools
import re
import urllib.parse
from collections.abc import Mapping

from fake_email.mime import charset as mime_charset
from fake_email.mime import headers as mime_headers

NAME_CHARACTERS = 255  # the limit of most file systems
NAME_OCTETS = 4096  # an encoded word takes up to 12 octets a character
SEGMENTS = 100  # of one parameter continued as in RFC 2231 §3
_EXTENSION_CHARACTERS = 16
_CACHED_OCTETS = 200  # of a field

_TYPE = re.compile(rb"\s*+([\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127})(?![^\s;,(\"])", re.ASCII)
# What senders write instead: blanks around the slash, `multipart/multipart/mixed`, a subtype alone, both turned around.
_UNUSUAL_TYPE = re.compile(
    rb"\s*+([\w.+-]{1,127})(?:\s*+/\s*+([\w.+-]{1,127}))?(?:/([\w.+-]{1,127}))?(?=\s*(?:;|\Z))", re.ASCII
)
_MEANT = {"html": "text/html", "html/text": "text/html", "text/htm": "text/html"}
_MEANT |= dict.fromkeys(("plain", "plain/text"), "text/plain")
# A quotation mark ends a value where a parameter, a comment or nothing follows: names have unescaped ones inside. Their
# number is bounded, as that of escapes: else each of many costs a search to the end of the field.
_PARAMETER = re.compile(
    rb"(?:;|(?<!\s)\s)\s*+([\w.*-]{1,80})[ \t]*+=\s*+"
    rb"(?:\"((?>(?:[^\"\\]|\\.)*)"
    rb"(?>(?:\"(?!\s*+(?:[;(]|\Z|[\w.*-]{1,80}[ \t]*+=))(?>(?:[^\"\\]|\\.)*)){0,10}))\"|([^;]*+))",
    re.DOTALL,
)
# A quoted value, a bare file name, and a comment, which both may hold.
_COMMENTED = re.compile(
    rb"(\"[^\"\\]*+(?>(?:\\.[^\"\\]*+){0,20})\"|(?:file)?name[\d*]{0,6}[ \t]*+=\s*+[^\";\s][^;]*+)"
    rb"|\([^()\\]*+(?>(?:\\.[^()\\]*+){0,20})\)",
    re.DOTALL | re.IGNORECASE,
)
_COMMENT_BEHIND_NAME = re.compile(rb"(\.\w{1,8})\s++\([^()]*\)\s*\Z")
_FOLD = re.compile(rb"[\r\n]+(?=[ \t])")
_LOST_FOLD = re.compile(rb"[\r\n]+")
_ESCAPED = re.compile(rb"\\([\"\\])")
# Control characters, and the marks that reverse text, with which "exe.fdp" is shown as "pdf.exe".
_UNSAFE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


def media_type(value: bytes) -> str:
    """`type/subtype` in lower case, empty when the field is absent or cannot be read."""
    match = _TYPE.match(value)
    type_ = match[1].decode("ascii").lower() if match else _unusual_type(value)
    return _MEANT.get(type_, type_)


def _unusual_type(value: bytes) -> str:
    match = _UNUSUAL_TYPE.match(value)
    if match is None:
        return ""
    first, second, third = (word.decode("ascii").lower() if word else "" for word in match.groups())
    if third and first != second:
        return ""
    name = "/".join(filter(None, (first, third or second)))
    return name if "/" in name or name in _MEANT else ""


def first_word(value: bytes) -> str:
    """The word before the parameters, in lower case: the disposition. Some senders write it in quotation marks."""
    word = value.partition(b";")[0].split()
    return word[0].strip(b"\"'").decode("ascii", "replace").lower() if word else ""


def parameters(value: bytes) -> Mapping[str, bytes]:
    """Every parameter by its name in lower case, each segment of RFC 2231 separately; of two the first counts."""
    return _known(value) if len(value) <= _CACHED_OCTETS else _read(value[: mime_headers.FIELD_OCTETS])


def _read(value: bytes) -> dict[str, bytes]:
    if b"\n" in value or b"\r" in value:
        value = _LOST_FOLD.sub(b" ", _FOLD.sub(b"", value))  # RFC 5322 §2.2.3: the blank after a fold stays
    if b"(" in value:
        value = _COMMENTED.sub(lambda match: match[1] or b" ", value)  # RFC 2045 §5.1
    by_name: dict[str, bytes] = {}
    for name, quoted, bare in _PARAMETER.findall(value):
        text = _ESCAPED.sub(rb"\1", quoted) if quoted else bare.strip(b" \t\"'")
        if bare and text.endswith(b")"):
            text = _COMMENT_BEHIND_NAME.sub(rb"\1", text)
        by_name.setdefault(name.decode("ascii", "replace").lower(), text)
    return by_name


_known = functools.lru_cache(maxsize=512)(_read)  # most parts have one of few fields, as text/plain in UTF-8


def decoded(parameters: Mapping[str, bytes], name: str, charset: str = "") -> str:
    """One parameter as text: as RFC 2231 has it, else from encoded words or bare 8-bit octets, perhaps in `charset`."""
    if not parameters:
        return ""
    if any("*" in key for key in parameters):
        extended = _join_segments(parameters, name)
        if extended is not None:  # some programs put encoded words (RFC 2047) into it all the same
            return mime_headers.show(extended.encode()) if "=?" in extended else extended
    return mime_headers.show(parameters.get(name, b"")[:NAME_OCTETS], charset)


def file_name(text: str) -> str:
    """The text as a name to save a file under: no directories, no control characters, no reversed text."""
    name = _UNSAFE.sub("", text).replace("\\", "/").rpartition("/")[2].strip()
    if len(name) > NAME_CHARACTERS:
        stem, dot, extension = name.rpartition(".")
        kept = dot + extension if len(extension) <= _EXTENSION_CHARACTERS else ""
        name = (stem or name)[: NAME_CHARACTERS - len(kept)] + kept
    return "" if name.strip(".") == "" else name


def _join_segments(parameters: Mapping[str, bytes], name: str) -> str | None:
    whole = parameters.get(f"{name}*")
    if whole is not None:
        label, octets = _split_extended(whole[:NAME_OCTETS])
        return mime_charset.decode(octets, label)
    label = ""
    octets = b""
    for index in range(SEGMENTS):
        if len(octets) > NAME_OCTETS:
            break
        encoded = parameters.get(f"{name}*{index}*")
        if encoded is None:
            plain = parameters.get(f"{name}*{index}")
            if plain is None:
                return mime_charset.decode(octets, label) if index else None
            octets += plain
        elif index == 0:
            label, octets = _split_extended(encoded[:NAME_OCTETS])
        else:
            octets += urllib.parse.unquote_to_bytes(encoded[:NAME_OCTETS])
    return mime_charset.decode(octets, label)


def _split_extended(value: bytes) -> tuple[str, bytes]:
    """The charset and the octets of `charset'language'%41%42`."""
    label, quote, rest = value.partition(b"'")
    _, second_quote, text = rest.partition(b"'")
    if not quote or not second_quote:
        return "", urllib.parse.unquote_to_bytes(value)
    return label.decode("ascii", "replace"), urllib.parse.unquote_to_bytes(text)
