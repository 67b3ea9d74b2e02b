"""The parameters of calls: addresses, message ids, cursors, tokens. Pure; raises BadInput."""

import datetime
import hashlib
import re
import uuid
from typing import Annotated

import msgspec
from litestar.openapi.spec import Example
from litestar.params import Parameter, QueryParameter

from fake_email import mailbox_address
from fake_email.errors import MessageNotFound
from fake_email.storage.message_list import END, Cursor
from http_api.protocol.errors import BadInput
from http_api.protocol.request import AnyRequest

Address = Annotated[
    str,
    Parameter(
        description="The address of the mailbox, in upper or lower case, perhaps with a tag as in `name+tag@`.",
        examples=[Example(value="annq7mfk2xd@mail.example.org")],
    ),
]
MessageId = Annotated[
    str,
    Parameter(
        description="The `id` of the message.",
        schema_extra={"format": "uuid"},
        examples=[Example(value="019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11")],
    ),
]
AttachmentNumber = Annotated[
    int, Parameter(description="The position in `attachments`; 0 is the first.", examples=[Example(value=0)])
]
_CURSORS = [
    Example(id="seq", value="2"),
    Example(id="time", value="2026-01-31T12:00:00.000000Z"),
]
Since = Annotated[
    str | None,
    Parameter(
        description="Only messages after this `seq` or `received_at`. Default: from the first message.",
        examples=_CURSORS,
    ),
]
SinceOrNow = Annotated[
    str | None,
    Parameter(
        description="Only messages after this `seq` or `received_at`, or those that arrive from `now` on. "
        "Default: from the first message.",
        examples=[*_CURSORS, Example(id="now", value="now")],
    ),
]
Before = Annotated[
    str | None,
    Parameter(description="Only messages before this `seq` or `received_at`.", examples=_CURSORS),
]
MAX_LIMIT = 100
Limit = Annotated[
    int,
    Parameter(
        ge=1,
        le=MAX_LIMIT,
        description="The maximum number of messages in a response.",
        examples=[Example(value=20)],
    ),
]
_QUERY = QueryParameter(
    name="query",  # Litestar reserves this as the name of an argument
    description='Only messages that this search finds, as in `from:ann subject:"your code" -has:attachment`.',
    examples=[Example(value="from:ann has:code")],
)
QueryText = Annotated[str, _QUERY]
# Of a call for which an empty query would mean all messages.
OptionalQueryText = Annotated[str | None, _QUERY]
AccessToken = Annotated[
    str | None,
    Parameter(
        description="The token of the mailbox, for EventSource and frames, which cannot send `Authorization`.",
        examples=[Example(value="kD3vB0pQ9yWm2fJx7sLz1aRt5uHc8nEo")],
    ),
]

_MAX_SEQ = 2**63 - 1
_NUMBER = re.compile(r"[0-9]{1,19}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)+)"')
# As in `address`.
_LOST_PLUS = re.compile(r" (?=[0-9]{2}:[0-9]{2}$)")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")


def address(value: str) -> str:
    """The address in `value` in its canonical form: `name+tag@` reads the mailbox `name@`, where its mail is stored."""
    local_part, at, domain = value.strip().rpartition("@")
    if not (local_part and at and domain) or "\x00" in value:
        raise BadInput("address", f"address: {value[:100]!r} is not an address, as in name@example.org.")
    # RFC 5321 §4.1.2: the same address, as SMTP takes it too.
    quoted = _QUOTED.fullmatch(local_part)
    plain = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else local_part
    # A `+` that a client did not encode in the query arrives as a space.
    return mailbox_address.canonical(plain.replace(" ", "+"), domain)


def seq(value: str) -> int | None:
    """The number in `value`, or None when `value` is not a seq."""
    return int(value) if _NUMBER.fullmatch(value) and int(value) <= _MAX_SEQ else None


def message_id(value: str) -> uuid.UUID:
    """The id in `value`; raises MessageNotFound for other text, since no message has it as its id."""
    # uuid.UUID would also accept braces, digits of any script, and hyphens anywhere.
    if not _UUID.fullmatch(value):
        raise MessageNotFound
    return uuid.UUID(value)


def since(value: str | None) -> Cursor:
    """The cursor in `since`, an RFC 3339 time or the seq of a message; without it, the start of the mailbox."""
    return Cursor() if value is None else _cursor("since", value, Cursor())


def since_or_now(value: str | None) -> Cursor | None:
    """As `since`; None for `now`."""
    return (
        Cursor() if value is None else None if value == "now" else _cursor("since", value, Cursor(), more=", nor now")
    )


def before(value: str | None) -> Cursor:
    """The cursor in `before`, an RFC 3339 time or the seq of a message; without it, the end of the mailbox."""
    return END if value is None else _cursor("before", value, END)


def _cursor(field: str, value: str, default: Cursor, *, more: str = "") -> Cursor:
    """The cursor with the `seq` or the `received_at` in `value`, and with the other one of `default`.

    `more` says what else the call takes.
    """
    number = seq(value)
    if number is not None:
        return msgspec.structs.replace(default, seq=number)
    text = _LOST_PLUS.sub("+", value)
    if _TIME.fullmatch(text):
        try:
            received_at = datetime.datetime.fromisoformat(text.upper()).astimezone(datetime.UTC)
            return msgspec.structs.replace(default, received_at=received_at)
        except (ValueError, OverflowError):
            pass
    raise BadInput(
        field,
        f"{field}: {value[:100]!r} is neither a time, as in 2026-01-31T12:00:00.000000Z, nor a message's seq{more}.",
    )


def provide_token(request: AnyRequest) -> bytes | None:
    """The hash of the token in `Authorization`, as a dependency of the calls that accept a token nowhere else."""
    return token_sha256(request.headers.get("authorization"))


def token_sha256(authorization: str | None, access_token: str | None = None) -> bytes | None:
    """The SHA-256 of the token in `Authorization: Bearer …`, else in `?access_token=`, else None."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        token = access_token or ""
    return hashlib.sha256(token.strip().encode()).digest() if token.strip() else None


def rfc3339(moment: datetime.datetime) -> str:
    """`moment` in UTC with microseconds, as in 2026-01-31T12:00:00.000000Z."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
