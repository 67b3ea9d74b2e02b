"""GET /api/inbox/wait: held until a certain message is there, and answered with it."""

import asyncio
from collections import deque
from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from litestar import Response, get
from litestar.openapi.spec import Example
from litestar.params import Parameter, QueryParameter
from msgspec.structs import asdict

from fake_email.errors import DatabaseAway, MailboxNotFound, MessageNotFound
from fake_email.storage import match_candidates, message_list
from fake_email.storage import message as stored_message
from fake_email.storage.mailboxes import MailboxState
from fake_email.storage.match_candidates import MatchCandidate
from fake_email.storage.message_list import Cursor
from http_api.calls.context import Context
from http_api.live import match
from http_api.live.match import Clause, Has
from http_api.live.until_disconnect import until_disconnect
from http_api.live.waiters import WaitingCall
from http_api.openapi.responses import empty_response, error_responses, json_response, or_plain_text
from http_api.protocol import parameters, problems
from http_api.protocol.accept import weight
from http_api.protocol.client_address import Client
from http_api.protocol.errors import BadInput, ServiceStopping, TooManyStreams
from http_api.protocol.parameters import Address, Since, rfc3339
from http_api.protocol.problems import Problem, ProblemType, problem
from http_api.protocol.request import AnyRequest
from http_api.schemas.message import LISTED_EXAMPLE, WHOLE_EXAMPLE, WholeMessage, whole_message

MAX_SECONDS = 120
_PAGE = 20
_LONG_CHARACTERS = 65_536
_NEAR_MISSES = 20
_LOOK_AGAIN_SECONDS = 0.5
_KINDS = ("verify", "reset", "login", "other", "unsubscribe")


class NearMiss(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was looked at, and the clauses that it failed."""

    id: str
    seq: int
    from_addr: str
    subject: str
    received_at: str
    failed: tuple[str, ...]


class NoMatch(Problem, frozen=True, kw_only=True):
    """No message matched in time; `near_misses` are the last that were looked at, oldest first."""

    near_misses: tuple[NearMiss, ...]


class UnexpectedMessage(Problem, frozen=True, kw_only=True):
    """A message came where none should have."""

    message: WholeMessage


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is waited for, where, by whom, and until when on the loop's clock."""

    address: str
    token_sha256: bytes | None
    since: Cursor
    clauses: list[Clause]
    client: Client
    deadline: float


_ABOUT = "{} has this in it: some text, in upper or lower case, or a regular expression (RE2) in slashes, /[0-9]{{6}}/."
_ABOUT_TEXT = f"{_ABOUT.format('The text')} An expression looks through the first 256 KiB of it."
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
    responses=json_response(WHOLE_EXAMPLE)
    | empty_response(204, "Nothing came, as expected.")
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
        str, QueryParameter(name="from", description=_ABOUT.format("From"), examples=[Example(value="@example.com")])
    ] = "",
    subject: Annotated[
        str, Parameter(description=_ABOUT.format("Subject"), examples=[Example(value="your code")])
    ] = "",
    text: Annotated[str, Parameter(description=_ABOUT_TEXT, examples=[Example(value="/code is [0-9]{6}/")])] = "",
    has: Annotated[
        list[Has] | None,
        Parameter(description="What it must have; may be given more than once.", examples=[Example(value=["code"])]),
    ] = None,
    expect: Annotated[
        Literal["message", "none"],
        Parameter(description="none: it is well when no such message comes.", examples=[Example(value="none")]),
    ] = "message",
    timeout: Annotated[  # noqa: ASYNC109  # the client's
        float, Parameter(ge=1, le=MAX_SECONDS, description="Seconds to wait.", examples=[Example(value=30)])
    ] = 30,
) -> Response[WholeMessage] | Response[None] | Response[Problem] | Response[str]:
    """The first message past `since` that meets every clause: one that is there, or else one that comes.

    With `Accept: text/plain` the answer is its best code alone, or with `has=link` its best link.
    """
    accept = ",".join(request.headers.getall("accept", []))
    is_plain = weight(accept, "text/plain") > weight(accept, "application/json")
    kinds = list(has or ())
    if is_plain and expect == "message" and not {"code", "link"}.intersection(kinds):
        kinds.append("code")
    wanted = _Wanted(
        address=parameters.address(address),
        token_sha256=token_sha256,
        since=parameters.since(since),
        clauses=match.clauses(from_=from_, subject=subject, text=text, has=kinds),
        client=context.clients.of(request.scope),
        deadline=asyncio.get_running_loop().time() + timeout,
    )
    near_misses: deque[NearMiss] = deque(maxlen=_NEAR_MISSES)
    found = await until_disconnect(request, _find(context, wanted, near_misses))
    if found is None and expect == "none":
        return Response(None, status_code=HTTPStatus.NO_CONTENT)
    if found is None:
        return problems.response(NoMatch(**asdict(_NO_MATCH), near_misses=tuple(near_misses)))
    if expect == "none":
        return problems.response(UnexpectedMessage(**asdict(_UNEXPECTED_MESSAGE), message=found))
    if is_plain:
        return Response(_plain(found, kinds), media_type="text/plain")
    return Response(found)


async def _find(context: Context, wanted: _Wanted, near_misses: deque[NearMiss]) -> WholeMessage | None:
    """The message that matches, looked for in the table each time that something came, and once more in the end.

    What had come by the end is all looked at, however long that takes.
    """
    mailbox = await context.mailbox_lookups.fetch(wanted.address, wanted.token_sha256)
    waiter = WaitingCall()
    since = wanted.since
    last_seq = None
    with context.stream_slots.slot(wanted.client, mailbox.id), context.waiters.watch(mailbox.id, waiter):
        while True:
            waiter.reset()
            is_over = _left(wanted) <= 0
            before = mailbox.last_seq
            mailbox, looked_at = await _look(context, wanted, since)
            since = message_list.rewind(since, before=before, last_seq=mailbox.last_seq)
            if is_over and last_seq is None:
                last_seq = mailbox.last_seq
            for candidate in looked_at:
                failed = await _failed(context, wanted, candidate)
                found = None if failed else await _open(context, wanted, candidate)
                if found:
                    return found
                if failed:
                    near_misses.append(_near_miss(candidate, failed))
                since = Cursor(seq=candidate.seq)
            if last_seq is not None and (not looked_at or since.seq >= last_seq):
                return None
            if not looked_at:
                if context.waiters.is_stopping:
                    raise ServiceStopping
                await waiter.woken_within(_left(wanted))


def _left(wanted: _Wanted) -> float:
    return wanted.deadline - asyncio.get_running_loop().time()


async def _look(context: Context, wanted: _Wanted, since: Cursor) -> tuple[MailboxState, list[MatchCandidate]]:
    """The mailbox, and what is in it past `since`; while there is time left, a database that is away is waited for."""
    with_text = any(clause.name == "text" for clause in wanted.clauses)
    while True:
        try:
            mailbox = await context.mailbox_lookups.fetch(wanted.address, wanted.token_sha256)
            if not message_list.may_have(mailbox, past=since):
                return mailbox, []
            read = partial(match_candidates.read, mailbox_id=mailbox.id, since=since, limit=_PAGE, with_text=with_text)
            return mailbox, await context.database.run(read)
        except DatabaseAway:
            if _left(wanted) <= 0 or context.waiters.is_stopping:
                raise
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _failed(context: Context, wanted: _Wanted, candidate: MatchCandidate) -> list[str]:
    search = partial(match.failed, wanted.clauses, candidate)
    if len(candidate.text) > _LONG_CHARACTERS or any(clause.is_pattern for clause in wanted.clauses):
        return await context.search_threads.run(wanted.client.network, search)
    return search()


async def _open(context: Context, wanted: _Wanted, candidate: MatchCandidate) -> WholeMessage | None:
    try:
        return whole_message(
            await stored_message.fetch(context.database, candidate.id, token_sha256=wanted.token_sha256)
        )
    except MessageNotFound:  # deleted since
        return None


def _near_miss(candidate: MatchCandidate, failed: list[str]) -> NearMiss:
    return NearMiss(
        id=str(candidate.id),
        seq=candidate.seq,
        from_addr=candidate.from_address or candidate.reverse_path,
        subject=candidate.subject,
        received_at=rfc3339(candidate.received_at),
        failed=tuple(failed),
    )


def _plain(found: WholeMessage, kinds: list[Has]) -> str:
    if "code" in kinds:
        return found.codes[0].value
    return min(found.links, key=lambda link: _KINDS.index(link.kind)).url
