"""The DKIM signatures and ARC sets in a header section: their tags, and the names of their keys. Pure."""

from collections.abc import Sequence
from typing import TypeAlias

import dkim
import msgspec
from dkim.util import InvalidTagValueList, parse_tag_value

from smtp_ingest.authentication.questions import Question, is_askable, question

Field: TypeAlias = tuple[bytes, bytes]

MAX_SIGNATURES = 5
# RFC 8617 §4.2.1 allows 50; each has two signatures, one of them over the body.
MAX_ARC_SETS = 10
# A signature has about 1,000. dkimpy searches a field in quadratic time.
_FIELD_OCTETS = 4_096
_MAX_INSTANCE = 50
# dkimpy looks through all fields for each name in h=.
_MAX_FIELDS = 1_000
_MAX_SIGNED = 200
_ARC_FIELDS = (b"arc-seal", b"arc-message-signature")


class ReadHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a header section as dkimpy reads them; `fault` says why it cannot."""

    fields: tuple[Field, ...] = ()
    fault: str = ""


class Tags(msgspec.Struct, frozen=True, kw_only=True):
    """The tags of a signature that say where its key is; `fault` says why they cannot be read."""

    domain: str = ""
    selector: str = ""
    algorithm: str = ""
    signed: tuple[str, ...] = ()
    body_octets: int | None = None
    fault: str = ""

    @property
    def key(self) -> Question | None:
        """The question about its key; None when no name can be asked for."""
        name = f"{self.selector}._domainkey.{self.domain}"
        return question(name, "TXT") if self.domain and self.selector and is_askable(name.lower()) else None


def read_header(content: bytes) -> ReadHeader:
    """The fields of the content's header section."""
    try:
        fields, _ = dkim.rfc822_parse(header_section(content))
    except dkim.MessageFormatError:
        return ReadHeader(fault="a line of the header section is no field")
    except IndexError:
        return ReadHeader(fault="the header section begins with a folded line")
    if len(fields) > _MAX_FIELDS:
        return ReadHeader(fault=f"the header section has more than {_MAX_FIELDS} fields")
    return ReadHeader(fields=tuple((name, value) for name, value in fields))


def header_section(content: bytes) -> bytes:
    """The octets before the first blank line."""
    ends = [at for at in (content.find(b"\n\r\n"), content.find(b"\n\n")) if at >= 0]
    return content[: min(ends) + 1] if ends else content


def of_dkim(fields: Sequence[Field]) -> list[bytes]:
    """The values of all DKIM-Signature fields, in order."""
    return [value for name, value in fields if name.lower() == b"dkim-signature"]


def of_arc(fields: Sequence[Field]) -> list[bytes]:
    """The values of all fields with a signature of ARC, in order."""
    return [value for name, value in fields if name.lower() in _ARC_FIELDS]


def tags(value: bytes) -> Tags:
    """The tags of a signature."""
    if len(value) > _FIELD_OCTETS:
        return Tags(fault=f"the field has more than {_FIELD_OCTETS} bytes")
    try:
        found = parse_tag_value(value)
    except (InvalidTagValueList, ValueError):
        return Tags(fault="the field is no list of tags")
    if found.get(b"h", b"").count(b":") >= _MAX_SIGNED:
        return Tags(fault=f"h= has more than {_MAX_SIGNED} names")
    length = found.get(b"l", b"")
    return Tags(
        domain=_text(found.get(b"d", b"")).lower(),
        selector=_text(found.get(b"s", b"")).lower(),
        algorithm=_text(found.get(b"a", b"")).lower(),
        signed=tuple(name.strip().lower() for name in _text(found.get(b"h", b"")).split(":")),
        body_octets=int(length) if length.isdigit() and len(length) < 20 else None,  # noqa: PLR2004
    )


def arc_instance(value: bytes) -> int | None:
    """The number of an ARC set, from a field of the set; None when the field has no valid number."""
    if len(value) > _FIELD_OCTETS:
        return None
    try:
        number = parse_tag_value(value).get(b"i", b"")
    except (InvalidTagValueList, ValueError):
        return None
    return int(number) if number.isdigit() and len(number) < 4 and 0 < int(number) <= _MAX_INSTANCE else None  # noqa: PLR2004


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace")
