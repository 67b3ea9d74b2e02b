"""GET /api/inbox/poll: the messages of a mailbox after a cursor, at once or as soon as one arrives."""

import asyncio
from typing import Annotated

import msgspec
from litestar import MediaType, Response, get
from litestar.openapi.spec import Example
from litestar.params import Parameter

from fake_email.errors import MailboxNotFound
from fake_email.storage import message_list
from fake_email.storage.mailboxes import MailboxState
from http_api.calls import message_page
from http_api.calls.context import provide_context, shared_context
from http_api.calls.message_page import EMPTY_PAGE, MessagePage, Wanted
from http_api.calls.reader import Ticket, reader_token
from http_api.live.fair_shares import TURN_SECONDS
from http_api.live.repeated_response import keep_response
from http_api.live.until_disconnect import until_disconnect
from http_api.live.waiters import WaitingCall
from http_api.openapi.responses import error_responses, json_response
from http_api.protocol import parameters
from http_api.protocol.errors import BadInput, TooManyStreams
from http_api.protocol.parameters import MAX_LIMIT, Address, Before, Limit, Since
from http_api.protocol.request import AnyRequest
from http_api.schemas.message import LISTED_EXAMPLE, ListedMessage

MAX_WAIT_SECONDS = 60


class Page(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Messages, oldest first; `next_since` is the cursor after the last of them.

    `next_before` is present when the call had `before`, and older messages may exist.
    """

    temp_email_addr: str
    new_mail_count: int
    next_since: str | None
    messages: list[ListedMessage]
    next_before: int | None = None


class _EncodedPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A Page whose messages are JSON already."""

    temp_email_addr: str
    new_mail_count: int
    next_since: str | None
    messages: msgspec.Raw
    next_before: int | None = None


_EXAMPLE = Page(
    temp_email_addr="annq7mfk2xd@mail.example.org",
    new_mail_count=1,
    next_since="2026-01-31T12:07:31.118043Z",
    messages=[LISTED_EXAMPLE],
)


@get(
    "/api/inbox/poll",
    operation_id="listMessages",
    tags=["lists of messages"],
    summary="List messages, or wait for the next one",
    responses=json_response(_EXAMPLE) | error_responses(BadInput, TooManyStreams, MailboxNotFound),
)
async def poll(
    request: AnyRequest,
    address: Address,
    since: Since = None,
    before: Before = None,
    wait: Annotated[
        float,
        Parameter(
            ge=0,
            le=MAX_WAIT_SECONDS,
            description="The seconds to wait for a message before an empty response.",
            examples=[Example(value=25)],
        ),
    ] = 0,
    limit: Limit = MAX_LIMIT,
    ticket: Ticket = None,
) -> Response[bytes]:
    """Return the first `limit` messages after `since`, or the last `limit` messages before `before`."""
    # Not injected: two dependencies would cost as much as all other work of this call, the most frequent of all.
    shared = shared_context(request.app.state)
    token_sha256 = parameters.provide_token(request)
    if ticket:
        token_sha256 = await reader_token(provide_context(request), request, ticket, token_sha256)
    mailbox_address = parameters.address(address)
    cursor = parameters.since(since)
    end = parameters.before(before)
    if wait and before is not None:
        raise BadInput("wait", "wait: a new message is never before an older one; leave out wait or before.")

    deadline = asyncio.get_running_loop().time() + wait

    def seconds_left() -> float:
        return max(deadline - asyncio.get_running_loop().time(), 0)

    async def read() -> tuple[MailboxState, MessagePage]:
        mailbox = await shared.mailbox_lookups.fetch(mailbox_address, token_sha256)
        if not message_list.may_have(mailbox, past=cursor):
            return mailbox, EMPTY_PAGE
        wanted = Wanted(address=mailbox_address, token_sha256=token_sha256, since=cursor, before=end, limit=limit)
        # All calls that wait for one mailbox wake at once: the turn of each comes while it would wait anyway.
        seconds = seconds_left() + TURN_SECONDS
        return mailbox, await message_page.read(provide_context(request), mailbox, wanted, seconds=seconds)

    async def read_until_deadline(mailbox: MailboxState) -> MessagePage:
        nonlocal cursor
        context = provide_context(request)
        waiter, page = WaitingCall(), EMPTY_PAGE
        with (
            context.stream_slots.slot(context.client, mailbox.id),
            context.waiters.watch(mailbox.id, waiter),
        ):
            context.begin_waiting()
            while not page.count and not context.waiters.is_stopping:
                waiter.reset()
                before = mailbox.last_seq
                mailbox, page = await read()
                cursor = message_list.rewind(cursor, before=before, last_seq=mailbox.last_seq)
                if page.count or not seconds_left():
                    break
                context.release_hold()
                await waiter.woken_within(seconds_left())
        return page

    mailbox, page = await read()
    if not page.count and wait > 0:
        page = await until_disconnect(request, read_until_deadline(mailbox))
    else:
        keep_response(request.scope, mailbox)
    answer = _EncodedPage(
        temp_email_addr=mailbox_address,
        new_mail_count=page.count,
        next_since=parameters.rfc3339(page.last_received_at) if page.last_received_at else since,
        messages=msgspec.Raw(page.encoded),
        next_before=page.first_seq if before is not None and page.may_have_more else None,
    )
    return Response(msgspec.json.encode(answer), media_type=MediaType.JSON)
