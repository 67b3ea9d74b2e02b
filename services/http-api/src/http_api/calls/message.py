"""GET, PATCH and DELETE /api/messages/{id}: return the whole message, mark it as seen, delete it."""

import uuid
from typing import Annotated

import msgspec
from litestar import Response, delete, get, patch
from litestar.openapi.spec import Example
from litestar.params import Body

from fake_email.errors import DatabaseFull, MessageNotFound
from fake_email.storage import message as stored_message
from http_api.calls import message_response
from http_api.calls.context import Context
from http_api.calls.reader import READER
from http_api.openapi.responses import empty_response, error_responses, json_response
from http_api.protocol import parameters
from http_api.protocol.conditional import check_if_none_match, etag
from http_api.protocol.error_handlers import UNREADABLE_BODY
from http_api.protocol.errors import BadInput
from http_api.protocol.json_body import decode_strictly
from http_api.protocol.parameters import MessageId
from http_api.protocol.request import AnyRequest
from http_api.schemas.message import WHOLE_EXAMPLE, WholeMessage, whole_message


class Seen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `seen` flag of the message."""

    seen: bool


@get(
    "/api/messages/{message_id:str}",
    dependencies=READER,
    operation_id="getMessage",
    tags=["messages"],
    summary="Read a message",
    responses=json_response(WHOLE_EXAMPLE)
    | empty_response(304, "The client has the current message already.")
    | error_responses(BadInput, MessageNotFound),
)
async def message(
    context: Context, request: AnyRequest, message_id: MessageId, token_sha256: bytes | None
) -> Response[WholeMessage] | Response[None]:
    """Return the message: header fields in order, text, HTML, attachments, codes, links, envelope and TLS.

    `authentication` has the check of the sender, which begins when the message is stored and mostly takes less than a
    second. Its end is an `event: checked` of the stream, and changes the `ETag`.
    """
    parsed = parameters.message_id(message_id)
    if "if-none-match" in request.headers:  # then the message may not have to be read
        known = await context.database.run(
            lambda connection: stored_message.changeable(connection, parsed, token_sha256=token_sha256)
        )
        check_if_none_match(request, _tag(parsed, seen=known.seen, check_ended=known.check_ended))
    found = await message_response.fetch(context, parsed, token_sha256=token_sha256)
    headers = {"ETag": _tag(parsed, seen=found.listed.seen, check_ended=found.check.has_ended)}
    return message_response.response(context, whole_message(found), headers)


def _tag(message_id: uuid.UUID, *, seen: bool, check_ended: bool) -> str:
    return etag(message_id, int(seen), int(check_ended))


@patch(
    "/api/messages/{message_id:str}",
    operation_id="updateMessage",
    tags=["messages"],
    summary="Mark a message as seen",
    responses=json_response(Seen(seen=True)) | error_responses(BadInput, MessageNotFound, DatabaseFull, has_body=True),
    exception_handlers=UNREADABLE_BODY,
)
async def mark_message(
    context: Context,
    request: AnyRequest,
    message_id: MessageId,
    data: Annotated[Seen, Body(examples=[Example(value={"seen": True})])],
    token_sha256: bytes | None,
) -> Seen:
    """Set or clear the `seen` flag of the message."""
    seen = decode_strictly(await request.json(), type(data))
    parsed = parameters.message_id(message_id)
    await context.database.write(
        lambda connection: stored_message.mark_seen(connection, parsed, token_sha256=token_sha256, seen=seen.seen)
    )
    return seen


@delete(
    "/api/messages/{message_id:str}",
    operation_id="deleteMessage",
    tags=["messages"],
    summary="Delete a message",
    responses=empty_response(204, "The message is deleted.") | error_responses(BadInput, MessageNotFound, DatabaseFull),
)
async def delete_message(context: Context, message_id: MessageId, token_sha256: bytes | None) -> None:
    """Delete the message; open streams of its mailbox send the event `deleted`."""
    parsed = parameters.message_id(message_id)
    await context.database.write(
        lambda connection: stored_message.delete(connection, parsed, token_sha256=token_sha256)
    )
