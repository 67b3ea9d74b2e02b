"""What the query of a call says: addresses, cursors, tokens. Pure; raises BadInput."""

import datetime
import hashlib
import re

from fake_email.messages import Since
from http_api.problems import BadInput

_MAX_SEQ = 2**63 - 1
_NUMBER = re.compile(r"[0-9]{1,19}")
# In a query a `+` that nobody encoded arrives as a blank.
_LOST_PLUS = re.compile(r" (?=[0-9]{2}:[0-9]{2}$)")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")


def address(value: str) -> str:
    """The mailbox address that `value` means; case does not matter."""
    lowered = value.strip().lower()
    local_part, at, domain = lowered.rpartition("@")
    if not (local_part and at and domain) or "\x00" in lowered:
        raise BadInput("address", f"address: {value[:100]!r} is not an address, as in name@example.org.")
    return lowered


def seq(value: str) -> int | None:
    """The seq that `value` is; None when it is none."""
    return int(value) if _NUMBER.fullmatch(value) and int(value) <= _MAX_SEQ else None


def since(value: str | None) -> Since:
    """The cursor in `since`: an RFC 3339 time, or the seq of a message; None is before everything."""
    if value is None:
        return Since()
    number = seq(value)
    if number is not None:
        return Since(seq=number)
    text = _LOST_PLUS.sub("+", value)
    if _TIME.fullmatch(text):
        try:
            return Since(received_at=datetime.datetime.fromisoformat(text.upper()).astimezone(datetime.UTC))
        except (ValueError, OverflowError):
            pass
    raise BadInput(
        "since", f"since: {value[:100]!r} is neither a time, as in 2026-01-31T12:00:00.000000Z, nor a message's seq."
    )


def token_sha256(authorization: str | None, access_token: str | None = None) -> bytes | None:
    """The hash of the token in `Authorization: Bearer …`, else in `?access_token=`, else None."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        token = access_token or ""
    return hashlib.sha256(token.strip().encode()).digest() if token.strip() else None


def rfc3339(moment: datetime.datetime) -> str:
    """`moment` in UTC with microseconds, as in 2026-01-31T12:00:00.000000Z."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
