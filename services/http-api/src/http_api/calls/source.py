"""GET /api/messages/{id}/source: a message as received, after the trace fields of its delivery."""

from litestar import get
from litestar.response import Stream

from fake_email.errors import MessageNotFound
from fake_email.storage import source as stored_source
from http_api.calls.context import Context
from http_api.calls.reader import READER
from http_api.openapi.responses import empty_response, error_responses, media_response
from http_api.protocol import parameters
from http_api.protocol.conditional import check_if_none_match, etag
from http_api.protocol.errors import BadInput
from http_api.protocol.parameters import MessageId
from http_api.protocol.request import AnyRequest

_MEDIA_TYPE = "message/rfc822"
_EXAMPLE = "Return-Path: <bounces@example.com>\r\nSubject: 123456 is your code\r\n\r\nYour code is 123456.\r\n"


@get(
    "/api/messages/{message_id:str}/source",
    dependencies=READER,
    operation_id="getMessageSource",
    tags=["messages"],
    summary="Download the source of a message",
    media_type=_MEDIA_TYPE,
    responses=media_response(_MEDIA_TYPE, "The message.", example=_EXAMPLE)
    | empty_response(304, "The client has the source already.")
    | error_responses(BadInput, MessageNotFound),
)
async def source(context: Context, request: AnyRequest, message_id: MessageId, token_sha256: bytes | None) -> Stream:
    """Return the message as `message/rfc822`: the trace fields, then every byte that was received.

    The trace fields are Return-Path, Authentication-Results once the sender was checked, and Received. A field
    Authentication-Results below our Received came with the message.
    """
    parsed = parameters.message_id(message_id)
    found = await context.database.run(
        lambda connection: stored_source.find(
            connection, parsed, token_sha256=token_sha256, by=context.settings.domain[0]
        )
    )
    tag = etag(parsed, int(found.check_ended))
    check_if_none_match(request, tag)
    await context.hold(2 * stored_source.PIECE_OCTETS)
    return Stream(
        stored_source.read(context.database_for(0, seconds=None), found),
        media_type=_MEDIA_TYPE,
        headers={
            "Content-Length": str(len(found.trace) + found.octets),
            "ETag": tag,
            "X-Content-Type-Options": "nosniff",
        },
    )
