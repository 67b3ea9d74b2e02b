"""Which octets of an answer are wanted: the field Range (RFC 9110 §14). Pure."""

import re

from http_api.protocol.errors import RangeNotSatisfiable

_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*", re.IGNORECASE)


def wanted(field: str, octets: int) -> tuple[int, int] | None:
    """Start and end of the one range in `field`, out of so many octets; None when all is to be sent.

    So it is for several ranges, which a server need not serve, and for what is no range of octets (§14.2).
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
