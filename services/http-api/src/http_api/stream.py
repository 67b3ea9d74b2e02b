"""GET /api/inbox/stream: a mailbox as server-sent events (HTML Living Standard §9.2), from a cursor on, for good."""

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import Parameter
from litestar.response import Stream

from fake_email import mailboxes, messages
from fake_email.errors import DatabaseAway, MailboxNotFound
from fake_email.mailboxes import Mailbox
from fake_email.messages import Since
from http_api import parameters
from http_api.api import Api
from http_api.listing import listed_message
from http_api.problems import BadInput

_PAGE = 50
# Proxies and browsers give up a connection that says nothing.
_COMMENT_SECONDS = 15.0
_LOOK_AGAIN_SECONDS = 0.5
_FIRST = b"retry: 1000\n\n"
_COMMENT = b":\n\n"


@get("/api/inbox/stream", media_type="text/event-stream")
async def stream(
    api: Api,
    address: str,
    since: str | None = None,
    access_token: str | None = None,
    last_event_id: Annotated[str | None, Parameter(header="Last-Event-ID")] = None,
    authorization: Annotated[str | None, Parameter(header="Authorization")] = None,
) -> Stream:
    """Each message past `since` as `event: message`, `id:` its seq, `data:` the message as in poll.

    `Last-Event-ID`, which a browser sends by itself when it comes back, goes before `since`.
    """
    mailbox_address = parameters.address(address)
    cursor = _cursor(last_event_id, since)
    token_sha256 = parameters.token_sha256(authorization, access_token)
    mailbox = await api.database.run(
        lambda connection: mailboxes.fetch(connection, address=mailbox_address, token_sha256=token_sha256)
    )
    return Stream(
        _events(api, mailbox, mailbox_address, token_sha256, cursor),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _cursor(last_event_id: str | None, since: str | None) -> Since:
    if not last_event_id:
        return parameters.since(since)
    if not last_event_id.isascii() or not last_event_id.isdigit():
        raise BadInput("Last-Event-ID", "Last-Event-ID: not the id of an event of this stream.")
    return parameters.since(last_event_id)


async def _events(
    api: Api, mailbox: Mailbox, address: str, token_sha256: bytes | None, cursor: Since
) -> AsyncIterator[bytes]:
    with api.arrivals.watch(mailbox.id) as watch:
        yield _FIRST
        while not api.arrivals.has_ended:
            watch.rest()
            try:
                mailbox, listed = await api.database.run(
                    lambda connection: messages.read(
                        connection,
                        address=address,
                        token_sha256=token_sha256,
                        since=cursor,  # noqa: B023  # run is awaited before the next turn
                        limit=_PAGE,
                    )
                )
            except MailboxNotFound:
                return
            except DatabaseAway:
                await watch.grown(_LOOK_AGAIN_SECONDS)
                continue
            for message in listed:
                data = msgspec.json.encode(listed_message(message))
                yield b"event: message\nid: %d\ndata: %s\n\n" % (message.seq, data)
                cursor = Since(seq=message.seq)
            if len(listed) == _PAGE:
                continue
            watch.seen = mailbox.last_seq
            while not await watch.grown(_COMMENT_SECONDS):
                yield _COMMENT
