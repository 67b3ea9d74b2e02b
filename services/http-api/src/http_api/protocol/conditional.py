"""Conditional requests and range requests: ETag, If-None-Match and Range (RFC 9110 §8.8.3, §13.1.2, §14)."""

import re
import uuid

from http_api.protocol import request_fields
from http_api.protocol.errors import NotModified, RangeNotSatisfiable
from http_api.protocol.request import AnyRequest

_TAG = re.compile(r'(?:W/)?("[^"]*")')
_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*", re.IGNORECASE)


def etag(message_id: uuid.UUID, *versions: object) -> str:
    """The entity tag of a response about a message; `versions` are all other values that the response depends on."""
    return '"' + "-".join((message_id.hex, *map(str, versions))) + '"'


def check_if_none_match(request: AnyRequest, tag: str) -> None:
    """Raise NotModified when the request's `If-None-Match` has the tag of the current response."""
    field = request_fields.joined(request.scope["headers"], b"if-none-match")
    if field.strip() == "*" or tag in _TAG.findall(field):
        raise NotModified(tag)


def requested_range(field: str, octets: int) -> tuple[int, int] | None:
    """The start and the end of the range in the field `Range`, within a content of `octets`; None for all of it.

    All of it is also the response to several ranges, which a server may ignore, and to other units (§14.2).
    Raises RangeNotSatisfiable.
    """
    found = _RANGE.fullmatch(field)
    if not found:
        return None
    if found[3]:
        start, end = max(0, octets - int(found[3])), octets
    else:
        start, end = int(found[1]), min(int(found[2] or octets) + 1, octets)
        if found[2] and int(found[2]) < start:
            return None
    if start >= end:
        raise RangeNotSatisfiable(octets)
    return start, end
