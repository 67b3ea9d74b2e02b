"""What the query of a call says: addresses, cursors, tokens. Pure; raises BadInput."""

import datetime
import hashlib
import re
import uuid
from typing import Annotated

import msgspec
from litestar.openapi.spec import Example
from litestar.params import Parameter

from fake_email.errors import MessageNotFound
from fake_email.storage.message_list import END, Cursor
from http_api.protocol.errors import BadInput
from http_api.protocol.request import AnyRequest

Address = Annotated[
    str,
    Parameter(
        description="The mailbox; case does not matter.", examples=[Example(value="annq7mfk2xd@mail.example.org")]
    ),
]
MessageId = Annotated[
    str,
    Parameter(description="The `id` of a message.", examples=[Example(value="019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11")]),
]
AttachmentNumber = Annotated[
    int, Parameter(description="Its place in `attachments`, counted from 0.", examples=[Example(value=0)])
]
_CURSORS = [
    Example(id="seq", value="2"),
    Example(id="time", value="2026-01-31T12:00:00.000000Z"),
]
Since = Annotated[
    str | None,
    Parameter(description="Messages past this one: its `seq`, or its `received_at`.", examples=_CURSORS),
]
Before = Annotated[
    str | None,
    Parameter(description="Messages before this one: its `seq`, or its `received_at`.", examples=_CURSORS),
]
AccessToken = Annotated[
    str | None,
    Parameter(
        description="The mailbox's token, for what can send no Authorization: EventSource, a frame.",
        examples=[Example(value="kD3vB0pQ9yWm2fJx7sLz1aRt5uHc8nEo")],
    ),
]

_MAX_SEQ = 2**63 - 1
_NUMBER = re.compile(r"[0-9]{1,19}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
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


def message_id(value: str) -> uuid.UUID:
    """The id that `value` is; raises MessageNotFound, since what is none is that of no message."""
    # Stricter than uuid.UUID, which takes braces, digits of any script, and hyphens anywhere.
    if not _UUID.fullmatch(value):
        raise MessageNotFound
    return uuid.UUID(value)


def since(value: str | None) -> Cursor:
    """The cursor in `since`: an RFC 3339 time, or the seq of a message; None is before everything."""
    return Cursor() if value is None else _place("since", value, Cursor())


def before(value: str | None) -> Cursor:
    """As `since`, for `before`; None is behind everything."""
    return END if value is None else _place("before", value, END)


def _place(field: str, value: str, otherwise: Cursor) -> Cursor:
    """The place in a mailbox that `value` names by one of its two orders; in the other one it is as `otherwise`."""
    number = seq(value)
    if number is not None:
        return msgspec.structs.replace(otherwise, seq=number)
    text = _LOST_PLUS.sub("+", value)
    if _TIME.fullmatch(text):
        try:
            received_at = datetime.datetime.fromisoformat(text.upper()).astimezone(datetime.UTC)
            return msgspec.structs.replace(otherwise, received_at=received_at)
        except (ValueError, OverflowError):
            pass
    raise BadInput(
        field, f"{field}: {value[:100]!r} is neither a time, as in 2026-01-31T12:00:00.000000Z, nor a message's seq."
    )


def provide_token(request: AnyRequest) -> bytes | None:
    """The hash of the token in `Authorization`, for the calls that take it there alone."""
    return token_sha256(request.headers.get("authorization"))


def token_sha256(authorization: str | None, access_token: str | None = None) -> bytes | None:
    """The hash of the token in `Authorization: Bearer …`, else in `?access_token=`, else None."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        token = access_token or ""
    return hashlib.sha256(token.strip().encode()).digest() if token.strip() else None


def rfc3339(moment: datetime.datetime) -> str:
    """`moment` in UTC with microseconds, as in 2026-01-31T12:00:00.000000Z."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
