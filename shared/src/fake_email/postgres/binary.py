"""Values in the binary form of Postgres' types, as parameters of statements. Pure.

The forms are those of the types' receive functions (PostgreSQL, "Retrieving Query Results", and src/backend/utils/adt).
"""

import datetime
import struct
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Literal

import msgspec

Type = Literal["boolean", "bytea", "bigint", "integer", "text", "timestamptz", "uuid", "jsonb"]

_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_BIGINT = struct.Struct("!q")
_INTEGER = struct.Struct("!i")
_JSONB_VERSION = b"\1"
_encode_json = msgspec.json.Encoder().encode
# Dimensions (1), whether there are nulls, the type of the elements, the number of elements, the first index.
_ARRAY = struct.Struct("!iiIii")
_LENGTH = struct.Struct("!i")
_NULL = _LENGTH.pack(-1)


def _timestamptz(value: datetime.datetime) -> bytes:
    return _BIGINT.pack((value - _EPOCH) // _MICROSECOND)


def _jsonb(value: object) -> bytes:
    return _JSONB_VERSION + _encode_json(value)


def _boolean(value: bool) -> bytes:  # the value itself
    return b"\1" if value else b"\0"


# The oid of each type (pg_type.dat), and its encoder.
_TYPES: dict[Type, tuple[int, Callable[..., bytes]]] = {  # type: ignore[explicit-any]  # each takes another type
    "boolean": (16, _boolean),
    "bytea": (17, bytes),
    "bigint": (20, _BIGINT.pack),
    "integer": (23, _INTEGER.pack),
    "text": (25, str.encode),
    "timestamptz": (1184, _timestamptz),
    "uuid": (2950, attrgetter("bytes")),
    "jsonb": (3802, _jsonb),
}


def encoder(type_: Type) -> Callable[[object], bytes]:
    """The function that encodes values of a type, but no null."""
    return _TYPES[type_][1]


def encode_array(type_: Type, values: Sequence[object]) -> bytes:
    """The binary form of an array of one dimension, whose first index is 1; None stands for null."""
    oid, encode = _TYPES[type_]
    pieces = [_ARRAY.pack(1, None in values, oid, len(values), 1)]
    for value in values:
        if value is None:
            pieces.append(_NULL)
        else:
            encoded = encode(value)
            pieces += (_LENGTH.pack(len(encoded)), encoded)
    return b"".join(pieces)
