"""Which answer a client has already (RFC 9110 §8.8.3, §13.1.2)."""

import re
import uuid

from http_api.protocol.errors import NotModified
from http_api.protocol.request import AnyRequest

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def etag(message_id: uuid.UUID, *more: object) -> str:
    """The entity tag of what is said of a message; what it depends on beside the message goes into it."""
    return '"' + "-".join((message_id.hex, *map(str, more))) + '"'


def unless_known(request: AnyRequest, tag: str) -> str:
    """The same tag; raises NotModified when `If-None-Match` has it."""
    known = ",".join(request.headers.getall("if-none-match", []))
    if known.strip() == "*" or tag in _TAG.findall(known):
        raise NotModified(tag)
    return tag
