"""What do Content-Type and Content-Disposition say? RFC 2045 §5.1, RFC 2183, RFC 2231."""

import re
import urllib.parse

from fake_email.mime import charset
from fake_email.mime import headers as mime_headers

NAME_CHARACTERS = 255  # what file systems hold; Unicode or not, no sender needs more
NAME_OCTETS = 4096  # an encoded word takes up to 12 octets a character; a message has room for 1,500 such names
SEGMENTS = 100  # of one parameter continued after RFC 2231 §3
_EXTENSION_CHARACTERS = 16

_TYPE = re.compile(rb"\s*+([\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127})(?![^\s;,(\"])", re.ASCII)
_PARAMETER = re.compile(
    rb"(?:;|(?<!\s)\s)\s*+([\w.*-]{1,80})[ \t]*+=\s*+(?:\"((?>(?:[^\"\\]|\\.)*))\"|([^;]*+))", re.DOTALL
)
_ESCAPED = re.compile(rb"\\([\"\\])")
# Controls, and the marks that turn the direction of text and so show "exe.fdp" as "pdf.exe".
_UNSAFE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


def media_type(value: bytes) -> str:
    """`type/subtype` in lower case, "" when the field is absent or cannot be read."""
    match = _TYPE.match(value)
    return match[1].decode("ascii").lower() if match else ""


def first_word(value: bytes) -> str:
    """What stands before the parameters, in lower case: the disposition."""
    word = value.partition(b";")[0].split()
    return word[0].decode("ascii", "replace").lower() if word else ""


def parameters(value: bytes) -> dict[str, bytes]:
    """Every parameter under its name in lower case, RFC 2231's segments each on its own; of two the first counts."""
    found: dict[str, bytes] = {}
    for name, quoted, bare in _PARAMETER.findall(value[: mime_headers.FIELD_OCTETS]):
        text = _ESCAPED.sub(rb"\1", quoted) if quoted else bare.strip(b" \t\r\n\"'")
        found.setdefault(name.decode("ascii", "replace").lower(), text)
    return found


def decoded(found: dict[str, bytes], name: str) -> str:
    """One parameter as text: RFC 2231, else what is sent in its stead: encoded words, bare 8-bit octets."""
    if any("*" in key for key in found):
        extended = _join_segments(found, name)
        if extended is not None:
            return extended
    return mime_headers.show(found.get(name, b"")[:NAME_OCTETS])


def file_name(text: str) -> str:
    """The text as a name to save under: no directories, no controls, no turned direction."""
    name = _UNSAFE.sub("", text).replace("\\", "/").rpartition("/")[2].strip()
    if len(name) > NAME_CHARACTERS:
        stem, dot, extension = name.rpartition(".")
        kept = dot + extension if len(extension) <= _EXTENSION_CHARACTERS else ""
        name = (stem or name)[: NAME_CHARACTERS - len(kept)] + kept
    return "" if name.strip(".") == "" else name


def _join_segments(found: dict[str, bytes], name: str) -> str | None:
    whole = found.get(f"{name}*")
    if whole is not None:
        label, octets = _split_extended(whole[:NAME_OCTETS])
        return charset.decode(octets, label)
    label = ""
    octets = b""
    for index in range(SEGMENTS):
        if len(octets) > NAME_OCTETS:
            break
        encoded = found.get(f"{name}*{index}*")
        if encoded is None:
            plain = found.get(f"{name}*{index}")
            if plain is None:
                return charset.decode(octets, label) if index else None
            octets += plain
        elif index == 0:
            label, octets = _split_extended(encoded[:NAME_OCTETS])
        else:
            octets += urllib.parse.unquote_to_bytes(encoded[:NAME_OCTETS])
    return charset.decode(octets, label)


def _split_extended(value: bytes) -> tuple[str, bytes]:
    """Charset and octets of `charset'language'%41%42`."""
    label, quote, rest = value.partition(b"'")
    _, second_quote, text = rest.partition(b"'")
    if not quote or not second_quote:
        return "", urllib.parse.unquote_to_bytes(value)
    return label.decode("ascii", "replace"), urllib.parse.unquote_to_bytes(text)
