"""GET /api/inbox/wait: wait for a message that meets all clauses, and return it."""

from http import HTTPStatus
from typing import Annotated, Literal

from litestar import Response, get
from litestar.openapi.spec import Example
from litestar.params import Parameter
from msgspec.structs import asdict

from fake_email.errors import MailboxNotFound
from http_api.calls import message_response, wait_search
from http_api.calls.context import Context
from http_api.calls.message_response import UnexpectedMessage
from http_api.calls.reader import READER
from http_api.calls.wait_search import ASKED, FOUND_EXAMPLE, NO_MATCH_EXAMPLE, Asked
from http_api.openapi.responses import empty_response, error_responses, json_response, or_plain_text
from http_api.protocol.errors import BadInput, ServiceStopping, TooManyStreams
from http_api.protocol.problems import Problem, ProblemType, problem
from http_api.protocol.request import AnyRequest
from http_api.schemas.message import WHOLE_EXAMPLE, WholeMessage

_UNEXPECTED_MESSAGE = problem(ProblemType.UNEXPECTED_MESSAGE)
_EXAMPLES = (NO_MATCH_EXAMPLE, UnexpectedMessage(**asdict(_UNEXPECTED_MESSAGE), message=WHOLE_EXAMPLE))


@get(
    "/api/inbox/wait",
    dependencies=READER | ASKED,
    operation_id="waitForMessage",
    tags=["new messages"],
    summary="Wait for a message",
    responses=json_response(FOUND_EXAMPLE)
    | empty_response(204, "No message matched in time, as expected.")
    | error_responses(BadInput, TooManyStreams, ServiceStopping, MailboxNotFound, more=_EXAMPLES),
    operation_class=or_plain_text("123456"),
)
async def wait(
    context: Context,
    request: AnyRequest,
    asked: Asked,
    unseen: Annotated[
        bool,
        Parameter(
            description="`true`: only messages that are not marked as seen.",
            examples=[Example(value=True)],
        ),
    ] = False,
    expect: Annotated[
        Literal["message", "none"],
        Parameter(
            description="`none`: respond 204 if no message matches in time, and 409 if one does.",
            examples=[Example(value="none")],
        ),
    ] = "message",
) -> Response[WholeMessage] | Response[None] | Response[Problem] | Response[str]:
    """Return the first message after `since` that meets every clause, as soon as there is one.

    With `count`, return the first so many, as soon as there are so many. With `Accept: text/plain`, the response is
    only the best code of each message, or with `has=link` its best link. The field `Message-Seq` has the `seq` of the
    last message in the response, and 0 without one; `Next-Since` is the `since` of a call that goes on from there.
    """
    if expect == "none" and asked.count is not None:
        raise BadInput("count", "count: one message is enough to fail expect=none; leave out count or expect.")
    outcome = await wait_search.run(context, request, asked, is_unseen=unseen, is_shown=expect == "message")
    if expect == "message":
        return await wait_search.response(context, asked, outcome)
    fields = wait_search.headers(outcome)
    if outcome.first is None:
        return Response(None, status_code=HTTPStatus.NO_CONTENT, headers=fields)
    return message_response.unexpected(context, _UNEXPECTED_MESSAGE, outcome.first, fields)
