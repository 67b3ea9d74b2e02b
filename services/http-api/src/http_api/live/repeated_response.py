"""A call whose response is the same as before: one look at its mailbox, then the kept response instead of the call.

A list of messages depends on the call, its token and the messages alone. The look checks the token and the revision of
the mailbox each time, so no other process needs to know of the responses kept here.
"""

import time
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus

from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from fake_email.batching import QueueFull
from fake_email.errors import DatabaseAway, ServiceError
from fake_email.storage.mailboxes import MailboxState, may_read
from http_api.live.kept_responses import SECONDS, Asked, KeptResponse, KeptResponses
from http_api.live.mailbox_lookups import MailboxLookups
from http_api.protocol import parameters, problems

# The calls whose responses may be kept.
PATHS = frozenset({"/api/inbox/poll", "/api/inbox/messages"})
_STATE_KEY = "shown_mailbox"


def keep_response(scope: Scope, mailbox: MailboxState) -> None:
    """Let the response of this call be kept, which depends on its query, its token and this mailbox's messages alone.

    The messages were read after `mailbox`, so that the response is never older than the revision.
    """
    scope["state"][_STATE_KEY] = mailbox


def repeating(application: ASGIApp, responses: KeptResponses, lookups: Callable[[], MailboxLookups]) -> ASGIApp:
    """The application, which is not called where a kept response is still right."""

    def call(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.HTTP and scope["method"] == HttpMethod.GET and scope["path"] in PATHS:
            return _repeat(application, responses, lookups(), scope, receive, send)
        return application(scope, receive, send)

    return call


async def _repeat(
    application: ASGIApp,
    responses: KeptResponses,
    lookups: MailboxLookups,
    scope: HTTPScope,
    receive: Receive,
    send: Send,
) -> None:
    asked = Asked(path=scope["path"], query=scope["query_string"], token_sha256=_token_sha256(scope["headers"]))
    if response := responses.find(asked, time.monotonic()):
        try:
            if (await lookups.fetch(response.address, asked.token_sha256)).revision == response.revision:
                await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": response.headers})
                await send({"type": "http.response.body", "body": response.body, "more_body": False})
                return
        except (DatabaseAway, QueueFull) as error:
            await problems.send_error(send, error)
            return
        except ServiceError:
            pass  # the call itself says it
    sent = _Sent(send)
    await application(scope, receive, sent)
    mailbox = scope["state"].get(_STATE_KEY)
    # A ticket may have opened a mailbox that the look would not open.
    if isinstance(mailbox, MailboxState) and may_read(mailbox.token_sha256, asked.token_sha256) and sent.is_whole:
        now = time.monotonic()
        response = KeptResponse(
            address=mailbox.address,
            revision=mailbox.revision,
            headers=sent.headers,
            body=sent.body,
            until=now + SECONDS,
        )
        responses.keep(asked, response, now)


def _token_sha256(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    for name, value in headers:
        if name == b"authorization":
            return parameters.token_sha256(value.decode("latin-1"))
    return None


class _Sent:
    """A `send` that remembers the response; `is_whole` when it has status 200 and came in one piece."""

    __slots__ = ("_send", "_status", "body", "headers", "is_whole")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._status = 0
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        self.body = b""
        self.is_whole = False

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self.headers = tuple(message["headers"])
        elif message["type"] == "http.response.body":
            self.is_whole = self._status == HTTPStatus.OK and not message["more_body"]
            self.body = message["body"]
            self._status = 0  # of a second piece
        return self._send(message)
