"""GET /api/inbox/wait: wait for a message that meets all clauses, and return it."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Literal

from litestar import Response, get
from litestar.openapi.spec import Example
from litestar.params import Parameter, QueryParameter
from msgspec.structs import asdict

from fake_email.errors import MailboxNotFound
from fake_email.storage.message_conditions import Has
from http_api.calls.context import Context
from http_api.calls.first_match import NearMiss, Search, first_match
from http_api.live import match
from http_api.live import query as search_language
from http_api.live.until_disconnect import until_disconnect
from http_api.openapi.responses import empty_response, error_responses, json_response, or_plain_text
from http_api.protocol import parameters, problems, request_fields
from http_api.protocol.accept import quality
from http_api.protocol.errors import BadInput, ServiceStopping, TooManyStreams
from http_api.protocol.parameters import Address, QueryText, Since
from http_api.protocol.problems import Problem, ProblemType, problem
from http_api.protocol.request import AnyRequest
from http_api.schemas.message import LISTED_EXAMPLE, WHOLE_EXAMPLE, WholeMessage

MAX_SECONDS = 120
# Many proxies give up on a response after 30 seconds.
DEFAULT_SECONDS = 25
# The best link is the first of these.
_LINK_KINDS = ("verify", "reset", "login", "other", "unsubscribe")


class NoMatch(Problem, frozen=True, kw_only=True):
    """No message matched in time; `near_misses` are the last 20 that did not match, oldest first."""

    near_misses: tuple[NearMiss, ...]


class UnexpectedMessage(Problem, frozen=True, kw_only=True):
    """A message matched although none was expected."""

    message: WholeMessage


_IN = "A string in {}, in upper or lower case, or a regular expression (RE2) in slashes, as in /[0-9]{{6}}/."
_IN_TEXT = f"{_IN.format('the text')} An expression is searched for in the first 256 KiB of the text."
_NO_MATCH = problem(ProblemType.NO_MATCH)
_UNEXPECTED_MESSAGE = problem(ProblemType.UNEXPECTED_MESSAGE)
_NEAR_MISS = NearMiss(
    id=LISTED_EXAMPLE.id,
    seq=LISTED_EXAMPLE.seq,
    from_addr=LISTED_EXAMPLE.from_addr,
    subject="Welcome",
    received_at=LISTED_EXAMPLE.received_at,
    failed=("subject", "has=code"),
)
_EXAMPLES = (
    NoMatch(**asdict(_NO_MATCH), near_misses=(_NEAR_MISS,)),
    UnexpectedMessage(**asdict(_UNEXPECTED_MESSAGE), message=WHOLE_EXAMPLE),
)


@get(
    "/api/inbox/wait",
    summary="Wait for a message",
    responses=json_response(WHOLE_EXAMPLE)
    | empty_response(204, "No message matched in time, as expected.")
    | error_responses(BadInput, TooManyStreams, ServiceStopping, MailboxNotFound, more=_EXAMPLES),
    operation_class=or_plain_text("123456"),
)
async def wait(
    context: Context,
    request: AnyRequest,
    address: Address,
    token_sha256: bytes | None,
    since: Since = None,
    from_: Annotated[
        str, QueryParameter(name="from", description=_IN.format("From"), examples=[Example(value="@example.com")])
    ] = "",
    subject: Annotated[str, Parameter(description=_IN.format("Subject"), examples=[Example(value="your code")])] = "",
    text: Annotated[str, Parameter(description=_IN_TEXT, examples=[Example(value="/code is [0-9]{6}/")])] = "",
    has: Annotated[
        list[Has] | None,
        Parameter(
            description="The message must have this; may be given several times.", examples=[Example(value=["code"])]
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
    timeout: Annotated[  # noqa: ASYNC109  # the client sets it
        float, Parameter(ge=1, le=MAX_SECONDS, description="The seconds to wait.", examples=[Example(value=25)])
    ] = DEFAULT_SECONDS,
) -> Response[WholeMessage] | Response[None] | Response[Problem] | Response[str]:
    """Return the first message after `since` that meets every clause, as soon as there is one.

    With `Accept: text/plain`, the response is only the best code of the message, or with `has=link` its best link.
    """
    accept = request_fields.joined(request.scope["headers"], b"accept")
    is_plain = quality(accept, "text/plain") > quality(accept, "application/json")
    required = list(has or ())
    if is_plain and expect == "message" and not {"code", "link"}.intersection(required):
        required.append("code")
    search = Search(
        address=parameters.address(address),
        token_sha256=token_sha256,
        since=parameters.since(since),
        clauses=match.clauses(
            from_=from_, subject=subject, text=text, has=required, query=search_language.parse(query_text)
        ),
        client=context.client_addresses.of(request.scope),
        deadline=asyncio.get_running_loop().time() + timeout,
    )
    found, near_misses = await until_disconnect(request, first_match(context, search))
    if found is None and expect == "none":
        return Response(None, status_code=HTTPStatus.NO_CONTENT)
    if found is None:
        return problems.response(NoMatch(**asdict(_NO_MATCH), near_misses=near_misses))
    if expect == "none":
        return problems.response(UnexpectedMessage(**asdict(_UNEXPECTED_MESSAGE), message=found))
    if is_plain:
        return Response(_plain_text(found, required), media_type="text/plain")
    return Response(found)


def _plain_text(found: WholeMessage, required: list[Has]) -> str:
    if "code" in required:
        return found.codes[0].value
    return min(found.links, key=lambda link: _LINK_KINDS.index(link.kind)).url
