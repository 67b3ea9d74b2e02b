"""What is said when a call fails: application/problem+json (RFC 9457) with a stable `code`.

The sentence is in `detail`, and in `error` for frontends written for the first fake-email.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
import structlog
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from fake_email.batching import QueueFull, WorkFailed
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

log = structlog.get_logger()

AnyRequest = Request[None, None, State]
PROBLEM_JSON = "application/problem+json"
# In the state of a call: what it asked for is not there, or not for the token that it came with.
NOTHING_FOUND = "nothing_found"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every answer that is not a success; `field` names what of the call was wrong, if one thing was."""

    title: str
    status: int
    detail: str
    code: str
    error: str
    field: str | None = None


class BadInput(ServiceError):
    """Something in the call is not what it must be."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class NotAcceptable(ServiceError):
    """The client takes nothing of what this call can answer."""


class TooManyStreams(ServiceError):
    """So many answers are held open already, for this client, at this mailbox or in all, that there is no place."""


class NameReserved(ServiceError):
    """The name belongs to whoever runs the domain."""


class Stopping(ServiceError):
    """The service stops while the call waits."""


class ClientLeft(ServiceError):
    """Nobody is there any more to be answered."""


class NotModified(ServiceError):
    """The client has this answer already."""

    def __init__(self, etag: str) -> None:
        super().__init__(etag)
        self.etag = etag


class RangeNotSatisfiable(ServiceError):
    """The range lies behind the end of so many octets."""

    def __init__(self, octets: int) -> None:
        super().__init__(str(octets))
        self.octets = octets


_AWAY = (503, "database_away", "The database does not answer at the moment; try again in a few seconds.")

FACTS: dict[type[ServiceError], tuple[int, str, str]] = {
    MailboxNotFound: (404, "mailbox_not_found", "No mailbox has this address: it never existed or has expired."),
    MessageNotFound: (
        404,
        "message_not_found",
        "No message has this id: it never existed, was deleted, or its mailbox has expired.",
    ),
    AttachmentNotFound: (404, "attachment_not_found", "The message has no attachment of this number; 0 is the first."),
    NoHtml: (404, "no_html", "This message has no HTML; its text is in its JSON."),
    NameReserved: (409, "address_reserved", "This name belongs to whoever runs the domain; ask for another."),
    AddressTaken: (409, "address_taken", "This address was given out before; ask for another."),
    NotAcceptable: (
        406,
        "not_acceptable",
        "Accept: this call answers text/event-stream; ask for that, or for */*, or leave Accept out.",
    ),
    TooManyStreams: (
        429,
        "too_many_streams",
        "There are too many open streams and waiting calls, yours or this mailbox's; end one, or try again later.",
    ),
    Stopping: (503, "service_stopping", "The service restarts; ask again now."),
    OperatorsMailbox: (
        409,
        "operators_mailbox",
        "Every domain has this mailbox, for good; delete its messages instead.",
    ),
    DatabaseAway: _AWAY,
    DatabaseFull: (503, "storage_full", "There is no room to keep more at the moment; try again later."),
    QueueFull: _AWAY,
}
# What any call may come to, before it is one or after all.
EVERYWHERE = (
    (404, "no_such_call", "There is no call /api/nowhere; /api/openapi.json lists them all."),
    (405, "method_not_allowed", "PUT is not possible here; Allow says what is."),
    (500, "internal_error", "Something went wrong here; it was logged."),
)
_LIBRARY_CODES = {
    404: "no_such_call",
    405: "method_not_allowed",
    413: "body_too_large",
}
_RETRY_SECONDS = {429: "10", 503: "2"}
# What has the look of a token is not repeated, wherever in a call it was put by mistake.
_LIKE_A_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")


def problem(status: int, *, code: str, sentence: str, field: str | None = None) -> Problem:
    """What is said when a call fails so."""
    title = HTTPStatus(status).phrase
    sentence = _LIKE_A_TOKEN.sub("…", sentence)
    field = _LIKE_A_TOKEN.sub("…", field) if field else None
    return Problem(title=title, status=status, detail=sentence, code=code, error=sentence, field=field)


def answer(said: Problem, headers: Mapping[str, str] | None = None) -> Response[Problem]:
    """It, as Litestar sends it."""
    return Response(
        said,
        status_code=said.status,
        media_type=PROBLEM_JSON,
        headers=dict(headers or {}),
    )


def body(status: int, *, code: str, sentence: str) -> bytes:
    """A problem as the octets of an answer that Litestar has no part in."""
    return msgspec.json.encode(problem(status, code=code, sentence=sentence))


def _answer(
    status: int, *, code: str, sentence: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Response[Problem]:
    return answer(problem(status, code=code, sentence=sentence, field=field), headers)


def _on_fact(request: AnyRequest, error: ServiceError) -> Response[Problem]:
    status, code, sentence = FACTS[type(error)]
    if isinstance(error, (MailboxNotFound, MessageNotFound)):
        request.scope["state"][NOTHING_FOUND] = True
    headers = {"Retry-After": _RETRY_SECONDS[status]} if status in _RETRY_SECONDS else {}
    return _answer(status, code=code, sentence=sentence, headers=headers)


def _on_bad_input(_request: AnyRequest, error: BadInput) -> Response[Problem]:
    return _answer(400, code="bad_input", sentence=str(error), field=error.field)


def _on_client_left(_request: AnyRequest, _error: ClientLeft) -> Response[None]:
    return Response(None, status_code=HTTPStatus.BAD_REQUEST)  # which nobody reads


def _on_not_modified(_request: AnyRequest, error: NotModified) -> Response[None]:
    headers = {"Cache-Control": "no-store", "ETag": error.etag}
    return Response(None, status_code=HTTPStatus.NOT_MODIFIED, headers=headers)


def _on_range(_request: AnyRequest, error: RangeNotSatisfiable) -> Response[Problem]:
    sentence = f"Range: it lies behind the end; there are {error.octets} octets."
    headers = {"Content-Range": f"bytes */{error.octets}"}
    return _answer(416, code="range_not_satisfiable", sentence=sentence, field="Range", headers=headers)


def _on_unreadable_body(_request: AnyRequest, _error: Exception) -> Response[Problem]:
    """Says that the body is no JSON at all."""
    return _answer(400, code="bad_input", sentence="body: not JSON in UTF-8.", field="body")


def _on_library_error(request: AnyRequest, error: HTTPException) -> Response[Problem]:
    """What Litestar refuses before a handler runs."""
    status = error.status_code
    if status == HTTPStatus.BAD_REQUEST:
        field, sentence = _explain(error)
        return _answer(400, code="bad_input", sentence=sentence, field=field)
    if error.detail == "client disconnected prematurely":  # who only stopped sending still reads
        return _answer(400, code="bad_input", sentence="body: ended before its end.", field="body")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return _answer(413, code="body_too_large", sentence="The body is larger than 16 KiB.", field="body")
    code = _LIBRARY_CODES.get(status)
    if code is None:
        return _on_bug(request, error)
    sentence = {
        404: f"There is no call {request.scope['path'][:100]}; /api/openapi.json lists them all.",
        405: f"{request.method} is not possible here; Allow says what is.",
    }.get(status, error.detail)
    return _answer(status, code=code, sentence=sentence, headers=error.headers)


def _explain(error: HTTPException) -> tuple[str, str]:
    """Field and sentence from Litestar's list of what did not validate, or from its one line."""
    extra = error.extra
    if isinstance(extra, list) and extra and isinstance(extra[0], dict):
        complaint = str(extra[0].get("message", "not valid"))
        field = str(extra[0].get("key", "body")).removeprefix("data.")
        unknown = re.search(r"unknown field `([^`]*)`", complaint)
        if unknown:
            return unknown[1][:100], f"{unknown[1][:100]}: not a field of this call."
        field = "body" if field == "data" else field
        return field, f"{field}: {_sentence(complaint)}"
    missing = re.search(r"Missing required query parameter '(\w+)'", error.detail)
    if missing:
        return missing[1], f"{missing[1]}: missing; this call needs it."
    return "body", f"body: {_sentence(error.detail)}"


def _sentence(complaint: str) -> str:
    """msgspec's complaint without its path and its code marks."""
    return re.sub(r" - at `\$[^`]*`$", "", complaint).replace("`", "").rstrip(".") + "."


def _on_bug(_request: AnyRequest, error: Exception) -> Response[Problem]:
    log.error("call_failed", exc_info=error)
    return _answer(500, code="internal_error", sentence="Something went wrong here; it was logged.")


# msgspec's, which Litestar lets through: of octets that are no UTF-8, and of brackets nested too deep.
UNREADABLE: ExceptionHandlersMap = {UnicodeDecodeError: _on_unreadable_body, RecursionError: _on_unreadable_body}

HANDLERS: ExceptionHandlersMap = {
    BadInput: _on_bad_input,
    ClientLeft: _on_client_left,
    NotModified: _on_not_modified,
    RangeNotSatisfiable: _on_range,
    ServiceError: _on_fact,
    WorkFailed: _on_bug,
    HTTPException: _on_library_error,
    Exception: _on_bug,
}
