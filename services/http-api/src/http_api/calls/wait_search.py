"""The shared part of `wait` and `take`: their parameters, the search that these make, and the response."""

import asyncio
from functools import partial
from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.di import Provide
from litestar.openapi.spec import Example
from litestar.params import Parameter, QueryParameter
from msgspec.structs import asdict

from fake_email.errors import DatabaseAway
from fake_email.storage import attempts
from fake_email.storage.message_conditions import Has
from http_api.calls import message_response
from http_api.calls.context import Context
from http_api.calls.first_match import MAX_NEAR_MISSES, NearMiss, Outcome, Search, first_matches
from http_api.live import match, search_language
from http_api.live.until_disconnect import until_disconnect
from http_api.protocol import parameters, problems, request_fields
from http_api.protocol.accept import quality
from http_api.protocol.errors import Overloaded
from http_api.protocol.parameters import Address, QueryText, SinceOrNow
from http_api.protocol.problems import Problem, ProblemType, problem
from http_api.protocol.request import AnyRequest
from http_api.schemas.attempt import ATTEMPT_EXAMPLE, RefusedAttempt, refused_attempt
from http_api.schemas.message import LISTED_EXAMPLE, WHOLE_EXAMPLE, ListedMessage, WholeMessage

MAX_COUNT = 100
MAX_SECONDS = 120
# Many proxies give up on a response after 30 seconds.
DEFAULT_SECONDS = 25
# The best link is the first of these.
_LINK_KINDS = ("verify", "reset", "login", "other", "unsubscribe")
_IN = "A string in {}, in upper or lower case, or a regular expression (RE2) in slashes, as in /[0-9]{{6}}/."
_IN_TEXT = f"{_IN.format('the text')} An expression is searched for in the first 256 KiB of the text."


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of a search, as the client gave them."""

    address: str
    token_sha256: bytes | None
    since: str | None
    from_: str
    subject: str
    text: str
    has: list[Has]
    query: str
    count: int | None
    timeout: float
    is_plain: bool


async def provide_asked(
    request: AnyRequest,
    address: Address,
    token_sha256: bytes | None,
    since: SinceOrNow = None,
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
    count: Annotated[
        int | None,
        Parameter(
            ge=1,
            le=MAX_COUNT,
            description="Wait for so many messages that match; the response has `messages`.",
            examples=[Example(value=2)],
        ),
    ] = None,
    timeout: Annotated[  # noqa: ASYNC109  # the client sets it
        float,
        Parameter(ge=1, le=MAX_SECONDS, description="The seconds to wait.", examples=[Example(value=25)]),
    ] = DEFAULT_SECONDS,
) -> Asked:
    """The parameters of the call."""
    return Asked(
        address=address,
        token_sha256=token_sha256,
        since=since,
        from_=from_,
        subject=subject,
        text=text,
        has=list(has or ()),
        query=query_text,
        count=count,
        timeout=timeout,
        is_plain=_prefers_plain_text(request),
    )


ASKED = {"asked": Provide(provide_asked)}


class FoundMessage(WholeMessage, frozen=True, kw_only=True):
    """The first message that matches; with `count`, `messages` has the first so many, in order, as in a list."""

    messages: tuple[ListedMessage, ...] | msgspec.UnsetType = msgspec.UNSET


class NoMatch(Problem, frozen=True, kw_only=True):
    """No message matched in time; `near_misses` are the last 20 that did not match, oldest first.

    `refused` has the last 20 attempts to deliver to the mailbox that were refused, deferred or cut, or were duplicates
    of a message that was there. `matched` is the number of messages that matched, when the call waited for more.
    """

    code: Literal["no_match"]
    near_misses: tuple[NearMiss, ...]
    refused: tuple[RefusedAttempt, ...] = ()
    matched: int = 0


_NO_MATCH = problem(ProblemType.NO_MATCH)
NO_MATCH_EXAMPLE = NoMatch(
    **asdict(_NO_MATCH),
    near_misses=(
        NearMiss(
            id=LISTED_EXAMPLE.id,
            seq=LISTED_EXAMPLE.seq,
            from_addr=LISTED_EXAMPLE.from_addr,
            subject="Welcome",
            received_at=LISTED_EXAMPLE.received_at,
            failed=("subject", "has=code"),
        ),
    ),
    refused=(
        RefusedAttempt(
            attempted_at=ATTEMPT_EXAMPLE.attempted_at,
            stage="data",
            reply="552 5.3.4 The message is larger than 26214400 bytes",
            message_id=None,
        ),
    ),
)


FOUND_EXAMPLE = FoundMessage(**asdict(WHOLE_EXAMPLE))


async def run(
    context: Context,
    request: AnyRequest,
    asked: Asked,
    *,
    is_unseen: bool,
    takes: bool = False,
    is_shown: bool = True,
) -> Outcome:
    """The outcome of the search; in plain text, a message that `is_shown` must have something to show.

    Raises BadInput, MailboxNotFound, TooManyStreams and ServiceStopping.
    """
    search = Search(
        address=parameters.address(asked.address),
        token_sha256=asked.token_sha256,
        since=parameters.since_or_now(asked.since),
        clauses=match.clauses(
            from_=asked.from_,
            subject=asked.subject,
            text=asked.text,
            has=_shown_in_plain_text(asked.has) if asked.is_plain and is_shown else asked.has,
            is_unseen=is_unseen,
            query=search_language.parse(asked.query),
        ),
        deadline=asyncio.get_running_loop().time() + asked.timeout,
        count=asked.count or 1,
        takes=takes,
    )
    return await until_disconnect(request, first_matches(context, search))


async def response(
    context: Context, asked: Asked, outcome: Outcome
) -> Response[WholeMessage] | Response[None] | Response[Problem] | Response[str]:
    """The messages that were found, or the problem that they were too few."""
    fields = headers(outcome)
    if outcome.first is None:
        no_match = NoMatch(
            **asdict(_NO_MATCH),
            near_misses=outcome.near_misses,
            refused=await _refused(context, asked),
            matched=outcome.matched,
        )
        return problems.response(no_match, fields)
    if asked.is_plain:
        return Response(_plain_text(asked, outcome), media_type="text/plain", headers=fields)
    messages = msgspec.UNSET if asked.count is None else outcome.messages
    return message_response.response(context, FoundMessage(**asdict(outcome.first), messages=messages), fields)


async def _refused(context: Context, asked: Asked) -> tuple[RefusedAttempt, ...]:
    fetch = partial(attempts.fetch_failed, address=parameters.address(asked.address), limit=MAX_NEAR_MISSES)
    try:
        found = await context.database.run(fetch)
    except (DatabaseAway, Overloaded):  # the call has an answer without them
        return ()
    return tuple(map(refused_attempt, found))


def headers(outcome: Outcome) -> dict[str, str]:
    """The seq of the last message in the response, 0 without one, and the cursor from which to search on."""
    return {"Message-Seq": str(outcome.message_seq), "Next-Since": str(outcome.next_since)}


def _prefers_plain_text(request: AnyRequest) -> bool:
    """True when the client would rather have the code or the link alone than JSON."""
    accept = request_fields.joined(request.scope["headers"], b"accept")
    return quality(accept, "text/plain") > quality(accept, "application/json")


def _shown_in_plain_text(has: list[Has]) -> list[Has]:
    """The parts that the message needs for a plain text: a code, unless the client wants a link."""
    return has if {"code", "link"}.intersection(has) else [*has, "code"]


def _plain_text(asked: Asked, outcome: Outcome) -> str:
    """The best code of each message found, or its best link, one a line."""
    if "code" in _shown_in_plain_text(asked.has):
        return "\n".join(each.codes[0].value for each in outcome.messages)
    best = (min(each.links, key=lambda link: _LINK_KINDS.index(link.kind)) for each in outcome.messages)
    return "\n".join(link.url for link in best)
