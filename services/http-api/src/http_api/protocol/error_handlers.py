"""The handlers that turn errors into responses, in the form in which Litestar takes them."""

import re
from collections import ChainMap
from collections.abc import Mapping
from http import HTTPStatus

import structlog
from litestar import Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from fake_email import expected
from fake_email.batching import WorkFailed
from fake_email.errors import MailboxNotFound, MessageNotFound, ServiceError
from http_api.protocol import complaints, problems
from http_api.protocol.errors import BadInput, ClientDisconnected, NotModified, RangeNotSatisfiable
from http_api.protocol.problems import Problem, ProblemType
from http_api.protocol.request import NOTHING_FOUND, AnyRequest

log = structlog.get_logger()


def _response(
    problem_type: ProblemType, *, field: str | None = None, headers: Mapping[str, str] | None = None, **values: object
) -> Response[Problem]:
    return problems.response(problems.problem(problem_type, field=field, **values), headers)


def _bad_input(field: str, sentence: str) -> Response[Problem]:
    return _response(ProblemType.BAD_INPUT, field=field, sentence=sentence)


def _on_service_error(request: AnyRequest, error: ServiceError) -> Response[Problem]:
    problem_type = problems.OF_ERROR[type(error)]
    if isinstance(error, (MailboxNotFound, MessageNotFound)):
        request.scope["state"][NOTHING_FOUND] = True
    retry_after = problems.RETRY_SECONDS.get(problem_type.status)
    return _response(problem_type, headers={"Retry-After": retry_after} if retry_after else None)


def _on_bad_input(_request: AnyRequest, error: BadInput) -> Response[Problem]:
    return _bad_input(error.field, str(error))


def _on_client_disconnected(_request: AnyRequest, _error: ClientDisconnected) -> Response[None]:
    return Response(None, status_code=HTTPStatus.BAD_REQUEST)  # which nobody reads


def _on_not_modified(_request: AnyRequest, error: NotModified) -> Response[None]:
    headers = {"Cache-Control": "no-store", "ETag": error.etag}
    return Response(None, status_code=HTTPStatus.NOT_MODIFIED, headers=headers)


def _on_range_not_satisfiable(_request: AnyRequest, error: RangeNotSatisfiable) -> Response[Problem]:
    headers = {"Content-Range": f"bytes */{error.octets}"}
    return _response(ProblemType.RANGE_NOT_SATISFIABLE, field="Range", headers=headers, octets=error.octets)


def _on_unreadable_body(_request: AnyRequest, _error: Exception) -> Response[Problem]:
    return _bad_input("body", "body: not JSON in UTF-8.")


def _on_library_error(request: AnyRequest, error: HTTPException) -> Response[Problem]:
    """The response to a request that Litestar refuses before its call runs."""
    status = error.status_code
    if status == HTTPStatus.BAD_REQUEST:
        return _bad_input(*_explain(request, error))
    if error.detail == "client disconnected prematurely":  # a client that only stopped sending still reads
        return _bad_input("body", "body: ended too early.")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return _response(ProblemType.BODY_TOO_LARGE, field="body")
    if status == HTTPStatus.NOT_FOUND:
        return _response(ProblemType.NO_SUCH_CALL, path=request.scope["path"][:100])
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return _response(ProblemType.METHOD_NOT_ALLOWED, headers=error.headers, method=request.method)
    return _on_bug(request, error)


def _explain(request: AnyRequest, error: HTTPException) -> tuple[str, str]:
    """The field and the sentence, from Litestar's list of invalid fields, or from its one line of text."""
    handler = request.scope["route_handler"]
    models = [*(each.signature_model for each in handler.resolve_dependencies().values()), handler.signature_model]
    types: dict[str, object] = dict(ChainMap(*(each.__annotations__ for each in models)))
    extra = error.extra
    if isinstance(extra, list) and extra and isinstance(extra[0], dict):
        complaint = str(extra[0].get("message", "not valid"))
        name = str(extra[0].get("key", "data"))
        if name == "data" and complaint == "'data'":  # the KeyError of a call that got no body
            return "body", "body: missing; this call needs JSON."
        if name in types and name != "data":
            return complaints.explain(complaint, name, expected.in_words(types[name]))
        path = name.removeprefix("data").strip(".")
        body = types.get("data")
        return complaints.explain(complaint, path, expected.member(body, path), expected.fields(body, path))
    missing = re.search(r"Missing required query parameter '(\w+)'", error.detail)
    if missing:
        return missing[1], f"{missing[1]}: missing; this call needs it."
    return complaints.explain(error.detail, "", "JSON")


def _on_bug(_request: AnyRequest, error: Exception) -> Response[Problem]:
    log.error("call_failed", exc_info=error)
    return _response(ProblemType.INTERNAL_ERROR)


# The calls that take a body need these: Litestar lets through msgspec's errors for bytes that are not UTF-8 and for
# brackets that are nested too deep.
UNREADABLE_BODY: ExceptionHandlersMap = {UnicodeDecodeError: _on_unreadable_body, RecursionError: _on_unreadable_body}

HANDLERS: ExceptionHandlersMap = {
    BadInput: _on_bad_input,
    ClientDisconnected: _on_client_disconnected,
    NotModified: _on_not_modified,
    RangeNotSatisfiable: _on_range_not_satisfiable,
    ServiceError: _on_service_error,
    WorkFailed: _on_bug,
    HTTPException: _on_library_error,
    Exception: _on_bug,
}
