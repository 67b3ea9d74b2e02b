"""GET /api/inbox/stream: a mailbox as server-sent events after a cursor, until the mailbox ends."""

from typing import Annotated

from litestar import get
from litestar.openapi.spec import Example
from litestar.params import HeaderParameter, QueryParameter
from litestar.types import ASGIApp

from fake_email.errors import MailboxNotFound
from fake_email.storage.message_list import Cursor
from http_api.calls.context import Context
from http_api.calls.reader import Ticket, reader_token
from http_api.live import sse
from http_api.live.event_stream import EventStream
from http_api.openapi.responses import error_responses, media_response
from http_api.protocol import parameters, request_fields
from http_api.protocol.accept import accepts
from http_api.protocol.errors import BadInput, NotAcceptable, TooManyStreams
from http_api.protocol.parameters import AccessToken, Address, SinceOrNow
from http_api.protocol.request import AnyRequest

_EVENT_STREAM = "text/event-stream"
_EXAMPLE_EVENT = sse.event("message", {"id": "019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11", "seq": 2}, event_id=2)
_EXAMPLE = (sse.retry(1_000) + _EXAMPLE_EVENT).decode()


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
    address: Address,
    since: SinceOrNow = None,
    access_token: AccessToken = None,
    ticket: Ticket = None,
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

    `Last-Event-ID`, which a browser sends when it reconnects, takes precedence over `since`. `event: deleted`, with the
    `id` and `seq` of a message as `data:`, says that a message before this point of the stream was deleted.
    `event: gone`, with the `temp_email_addr` as `data:`, says that the mailbox expired or was deleted, and ends the
    stream.
    """
    if not accepts(request_fields.joined(request.scope["headers"], b"accept"), _EVENT_STREAM):
        raise NotAcceptable
    mailbox_address = parameters.address(address)
    cursor = _cursor(last_event_id or last_event_id_in_query, since)
    token_sha256 = parameters.token_sha256(request.headers.get("authorization"), access_token)
    token_sha256 = await reader_token(context, request, ticket, token_sha256)
    mailbox = await context.mailbox_lookups.fetch(mailbox_address, token_sha256)
    return EventStream(
        context.streams,
        mailbox.id,
        client=context.client,
        address=mailbox_address,
        token_sha256=token_sha256,
        cursor=cursor or Cursor(seq=mailbox.last_seq),
    )


def _cursor(last_event_id: str | None, since: str | None) -> Cursor | None:
    if not last_event_id:
        return parameters.since_or_now(since)
    seq = parameters.seq(last_event_id)
    if seq is None:
        raise BadInput("Last-Event-ID", "Last-Event-ID: not the id of an event of this stream.")
    return Cursor(seq=seq)
