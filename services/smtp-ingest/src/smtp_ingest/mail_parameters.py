"""What MAIL and BDAT say beside the path: RFC 1870, RFC 3030, RFC 4954, RFC 6152, RFC 6531. Pure."""

import re
from collections.abc import Mapping

import msgspec

from smtp_ingest import replies

_NUMBER = re.compile(r"[0-9]{1,4000}")  # past RFC 1870's 20 digits it is too large, not wrong
_CHUNK = re.compile(r"(?P<octets>[0-9]{1,20})(?P<last>[ ]+LAST)?", re.IGNORECASE)


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What the client says of the message to come; `octets` is 0 where it does not say."""

    octets: int
    is_utf8: bool


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """The argument of BDAT."""

    octets: int
    is_last: bool


def read(parameters: Mapping[str, str | None] | None) -> Parameters | str:
    """What the parameters of MAIL say, or the reply to the first that cannot be taken."""
    if parameters is None:
        return replies.BAD_PARAMETER_VALUE
    octets = 0
    for keyword, value in parameters.items():
        match keyword:
            case "SIZE":
                if value is None or not _NUMBER.fullmatch(value):
                    return replies.BAD_PARAMETER_VALUE
                octets = int(value)
            case "BODY":
                if value is None or value.upper() not in {"7BIT", "8BITMIME"}:
                    return replies.BAD_PARAMETER_VALUE
            case "SMTPUTF8":
                if value is not None:
                    return replies.BAD_PARAMETER_VALUE
            case "AUTH" if value is not None:
                pass  # who vouched for the mail does not matter here (RFC 4954 §5)
            case _:
                return replies.UNKNOWN_PARAMETER
    return Parameters(octets=octets, is_utf8="SMTPUTF8" in parameters)


def read_chunk(argument: str) -> Chunk | None:
    """The size of a chunk and whether it is the last; None when the argument does not say so."""
    matched = _CHUNK.fullmatch(argument)
    return Chunk(octets=int(matched["octets"]), is_last=matched["last"] is not None) if matched else None
