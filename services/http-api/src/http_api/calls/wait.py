"""GET /api/inbox/wait: wait for a message that meets all clauses, and return it."""

from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from litestar import Response, get
from litestar.openapi.spec import Example
from litestar.params import Parameter
from msgspec.structs import asdict

from fake_email.errors import MailboxNotFound
from http_api.calls import wait_search, whole_message
from http_api.calls.context import Context
from http_api.calls.first_match import first_matches
from http_api.calls.reader import READER
from http_api.calls.wait_search import (
    DEFAULT_SECONDS,
    NO_MATCH_EXAMPLE,
    From,
    HasAll,
    Subject,
    Text,
    Timeout,
)
from http_api.calls.whole_message import UnexpectedMessage
from http_api.live import match
from http_api.live import query as search_language
from http_api.live.until_disconnect import until_disconnect
from http_api.openapi.responses import empty_response, error_responses, json_response, or_plain_text
from http_api.protocol import problems
from http_api.protocol.errors import BadInput, ServiceStopping, TooManyStreams
from http_api.protocol.parameters import Address, QueryText, SinceOrNow
from http_api.protocol.problems import Problem, ProblemType, problem
from http_api.protocol.request import AnyRequest
from http_api.schemas.message import WHOLE_EXAMPLE, ListedMessage, WholeMessage

MAX_COUNT = 100


class FoundMessage(WholeMessage, frozen=True, kw_only=True):
    """The first message that matches; with `count`, `messages` has the first so many, in order, as in a list."""

    messages: tuple[ListedMessage, ...] | msgspec.UnsetType = msgspec.UNSET


_UNEXPECTED_MESSAGE = problem(ProblemType.UNEXPECTED_MESSAGE)
_EXAMPLE = FoundMessage(**asdict(WHOLE_EXAMPLE))
_EXAMPLES = (NO_MATCH_EXAMPLE, UnexpectedMessage(**asdict(_UNEXPECTED_MESSAGE), message=WHOLE_EXAMPLE))


@get(
    "/api/inbox/wait",
    dependencies=READER,
    operation_id="waitForMessage",
    tags=["new messages"],
    summary="Wait for a message",
    responses=json_response(_EXAMPLE)
    | empty_response(204, "No message matched in time, as expected.")
    | error_responses(BadInput, TooManyStreams, ServiceStopping, MailboxNotFound, more=_EXAMPLES),
    operation_class=or_plain_text("123456"),
)
async def wait(
    context: Context,
    request: AnyRequest,
    address: Address,
    token_sha256: bytes | None,
    since: SinceOrNow = None,
    from_: From = "",
    subject: Subject = "",
    text: Text = "",
    has: HasAll = None,
    unseen: Annotated[
        bool,
        Parameter(
            description="`true`: only messages that are not marked as seen.",
            examples=[Example(value=True)],
        ),
    ] = False,
    count: Annotated[
        int | None,
        Parameter(
            ge=1,
            le=MAX_COUNT,
            description="Wait for so many messages that match; the response has `messages`.",
            examples=[Example(value=2)],
        ),
    ] = None,
    query_text: QueryText = "",
    expect: Annotated[
        Literal["message", "none"],
        Parameter(
            description="`none`: respond 204 if no message matches in time, and 409 if one does.",
            examples=[Example(value="none")],
        ),
    ] = "message",
    timeout: Timeout = DEFAULT_SECONDS,  # noqa: ASYNC109  # the client sets it
) -> Response[WholeMessage] | Response[None] | Response[Problem] | Response[str]:
    """Return the first message after `since` that meets every clause, as soon as there is one.

    With `count`, return the first so many, as soon as there are so many. With `Accept: text/plain`, the response is
    only the best code of each message, or with `has=link` its best link. The field `Message-Seq` has the `seq` of the
    last message in the response, and 0 without one; `Next-Since` is the `since` of a call that goes on from there.
    """
    if expect == "none" and count is not None:
        raise BadInput("count", "count: one message is enough to fail expect=none; leave out count or expect.")
    is_plain = wait_search.prefers_plain_text(request)
    required = wait_search.shown_in_plain_text(has) if is_plain and expect == "message" else list(has or ())
    search = wait_search.search(
        address=address,
        token_sha256=token_sha256,
        since=since,
        clauses=match.clauses(
            from_=from_,
            subject=subject,
            text=text,
            has=required,
            is_unseen=unseen,
            query=search_language.parse(query_text),
        ),
        timeout=timeout,
        count=count or 1,
    )
    outcome = await until_disconnect(request, first_matches(context, search))
    headers = wait_search.headers(outcome)
    found = outcome.first
    if found is None and expect == "none":
        return Response(None, status_code=HTTPStatus.NO_CONTENT, headers=headers)
    if found is None:
        return problems.response(wait_search.no_match(outcome), headers)
    if expect == "none":
        return whole_message.unexpected(context, _UNEXPECTED_MESSAGE, found, headers)
    if is_plain:
        return Response(wait_search.plain_text(outcome, required), media_type="text/plain", headers=headers)
    messages = msgspec.UNSET if count is None else outcome.messages
    return whole_message.response(context, FoundMessage(**asdict(found), messages=messages), headers)
