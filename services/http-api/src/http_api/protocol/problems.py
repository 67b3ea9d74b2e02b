"""The problems of the API: one table of all public codes, and the body of an error response (RFC 9457).

The sentence is in `detail`, and again in `error` for frontends of the first fake-email.
"""

import re
from collections.abc import Mapping
from enum import Enum, unique
from http import HTTPStatus

import msgspec
from litestar import Response
from litestar.types import Send

from fake_email.batching import QueueFull
from fake_email.errors import (
    AddressTaken,
    AttachmentNotFound,
    DatabaseAway,
    DatabaseFull,
    MailboxNotFound,
    MessageNotFound,
    NoHtml,
    OperatorsMailbox,
    ServiceError,
)
from http_api.protocol.errors import (
    AddressReserved,
    BadInput,
    BodyTooSlow,
    NotAcceptable,
    Overloaded,
    RangeNotSatisfiable,
    ServiceStopping,
    TooManyStreams,
)

PROBLEM_JSON = "application/problem+json"
RETRY_SECONDS = {429: "10", 503: "2"}
# A token that a client sent in the wrong place is not repeated in the response.
_LIKE_A_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")


@unique
class ProblemType(Enum):
    """The public codes: the status of each, its sentence, and the errors that get this code.

    The code is the name in lower case; it never changes. Each response fills in the `{name}`s of a sentence.
    """

    BAD_INPUT = 400, "{sentence}", BadInput
    ORIGIN_REFUSED = 403, "Web pages of this origin may not create mailboxes; the operator lists the origins that may."
    # One sentence for all cases: the response must not reveal that a private mailbox exists.
    MAILBOX_NOT_FOUND = (
        404,
        (
            "No mailbox with this address can be read: it never existed, has expired, or is private and the token is "
            "missing or wrong."
        ),
        MailboxNotFound,
    )
    MESSAGE_NOT_FOUND = (
        404,
        (
            "No message with this id can be read: it never existed, was deleted, its mailbox has expired, or the "
            "mailbox is private and the token is missing or wrong."
        ),
        MessageNotFound,
    )
    ATTACHMENT_NOT_FOUND = 404, "The message has no attachment at this position; 0 is the first.", AttachmentNotFound
    NO_HTML = 404, "This message has no HTML; the JSON of the message has its text.", NoHtml
    NO_MATCH = (
        404,
        "No matching message arrived in time; near_misses lists mail that did not match, refused what was not stored.",
    )
    NO_SUCH_CALL = 404, "The API has no call {path}; /api/openapi.json lists all calls."
    METHOD_NOT_ALLOWED = 405, "{method} is not allowed here; the field Allow lists the allowed methods."
    NOT_ACCEPTABLE = (
        406,
        "Accept: the stream is text/event-stream; accept that type or */*, or leave Accept out.",
        NotAcceptable,
    )
    ADDRESS_RESERVED = 409, "This name is reserved for the operator of the domain; choose another.", AddressReserved
    ADDRESS_TAKEN = 409, "This address was given out before; choose another.", AddressTaken
    OPERATORS_MAILBOX = (
        409,
        "The operator's mailbox can be neither changed nor deleted; delete its messages instead.",
        OperatorsMailbox,
    )
    UNEXPECTED_MESSAGE = 409, "A matching message arrived, although none was expected."
    BODY_TOO_SLOW = 408, "The body did not arrive within 10 seconds.", BodyTooSlow
    BODY_TOO_LARGE = 413, "The body is larger than 16 KiB."
    RANGE_NOT_SATISFIABLE = 416, "Range: it begins after the end; there are {octets} bytes.", RangeNotSatisfiable
    RATE_LIMITED = 429, "Within a minute, one client can make {number} {things}; try again in {seconds} s."
    TOO_MANY_STREAMS = (
        429,
        "Too many streams and waiting calls are open; end one, or try again later.",
        TooManyStreams,
    )
    INTERNAL_ERROR = 500, "An internal error happened; the service logged it."
    DATABASE_AWAY = (
        503,
        "The database does not respond at the moment; try again in a few seconds.",
        DatabaseAway,
    )
    OVERLOADED = (
        503,
        "Too much is asked of the service at the moment; try again in a few seconds.",
        Overloaded,
        QueueFull,
    )
    SERVICE_STOPPING = 503, "The service restarts; try again now.", ServiceStopping
    STORAGE_FULL = 503, "The storage is full at the moment; try again later.", DatabaseFull

    def __init__(self, status: int, sentence: str, *errors: type[ServiceError]) -> None:
        self.status = status
        self.sentence = sentence
        self.errors = errors

    @property
    def code(self) -> str:
        return self.name.lower()


OF_ERROR = {error: problem_type for problem_type in ProblemType for error in problem_type.errors}


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error response; `field` names the parameter, header field or body that was wrong, if one was."""

    title: str
    status: int
    detail: str
    code: str
    error: str
    field: str | None = None


def problem(problem_type: ProblemType, *, field: str | None = None, **values: object) -> Problem:
    """A problem of this type; `values` are those of the `{name}`s in its sentence."""
    sentence = _LIKE_A_TOKEN.sub("…", problem_type.sentence.format_map(values))
    return Problem(
        title=HTTPStatus(problem_type.status).phrase,
        status=problem_type.status,
        detail=sentence,
        code=problem_type.code,
        error=sentence,
        field=_LIKE_A_TOKEN.sub("…", field) if field else None,
    )


def response(content: Problem, headers: Mapping[str, str] | None = None) -> Response[Problem]:
    """The response that has the problem as its content."""
    return Response(content, status_code=content.status, media_type=PROBLEM_JSON, headers=dict(headers or {}))


async def send_error(send: Send, error: ServiceError) -> None:
    """Send the response to an error, where no framework does."""
    content = problem(OF_ERROR[type(error)])
    retry_after = RETRY_SECONDS.get(content.status)
    await send_problem(send, content, *([(b"retry-after", retry_after.encode())] if retry_after else []))


async def send_problem(send: Send, content: Problem, *headers: tuple[bytes, bytes]) -> None:
    """Send a problem with more header fields."""
    body = msgspec.json.encode(content)
    own = [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": content.status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
