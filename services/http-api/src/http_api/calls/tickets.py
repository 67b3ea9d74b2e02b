"""POST /api/tickets: a ticket that reads some mailboxes, for URLs, so that no token is ever in one."""

from functools import partial
from typing import Annotated

import msgspec
from litestar import post
from litestar.openapi.spec import Example
from litestar.params import Body

from fake_email.errors import DatabaseFull, MailboxNotFound
from fake_email.settings import MAX_TTL_SECONDS
from fake_email.storage import mailboxes, tickets
from fake_email.storage.tickets import DEFAULT_SECONDS, MAX_MAILBOXES, MIN_SECONDS
from http_api.calls.context import Context
from http_api.openapi.responses import error_responses, json_response
from http_api.protocol import parameters
from http_api.protocol.error_handlers import UNREADABLE_BODY
from http_api.protocol.errors import BadInput
from http_api.protocol.json_body import decode_strictly
from http_api.protocol.parameters import rfc3339
from http_api.protocol.problems import ProblemType, problem
from http_api.protocol.request import FAILED_TOKENS, AnyRequest


class TicketMailbox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mailbox by its address; a private one with its token."""

    address: str
    token: str | None = None


class NewTicket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mailboxes that the ticket reads, and its lifetime in seconds."""

    mailboxes: Annotated[list[TicketMailbox], msgspec.Meta(min_length=1, max_length=MAX_MAILBOXES)]
    ttl_seconds: Annotated[int, msgspec.Meta(ge=MIN_SECONDS, le=MAX_TTL_SECONDS)] = DEFAULT_SECONDS


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """The ticket, which is never shown again, and when it expires."""

    ticket: str
    expires_at: str


_EXAMPLE = Ticket(ticket="Yf0Zs1kq8bR2tVx6nMw3cHd7jLp5aGu9", expires_at="2026-01-31T13:00:00.000000Z")
_ASKED = {
    "mailboxes": [
        {"address": "annq7mfk2xd@mail.example.org", "token": "kD3vB0pQ9yWm2fJx7sLz1aRt5uHc8nEo"},
        {"address": "bobz4tn8wqe@mail.example.org"},
    ],
    "ttl_seconds": 600,
}


@post(
    "/api/tickets",
    operation_id="createTicket",
    tags=["mailboxes"],
    summary="Make a ticket for some mailboxes",
    responses=json_response(_EXAMPLE, status=201)
    | error_responses(
        *(BadInput, MailboxNotFound, DatabaseFull),
        has_body=True,
        more=(problem(ProblemType.ORIGIN_REFUSED, field="Origin"),),
    ),
    exception_handlers=UNREADABLE_BODY,
    security=[{}],
)
async def create_ticket(
    context: Context, request: AnyRequest, data: Annotated[NewTicket, Body(examples=[Example(value=_ASKED)])]
) -> Ticket:
    """Make a ticket that opens, as `?ticket=`, every GET of up to 50 mailboxes and no other method.

    It expires after `ttl_seconds`, and with the first of its mailboxes at the latest. If one of the mailboxes cannot be
    read, no ticket is made, and each wrong token counts as one.
    """
    wanted = decode_strictly(await request.json(), type(data))
    addresses = [parameters.address(each.address) for each in wanted.mailboxes]
    hashes = [parameters.token_sha256(None, each.token) for each in wanted.mailboxes]
    found = await context.database.run(partial(mailboxes.fetch_many, addresses=addresses))
    asked = [(found.get(address), token) for address, token in zip(addresses, hashes, strict=True)]
    try:
        made = await context.database.write(
            partial(tickets.create, asked=[*dict.fromkeys(asked)], ttl_seconds=wanted.ttl_seconds)
        )
    except MailboxNotFound:
        request.scope["state"][FAILED_TOKENS] = sum(
            token is not None and not (mailbox and mailboxes.may_read(mailbox.token_sha256, token))
            for mailbox, token in asked
        )
        raise
    return Ticket(ticket=made.secret, expires_at=rfc3339(made.expires_at))
