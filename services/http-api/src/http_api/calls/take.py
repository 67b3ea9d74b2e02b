"""POST /api/inbox/take: wait for unseen messages, mark them as seen, and return them: each message to one caller."""

from litestar import Response, post

from fake_email.errors import DatabaseFull, MailboxNotFound
from http_api.calls import wait_search
from http_api.calls.context import Context
from http_api.calls.wait_search import ASKED, FOUND_EXAMPLE, NO_MATCH_EXAMPLE, Asked
from http_api.openapi.responses import error_responses, json_response, or_plain_text
from http_api.protocol.errors import BadInput, ServiceStopping, TooManyStreams
from http_api.protocol.problems import Problem
from http_api.protocol.request import AnyRequest
from http_api.schemas.message import WholeMessage


@post(
    "/api/inbox/take",
    dependencies=ASKED,
    operation_id="takeMessage",
    tags=["new messages"],
    summary="Take the next message",
    status_code=200,
    responses=json_response(FOUND_EXAMPLE)
    | error_responses(
        BadInput, TooManyStreams, ServiceStopping, MailboxNotFound, DatabaseFull, more=(NO_MATCH_EXAMPLE,)
    ),
    operation_class=or_plain_text("123456"),
)
async def take(
    context: Context, request: AnyRequest, asked: Asked
) -> Response[WholeMessage] | Response[None] | Response[Problem] | Response[str]:
    """Return the first unseen message that meets every clause, and mark it as seen, so that no other call takes it.

    The call waits as `GET /api/inbox/wait` does, and has the same plain text. Of several calls at the same time, each
    takes another message. With `count`, the call takes so many together, or none. A client that loses the response
    finds the messages, marked as seen, with other calls.
    """
    outcome = await wait_search.run(context, request, asked, is_unseen=True, takes=True)
    return await wait_search.response(context, asked, outcome)
