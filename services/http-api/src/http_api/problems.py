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
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ExceptionHandlersMap

from fake_email.errors import (
    AddressTaken,
    DatabaseAway,
    MailboxNotFound,
    MessageNotFound,
    OperatorsMailbox,
    ServiceError,
)

log = structlog.get_logger()

AnyRequest = Request[None, None, State]
PROBLEM_JSON = "application/problem+json"


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


_FACTS: dict[type[ServiceError], tuple[int, str, str]] = {
    MailboxNotFound: (404, "mailbox_not_found", "No mailbox has this address: it never existed or has expired."),
    MessageNotFound: (
        404,
        "message_not_found",
        "No message has this id: it never existed, was deleted, or its mailbox has expired.",
    ),
    AddressTaken: (409, "address_taken", "This address was given out before; ask for another."),
    OperatorsMailbox: (
        409,
        "operators_mailbox",
        "Every domain has this mailbox; delete its messages instead.",
    ),
    DatabaseAway: (503, "database_away", "Mail cannot be read at the moment; try again in a few seconds."),
}
_LIBRARY_CODES = {
    400: "bad_request",
    404: "no_such_call",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
}
_RETRY_SECONDS = "2"


def described(*statuses: int) -> dict[int, ResponseSpec]:
    """What the OpenAPI document says of the failures of a call."""
    return {
        status: ResponseSpec(
            Problem, media_type=PROBLEM_JSON, description=HTTPStatus(status).phrase, generate_examples=False
        )
        for status in statuses
    }


def _answer(
    status: int, *, code: str, sentence: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Response[Problem]:
    problem = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=sentence, code=code, error=sentence, field=field
    )
    return Response(
        problem, status_code=status, media_type=PROBLEM_JSON, headers={"Cache-Control": "no-store", **(headers or {})}
    )


def _on_fact(_request: AnyRequest, error: ServiceError) -> Response[Problem]:
    status, code, sentence = _FACTS[type(error)]
    headers = {"Retry-After": _RETRY_SECONDS} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return _answer(status, code=code, sentence=sentence, headers=headers)


def _on_bad_input(_request: AnyRequest, error: BadInput) -> Response[Problem]:
    return _answer(400, code="bad_input", sentence=str(error), field=error.field)


def on_unreadable_body(_request: AnyRequest, _error: Exception) -> Response[Problem]:
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
    sentence = {
        404: f"There is no call {request.scope['path'][:100]}; /api/openapi.json lists them all.",
        405: f"{request.method} is not possible here; Allow says what is.",
    }.get(status, error.detail)
    code = _LIBRARY_CODES.get(status, "error")
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


HANDLERS: ExceptionHandlersMap = {
    BadInput: _on_bad_input,
    ServiceError: _on_fact,
    HTTPException: _on_library_error,
    Exception: _on_bug,
}
