"""POST /api/inbox/take: wait for an unseen message, mark it as seen, and return it: each message to one caller."""

from litestar import Response, post

from fake_email.errors import DatabaseFull, MailboxNotFound
from http_api.calls import wait_search, whole_message
from http_api.calls.context import Context
from http_api.calls.first_match import first_matches
from http_api.calls.wait_search import (
    DEFAULT_SECONDS,
    NO_MATCH_EXAMPLE,
    From,
    HasAll,
    Subject,
    Text,
    Timeout,
)
from http_api.live import match
from http_api.live import query as search_language
from http_api.live.until_disconnect import until_disconnect
from http_api.openapi.responses import error_responses, json_response, or_plain_text
from http_api.protocol import problems
from http_api.protocol.errors import BadInput, ServiceStopping, TooManyStreams
from http_api.protocol.parameters import Address, QueryText, SinceOrNow
from http_api.protocol.problems import Problem
from http_api.protocol.request import AnyRequest
from http_api.schemas.message import WHOLE_EXAMPLE, WholeMessage


@post(
    "/api/inbox/take",
    operation_id="takeMessage",
    tags=["new messages"],
    summary="Take the next message",
    status_code=200,
    responses=json_response(WHOLE_EXAMPLE)
    | error_responses(
        BadInput, TooManyStreams, ServiceStopping, MailboxNotFound, DatabaseFull, more=(NO_MATCH_EXAMPLE,)
    ),
    operation_class=or_plain_text("123456"),
)
async def take(
    context: Context,
    request: AnyRequest,
    address: Address,
    token_sha256: bytes | None,
    since: SinceOrNow = None,
    from_: From = "",
    subject: Subject = "",
    text: Text = "",
    has: HasAll = None,
    query_text: QueryText = "",
    timeout: Timeout = DEFAULT_SECONDS,  # noqa: ASYNC109  # the client sets it
) -> Response[WholeMessage] | Response[None] | Response[Problem] | Response[str]:
    """Return the first unseen message that meets every clause, and mark it as seen, so that no other call takes it.

    The call waits as `GET /api/inbox/wait` does, and has the same plain text. Of several calls at the same time, each
    takes another message. A client that loses the response finds the message, marked as seen, with other calls.
    """
    is_plain = wait_search.prefers_plain_text(request)
    required = wait_search.shown_in_plain_text(has) if is_plain else list(has or ())
    search = wait_search.search(
        address=address,
        token_sha256=token_sha256,
        since=since,
        clauses=match.clauses(
            from_=from_,
            subject=subject,
            text=text,
            has=required,
            is_unseen=True,
            query=search_language.parse(query_text),
        ),
        timeout=timeout,
        takes=True,
    )
    outcome = await until_disconnect(request, first_matches(context, search))
    headers = wait_search.headers(outcome)
    if outcome.first is None:
        return problems.response(wait_search.no_match(outcome), headers)
    if is_plain:
        return Response(wait_search.plain_text(outcome, required), media_type="text/plain", headers=headers)
    return whole_message.response(context, outcome.first, headers)
