"""The clauses of the calls that wait for a message, as parameters in their query, and the search that these make."""

import asyncio
from typing import Annotated, Literal

from litestar.openapi.spec import Example
from litestar.params import Parameter, QueryParameter
from msgspec.structs import asdict

from fake_email.storage.message_conditions import Has
from http_api.calls.first_match import NearMiss, Outcome, Search
from http_api.live import match
from http_api.protocol import parameters, request_fields
from http_api.protocol.accept import quality
from http_api.protocol.problems import Problem, ProblemType, problem
from http_api.protocol.request import AnyRequest
from http_api.schemas.message import LISTED_EXAMPLE

MAX_SECONDS = 120
# Many proxies give up on a response after 30 seconds.
DEFAULT_SECONDS = 25
# The best link is the first of these.
_LINK_KINDS = ("verify", "reset", "login", "other", "unsubscribe")
_IN = "A string in {}, in upper or lower case, or a regular expression (RE2) in slashes, as in /[0-9]{{6}}/."
_IN_TEXT = f"{_IN.format('the text')} An expression is searched for in the first 256 KiB of the text."

From = Annotated[
    str, QueryParameter(name="from", description=_IN.format("From"), examples=[Example(value="@example.com")])
]
Subject = Annotated[str, Parameter(description=_IN.format("Subject"), examples=[Example(value="your code")])]
Text = Annotated[str, Parameter(description=_IN_TEXT, examples=[Example(value="/code is [0-9]{6}/")])]
HasAll = Annotated[
    list[Has] | None,
    Parameter(
        description="The message must have this; may be given several times.", examples=[Example(value=["code"])]
    ),
]
Timeout = Annotated[
    float, Parameter(ge=1, le=MAX_SECONDS, description="The seconds to wait.", examples=[Example(value=25)])
]


class NoMatch(Problem, frozen=True, kw_only=True):
    """No message matched in time; `near_misses` are the last 20 that did not match, oldest first.

    `matched` is the number of messages that matched, when the call waited for more.
    """

    code: Literal["no_match"]
    near_misses: tuple[NearMiss, ...]
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
)


def search(
    *,
    address: str,
    token_sha256: bytes | None,
    since: str | None,
    clauses: list[match.Clause],
    timeout: float,
    count: int = 1,
    takes: bool = False,
) -> Search:
    """The search of a call, whose deadline is `timeout` seconds from now; raises BadInput."""
    return Search(
        address=parameters.address(address),
        token_sha256=token_sha256,
        since=parameters.since_or_now(since),
        clauses=clauses,
        deadline=asyncio.get_running_loop().time() + timeout,
        count=count,
        takes=takes,
    )


def no_match(outcome: Outcome) -> NoMatch:
    """The problem of a search that found too few messages."""
    return NoMatch(**asdict(_NO_MATCH), near_misses=outcome.near_misses, matched=outcome.matched)


def headers(outcome: Outcome) -> dict[str, str]:
    """The seq of the last message in the response, 0 without one, and the cursor from which to search on."""
    return {"Message-Seq": str(outcome.message_seq), "Next-Since": str(outcome.next_since)}


def prefers_plain_text(request: AnyRequest) -> bool:
    """True when the client would rather have the code or the link alone than JSON."""
    accept = request_fields.joined(request.scope["headers"], b"accept")
    return quality(accept, "text/plain") > quality(accept, "application/json")


def shown_in_plain_text(has: list[Has] | None) -> list[Has]:
    """What the message must have so that the plain text can show it: a code, unless the client wants a link."""
    required = list(has or ())
    return required if {"code", "link"}.intersection(required) else [*required, "code"]


def plain_text(outcome: Outcome, required: list[Has]) -> str:
    """The best code of each message found, or its best link, one a line."""
    if "code" in required:
        return "\n".join(each.codes[0].value for each in outcome.messages)
    best = (min(each.links, key=lambda link: _LINK_KINDS.index(link.kind)) for each in outcome.messages)
    return "\n".join(link.url for link in best)
