"""The fields of a request that the service reads, and how often each may be sent (RFC 9110 §5.3). Pure."""

from collections.abc import Iterable

# Two readers could each believe another one of two values, so a repeated field is refused.
SENT_ONCE = (
    "Access-Control-Request-Method",
    "Authorization",
    "If-Range",
    "Last-Event-ID",
    "Origin",
    "Range",
    "Referer",
    "Sec-Fetch-Site",
)
# The value of these is a list, whose lines are joined with commas.
LISTS = ("Accept", "Access-Control-Request-Headers", "If-None-Match", "X-Forwarded-For")

Fields = Iterable[tuple[bytes, bytes]]

_SENT_ONCE = {name.lower().encode(): name for name in SENT_ONCE}


def repeated(fields: Fields) -> str | None:
    """The name of a field that may be sent once and is in `fields` twice; None when there is no such field."""
    found: set[bytes] = set()
    for name, _ in fields:
        if name in found and name in _SENT_ONCE:
            return _SENT_ONCE[name]
        found.add(name)
    return None


def joined(fields: Fields, name: bytes) -> str:
    """The list in all lines of the field `name`, which is in lower case; "" without the field."""
    return b",".join(value for each, value in fields if each == name).decode("latin-1")
