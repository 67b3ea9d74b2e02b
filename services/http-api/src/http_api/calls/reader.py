"""The secret that a GET reads with: the token in `Authorization`, or a ticket in the query, which a link can carry."""

import uuid
from contextlib import suppress
from functools import partial
from typing import Annotated

from litestar.di import Provide
from litestar.openapi.spec import Example
from litestar.params import Parameter

from fake_email.errors import MessageNotFound
from fake_email.storage import tickets
from http_api.calls.context import Context
from http_api.protocol import parameters
from http_api.protocol.errors import BadInput
from http_api.protocol.request import AnyRequest

Ticket = Annotated[
    str | None,
    Parameter(
        description="A ticket for the mailbox, for links, images, frames and EventSource, which send no token.",
        examples=[Example(value="Yf0Zs1kq8bR2tVx6nMw3cHd7jLp5aGu9")],
    ),
]


async def provide_reader_token(context: Context, request: AnyRequest, ticket: Ticket = None) -> bytes | None:
    """The hash of the token in `Authorization`, else of the ticket's token; None also for an unknown ticket."""
    return await reader_token(context, request, ticket, parameters.provide_token(request))


async def reader_token(
    context: Context, request: AnyRequest, ticket: str | None, token_sha256: bytes | None
) -> bytes | None:
    """`token_sha256` if there is one, else the hash of the token of the call's mailbox, if the ticket reads it."""
    if token_sha256 or not ticket:
        return token_sha256
    given: str | None = request.query_params.get("address")
    address: str | None = None
    message_id: uuid.UUID | None = None
    with suppress(BadInput, MessageNotFound):  # which the call itself raises
        address = parameters.address(given) if given else None
        message_id = parameters.message_id(request.path_params.get("message_id", ""))
    return await context.database.run(
        partial(tickets.token_sha256, ticket_sha256=tickets.sha256(ticket), address=address, message_id=message_id)
    )


# The dependencies of a GET that a ticket opens; other methods take no ticket.
READER = {"token_sha256": Provide(provide_reader_token)}
