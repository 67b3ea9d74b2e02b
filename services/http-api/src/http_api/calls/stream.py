"""GET /api/inbox/stream: a mailbox, or all of a ticket, as server-sent events after a cursor, until the last ends."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal

from litestar import get
from litestar.openapi.spec import Example
from litestar.params import HeaderParameter, Parameter, QueryParameter
from litestar.types import ASGIApp

from fake_email.errors import MailboxNotFound
from fake_email.storage import message_list, tickets
from fake_email.storage.mailboxes import MailboxState
from fake_email.storage.message_list import START, Cursor
from fake_email.storage.tickets import TicketMailbox
from http_api.calls.context import Context
from http_api.calls.reader import Ticket
from http_api.live import sse
from http_api.live.attempt_feed import AttemptFeed
from http_api.live.event_stream import EventStream
from http_api.live.feed import Feed
from http_api.live.stream_response import StreamResponse
from http_api.openapi.responses import error_responses, media_response
from http_api.protocol import parameters, request_fields, stream_position
from http_api.protocol.accept import accepts
from http_api.protocol.errors import BadInput, NotAcceptable, TooManyStreams
from http_api.protocol.parameters import AccessToken, SinceOrNow
from http_api.protocol.request import AnyRequest

_EVENT_STREAM = "text/event-stream"
_EXAMPLE_EVENT = sse.event("message", {"id": "019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11", "seq": 2}, event_id=2)
_EXAMPLE = (sse.beginning(1_000) + _EXAMPLE_EVENT).decode()


@get(
    "/api/inbox/stream",
    operation_id="streamMessages",
    tags=["new messages"],
    summary="Stream the events of a mailbox",
    media_type=_EVENT_STREAM,
    responses=media_response(
        _EVENT_STREAM,
        "Events, until the mailbox expires or is deleted; `StreamEvents` has the schema of the data of each.",
        example=_EXAMPLE,
    )
    | error_responses(BadInput, NotAcceptable, MailboxNotFound, TooManyStreams),
)
async def stream(
    context: Context,
    request: AnyRequest,
    address: Annotated[
        str | None,
        Parameter(
            description="The address of the mailbox. Without it, a ticket streams all of its mailboxes.",
            examples=[Example(value="annq7mfk2xd@mail.example.org")],
        ),
    ] = None,
    since: SinceOrNow = None,
    access_token: AccessToken = None,
    ticket: Ticket = None,
    events: Annotated[
        Literal["message", "attempt"],
        Parameter(
            description="`attempt`: also send the attempts to deliver mail that were not stored, as in the timeline.",
            examples=[Example(value="attempt")],
        ),
    ] = "message",
    last_event_id: Annotated[
        str | None,
        HeaderParameter(
            name="Last-Event-ID",
            description="The `id` of the last event that the client received.",
            examples=[Example(value="2")],
        ),
    ] = None,
    last_event_id_in_query: Annotated[
        str | None,
        QueryParameter(
            name="lastEventId",
            description="The same, for libraries that put it into the URL; the header field takes precedence.",
            examples=[Example(value="2")],
        ),
    ] = None,
) -> ASGIApp:
    """Send each message after `since` as an event: `event: message`, `id:` its `seq`, `data:` the message as in poll.

    `Last-Event-ID`, which a browser sends when it reconnects, takes precedence over `since`. With `since=now`, the
    stream begins with an `id:` without an event, so that a reader who reconnects misses nothing.

    `event: deleted` reports that a message before this point of the stream was deleted; its `data:` has the `id` and
    `seq` of the message. `event: seen` reports that a message was marked; its `data:` has `seen` too. `event: checked`
    reports that the check of a message's sender has ended; its `data:` has the `status` that `authentication` then has.
    `event: gone` reports that the mailbox expired or was deleted, and ends the stream; its `data:` has the
    `temp_email_addr`. With `events=attempt`, `event: attempt` reports each attempt to deliver mail that was refused,
    deferred or cut, or was a duplicate, as `GET /api/inbox/timeline` does. An attempt is not sent again.

    With a ticket, `data:` has the `temp_email_addr` of each event's mailbox, and `id:` is a position in all mailboxes
    of the ticket, which `Last-Event-ID` and `since` also take with another ticket. `event: gone` comes first for each
    mailbox that was deleted before, and ends the stream with the last mailbox; `event: expired` ends it when the ticket
    ends. A ticket whose mailboxes have all ended opens nothing.
    """
    if not accepts(request_fields.joined(request.scope["headers"], b"accept"), _EVENT_STREAM):
        raise NotAcceptable
    last_event_id = last_event_id or last_event_id_in_query
    token_sha256 = parameters.token_sha256(request.headers.get("authorization"), access_token)
    if ticket and not token_sha256:
        return await _stream_of_ticket(context, ticket, address, last_event_id, since, has_attempts=events == "attempt")
    if address is None:
        raise BadInput("address", "address: missing; only a ticket streams mailboxes without it.")
    mailbox_address = parameters.address(address)
    cursor = _cursor(last_event_id, since)
    mailbox = await context.mailbox_lookups.fetch(mailbox_address, token_sha256)
    feed = _feed(mailbox, token_sha256, cursor or Cursor(seq=mailbox.last_seq), has_attempts=events == "attempt")
    stream = EventStream(context.streams, [feed], client=context.client)
    return StreamResponse(stream, is_from_now=cursor is None)


async def _stream_of_ticket(
    context: Context,
    ticket: str,
    address: str | None,
    last_event_id: str | None,
    since: str | None,
    *,
    has_attempts: bool,
) -> StreamResponse:
    """The stream of the ticket's mailboxes, or of the one with this address."""
    wanted = None if address is None else parameters.address(address)
    seqs = stream_position.decode(last_event_id or since or "")
    cursor = _cursor(last_event_id, since) if seqs is None else Cursor()
    ticket_sha256 = tickets.sha256(ticket)
    mailboxes = await context.database.run(partial(tickets.mailboxes, ticket_sha256=ticket_sha256))
    seconds_left = min((each.seconds_left for each in mailboxes), default=0.0)
    mailboxes = [each for each in mailboxes if wanted in {None, each.address}]
    if not mailboxes and wanted:
        # A wrong ticket is as none, with which an open mailbox can be read.
        mailbox = await context.mailbox_lookups.fetch(wanted, None)
        feed = _feed(mailbox, None, cursor or Cursor(seq=mailbox.last_seq), has_attempts=has_attempts)
        stream = EventStream(context.streams, [feed], client=context.client)
        return StreamResponse(stream, is_from_now=cursor is None)
    if not mailboxes:
        raise MailboxNotFound
    if cursor and cursor.received_at > START.received_at:
        # The id of an event has a seq of each mailbox, also of those that were not read yet.
        passed = await context.database.run(
            partial(message_list.last_seqs, mailbox_ids=[each.id for each in mailboxes], received_at=cursor.received_at)
        )
        seqs = {stream_position.name(each.address): passed.get(each.id, 0) for each in mailboxes}
    feeds = [
        _feed(each, each.token_sha256, _start(each, cursor, seqs), has_attempts=has_attempts) for each in mailboxes
    ]
    if wanted is None:
        # The first read of such a feed finds no mailbox, and the stream tells that.
        gone = await context.database.run(partial(tickets.gone, ticket_sha256=ticket_sha256))
        live = {each.id for each in mailboxes}
        feeds[:0] = [
            Feed(each.id, address=each.address, token_sha256=None, cursor=START) for each in gone if each.id not in live
        ]
    stream = EventStream(context.streams, feeds, client=context.client, ticket_seconds=seconds_left)
    return StreamResponse(stream, is_from_now=cursor is None)


def _feed(mailbox: MailboxState, token_sha256: bytes | None, cursor: Cursor, *, has_attempts: bool) -> Feed:
    if not has_attempts:
        return Feed(mailbox.id, address=mailbox.address, token_sha256=token_sha256, cursor=cursor)
    return AttemptFeed(
        mailbox.id,
        address=mailbox.address,
        token_sha256=token_sha256,
        cursor=cursor,
        is_private=mailbox.token_sha256 is not None,
    )


def _start(mailbox: TicketMailbox, cursor: Cursor | None, seqs: Mapping[str, int] | None) -> Cursor:
    if seqs is not None:
        return Cursor(seq=seqs.get(stream_position.name(mailbox.address), 0))
    return cursor or Cursor(seq=mailbox.last_seq)


def _cursor(last_event_id: str | None, since: str | None) -> Cursor | None:
    if not last_event_id:
        return parameters.since_or_now(since)
    seq = parameters.seq(last_event_id)
    if seq is None:
        raise BadInput("Last-Event-ID", "Last-Event-ID: not the id of an event of this stream.")
    return Cursor(seq=seq)
