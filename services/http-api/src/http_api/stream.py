"""GET /api/inbox/stream: a mailbox as server-sent events, from a cursor on, for good."""

from typing import Annotated

from litestar import get
from litestar.params import Parameter
from litestar.types import ASGIApp

from fake_email import mailboxes
from fake_email.errors import MailboxNotFound
from fake_email.messages import Since
from http_api import parameters
from http_api.api import Api
from http_api.documented import failures
from http_api.event_stream import EventStream
from http_api.problems import BadInput


@get("/api/inbox/stream", media_type="text/event-stream", responses=failures(BadInput, MailboxNotFound))
async def stream(
    api: Api,
    address: str,
    since: str | None = None,
    access_token: str | None = None,
    last_event_id: Annotated[str | None, Parameter(header="Last-Event-ID")] = None,
    authorization: Annotated[str | None, Parameter(header="Authorization")] = None,
) -> ASGIApp:
    """Each message past `since` as `event: message`, `id:` its seq, `data:` the message as in poll.

    `Last-Event-ID`, which a browser sends by itself when it comes back, goes before `since`.
    """
    mailbox_address = parameters.address(address)
    cursor = _cursor(last_event_id, since)
    token_sha256 = parameters.token_sha256(authorization, access_token)
    mailbox = await api.database.run(
        lambda connection: mailboxes.fetch(connection, address=mailbox_address, token_sha256=token_sha256)
    )
    return EventStream(api.streams, mailbox, address=mailbox_address, token_sha256=token_sha256, cursor=cursor)


def _cursor(last_event_id: str | None, since: str | None) -> Since:
    if not last_event_id:
        return parameters.since(since)
    seq = parameters.seq(last_event_id)
    if seq is None:
        raise BadInput("Last-Event-ID", "Last-Event-ID: not the id of an event of this stream.")
    return Since(seq=seq)
