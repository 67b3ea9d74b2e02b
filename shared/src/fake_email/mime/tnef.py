"""The files and the text in the `winmail.dat` of Outlook ([MS-OXTNEF]). Pure."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
NAME = "winmail.dat"
RTF = "application/rtf"
FILES = 1_000

_SIGNATURE = 0x223E9F78
_HEAD, _ATTRIBUTE, _LONG = struct.Struct("<IH"), struct.Struct("<BII"), struct.Struct("<I")
_CHECKSUM_OCTETS = 2
# Attributes: a file begins, its name, its octets, its further properties.
_FILE, _TITLE, _DATA, _PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
# Of the message: its text, its properties, the code page of text.
_BODY, _OF_MESSAGE, _CODE_PAGE = 0x0002800C, 0x00069003, 0x00069007
_BODIES = {0x1000: "text/plain", 0x1013: "text/html", 0x1009: RTF}  # properties of the message ([MS-OXPROPS])
# Properties of a file ([MS-OXPROPS]).
_LONG_NAME, _MEDIA_TYPE, _CONTENT_ID = 0x3707, 0x370E, 0x3712
_SHORT_NAMES = frozenset({0x3704, 0x3001})
_OCTETS = 0x3701  # of a file that has no attribute with them
_OBJECT, _TEXT, _WIDE_TEXT, _BINARY = 0x000D, 0x001E, 0x001F, 0x0102
_VARIABLE = frozenset({_OBJECT, _TEXT, _WIDE_TEXT, _BINARY})
_FIXED_OCTETS = {0x0002: 4, 0x0003: 4, 0x0004: 4, 0x000B: 4, 0x0005: 8, 0x0006: 8, 0x0007: 8, 0x0014: 8, 0x0040: 8}
_GUID_OCTETS = 16
_FIXED_OCTETS[0x0048] = _GUID_OCTETS
_SEVERAL = 0x1000  # flag of a property with several values
_FIRST_NAMED = 0x8000
_MOST_ATTRIBUTES = 20 * FILES
_MOST_PROPERTIES = 200
_TEXT_OCTETS = 4096


class File(msgspec.Struct, kw_only=True):
    """A file: its name as Outlook has it, its media type and Content-ID if they are there, its offsets."""

    name: str = ""
    type: str = ""
    content_id: str = ""
    start: int = 0
    end: int = 0


class Body(NamedTuple):
    """The text of a message: its media type, its charset if it is known, its offsets; RTF is compressed."""

    type: str
    charset: str
    start: int
    end: int


def files(octets: bytes) -> list[File]:
    """The files, FILES at most; empty when these octets are not TNEF. A file that was cut ends where the octets do."""
    found: list[File] = []
    for attribute, start, end in _attributes(octets):
        if attribute == _FILE:
            if len(found) == FILES:
                break
            found.append(File())
        elif found and attribute == _TITLE:
            found[-1].name = found[-1].name or _text(octets[start:end])
        elif found and attribute == _DATA:
            found[-1].start, found[-1].end = start, end
        elif found and attribute == _PROPERTIES:
            _read_properties(octets, start, end, found[-1])
    return [each for each in found if each.end]


def body(octets: bytes) -> Body | None:
    """The text of the message, plain if it has such a text, else HTML, else RTF."""
    code_page, has_properties = "", False
    found: dict[str, Body] = {}
    for attribute, start, end in _attributes(octets):
        if attribute == _FILE:
            break
        if attribute == _CODE_PAGE and end - start >= _LONG.size:
            code_page = f"cp{_LONG.unpack_from(octets, start)[0]}"
        elif attribute == _BODY:
            found["text/plain"] = Body("text/plain", code_page, start, end)
        elif attribute == _OF_MESSAGE and not has_properties:
            has_properties = True
            _read_body(octets, start, end, code_page, found)
    return found.get("text/plain") or found.get("text/html") or found.get(RTF)


def _read_body(octets: bytes, start: int, end: int, code_page: str, found: dict[str, Body]) -> None:
    try:
        for number, type_, at, length in _properties(octets, start, end):
            if number in _BODIES and length:
                media_type = _BODIES[number]
                charset = "utf-16le" if type_ == _WIDE_TEXT else code_page if type_ == _TEXT else ""
                found.setdefault(media_type, Body(media_type, charset, at, min(at + length, end)))
    except struct.error:
        pass  # the properties before the fault are read


def _attributes(octets: bytes) -> Iterator[tuple[int, int, int]]:
    if len(octets) < _HEAD.size or _HEAD.unpack_from(octets)[0] != _SIGNATURE:
        return
    at = _HEAD.size
    for _ in range(_MOST_ATTRIBUTES):
        if at + _ATTRIBUTE.size > len(octets):
            return
        _, attribute, length = _ATTRIBUTE.unpack_from(octets, at)
        at += _ATTRIBUTE.size
        yield attribute, at, min(at + length, len(octets))
        at += length + _CHECKSUM_OCTETS


def _read_properties(octets: bytes, start: int, end: int, file: File) -> None:
    try:
        for number, type_, at, length in _properties(octets, start, end):
            if number == _OCTETS and not file.end:
                file.start = at + (_GUID_OCTETS if type_ == _OBJECT else 0)
                file.end = max(file.start, min(at + length, end))
            if type_ not in {_TEXT, _WIDE_TEXT}:
                continue
            text = _property_text(octets[at : at + min(length, _TEXT_OCTETS)], type_)
            if number == _LONG_NAME:
                file.name = text or file.name
            elif number in _SHORT_NAMES:
                file.name = file.name or text
            elif number == _MEDIA_TYPE:
                file.type = text
            elif number == _CONTENT_ID:
                file.content_id = text
    except struct.error:
        pass  # the properties before the fault are read


def _properties(octets: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """The number and the type of each property of variable length, with the offset and the length of its value.

    [MS-OXTNEF] §2.1.3.4
    """
    (count,) = struct.unpack_from("<I", octets, at)
    at += 4
    for _ in range(min(count, _MOST_PROPERTIES)):
        if at >= end:
            return
        type_, number = struct.unpack_from("<HH", octets, at)
        at += 4
        if number >= _FIRST_NAMED:
            (kind,) = struct.unpack_from("<I", octets, at + _GUID_OCTETS)
            (length,) = struct.unpack_from("<I", octets, at + _GUID_OCTETS + 4)
            at += _GUID_OCTETS + 8 + (_padded(length) if kind else 0)
        values = 1
        is_variable = type_ & ~_SEVERAL in _VARIABLE
        if type_ & _SEVERAL or is_variable:
            (values,) = struct.unpack_from("<I", octets, at)
            at += 4
        for _ in range(min(values, _MOST_PROPERTIES)):
            if is_variable:
                (length,) = struct.unpack_from("<I", octets, at)
                yield number, type_, at + 4, length
                at += 4 + _padded(length)
            elif type_ & ~_SEVERAL in _FIXED_OCTETS:
                at += _FIXED_OCTETS[type_ & ~_SEVERAL]
            else:
                return  # of an unknown type the length is not known


def _property_text(value: bytes, type_: int) -> str:
    return value.decode("utf-16-le", "replace").partition("\0")[0] if type_ == _WIDE_TEXT else _text(value)


def _padded(length: int) -> int:
    return length + -length % 4


def _text(value: bytes) -> str:
    """Text in the code page of the sender, which TNEF names in a place that few writers fill."""
    text = value.partition(b"\0")[0]
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace")
