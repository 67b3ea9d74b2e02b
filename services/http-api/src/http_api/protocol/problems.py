"""The problems of the API: one table of all public codes, and the body of an error response (RFC 9457).

The sentence is in `detail`, and again in `error` for frontends of the first fake-email.
"""

import re
from collections.abc import Mapping
from enum import Enum, unique
from http import HTTPStatus

import msgspec
from litestar import Response

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
    NotAcceptable,
    RangeNotSatisfiable,
    ServiceStopping,
    TooManyStreams,
)

PROBLEM_JSON = "application/problem+json"
# A token that a client sent in the wrong place is not repeated in the response.
_LIKE_A_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")


@unique
class ProblemType(Enum):
    """The public codes: the status of each, its sentence, and the errors that get this code.

    The code is the name in lower case; it never changes. Each response fills in the `{name}`s of a sentence.
    """

    BAD_INPUT = 400, "{sentence}", BadInput
    MAILBOX_NOT_FOUND = 404, "No mailbox has this address: it never existed or has expired.", MailboxNotFound
    MESSAGE_NOT_FOUND = (
        404,
        "No message has this id: it never existed, was deleted, or its mailbox has expired.",
        MessageNotFound,
    )
    ATTACHMENT_NOT_FOUND = 404, "The message has no attachment of this number; 0 is the first.", AttachmentNotFound
    NO_HTML = 404, "This message has no HTML; its text is in its JSON.", NoHtml
    NO_MATCH = 404, "No such message came in time; near_misses tells what did."
    NO_SUCH_CALL = 404, "There is no call {path}; /api/openapi.json lists them all."
    METHOD_NOT_ALLOWED = 405, "{method} is not possible here; Allow says what is."
    NOT_ACCEPTABLE = (
        406,
        "Accept: this call answers text/event-stream; ask for that, or for */*, or leave Accept out.",
        NotAcceptable,
    )
    ADDRESS_RESERVED = 409, "This name belongs to whoever runs the domain; ask for another.", AddressReserved
    ADDRESS_TAKEN = 409, "This address was given out before; ask for another.", AddressTaken
    OPERATORS_MAILBOX = (
        409,
        "Every domain has this mailbox, for good; delete its messages instead.",
        OperatorsMailbox,
    )
    UNEXPECTED_MESSAGE = 409, "A message came where none was to come."
    BODY_TOO_LARGE = 413, "The body is larger than 16 KiB."
    RANGE_NOT_SATISFIABLE = 416, "Range: it lies behind the end; there are {octets} octets.", RangeNotSatisfiable
    RATE_LIMITED = 429, "Within a minute, one client can make {number} {things}; try again in {seconds} s."
    TOO_MANY_STREAMS = (
        429,
        "There are too many open streams and waiting calls, yours or this mailbox's; end one, or try again later.",
        TooManyStreams,
    )
    INTERNAL_ERROR = 500, "Something went wrong here; it was logged."
    DATABASE_AWAY = (
        503,
        "The database does not answer at the moment; try again in a few seconds.",
        DatabaseAway,
        QueueFull,
    )
    SERVICE_STOPPING = 503, "The service restarts; ask again now.", ServiceStopping
    STORAGE_FULL = 503, "There is no room to keep more at the moment; try again later.", DatabaseFull

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
