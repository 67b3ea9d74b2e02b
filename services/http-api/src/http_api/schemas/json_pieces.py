"""JSON in pieces: long strings stay as they are until their piece is sent. Pure.

As JSON, text takes up to six times its size, and encoding megabytes at once would hold the interpreter for long.
"""

import sys
from collections.abc import Iterable, Iterator

import msgspec

# A string or a list that is longer is divided into steps.
_STRING_CHARACTERS = 8_192
_ITEMS = 100

Part = bytes | str


def parts(value: msgspec.Struct) -> list[Part]:
    """The JSON of a struct: as bytes, and its long strings as they are, without their quotation marks.

    Each field is included, also one that is its default.
    """
    found = bytearray(b"{")
    joined: list[Part] = []
    for name, attribute in zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True):
        field = getattr(value, attribute)
        if field is msgspec.UNSET:
            continue
        found += b'%s"%s":' % (b"" if found == b"{" and not joined else b",", name.encode())
        if isinstance(field, str) and len(field) > _STRING_CHARACTERS:
            joined += [bytes(found + b'"'), field]
            found = bytearray(b'"')
        elif isinstance(field, tuple):
            found += b"[" + b",".join(_items(field)) + b"]"
        else:
            found += msgspec.json.encode(field)
    return [*joined, bytes(found + b"}")]


def pieces(of: Iterable[Part]) -> Iterator[bytes]:
    """The JSON in `parts`, in pieces."""
    for part in of:
        if isinstance(part, bytes):
            yield part
            continue
        for start in range(0, len(part), _STRING_CHARACTERS):
            yield msgspec.json.encode(part[start : start + _STRING_CHARACTERS])[1:-1]


def octets_held(of: Iterable[Part]) -> int:
    """The memory that `parts` take."""
    return sum(map(sys.getsizeof, of))


def _items(field: tuple[object, ...]) -> Iterator[bytes]:
    for start in range(0, len(field), _ITEMS):
        yield msgspec.json.encode(field[start : start + _ITEMS])[1:-1]
