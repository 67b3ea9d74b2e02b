"""GET /api/messages/{id}/attachments/{n}: the content of an attachment, or a range of it."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from http import HTTPStatus

from litestar import get
from litestar.response import Stream

from fake_email.errors import AttachmentNotFound, MessageNotFound
from fake_email.storage import attachments
from fake_email.storage import source as stored_source
from http_api.calls.context import Context
from http_api.calls.reader import READER
from http_api.openapi.responses import empty_response, error_responses, media_response
from http_api.protocol import content_disposition, parameters
from http_api.protocol.conditional import check_if_none_match, etag, requested_range
from http_api.protocol.errors import BadInput, RangeNotSatisfiable
from http_api.protocol.parameters import AttachmentNumber, MessageId
from http_api.protocol.request import AnyRequest

_OCTET_STREAM = "application/octet-stream"
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"  # RFC 6838 §4.2
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}")


@get(
    "/api/messages/{message_id:str}/attachments/{number:int}",
    dependencies=READER,
    operation_id="getAttachment",
    tags=["messages"],
    summary="Download an attachment",
    media_type=_OCTET_STREAM,
    responses=media_response(
        "*/*", "The whole attachment, with the media type that the message gives it.", example="%PDF-1.7"
    )
    | media_response("*/*", "The range of the attachment.", example="%PDF", status=206)
    | empty_response(304, "The client has the attachment already.")
    | error_responses(BadInput, MessageNotFound, AttachmentNotFound, RangeNotSatisfiable),
)
async def attachment(
    context: Context, request: AnyRequest, message_id: MessageId, number: AttachmentNumber, token_sha256: bytes | None
) -> Stream:
    """Return the attachment at position `number` of `attachments`, as a file to be saved."""
    parsed = parameters.message_id(message_id)
    attached = await context.database.run(
        lambda connection: attachments.find(connection, parsed, token_sha256=token_sha256)
    )
    wanted = attached.by_number(number)
    tag = etag(parsed, number)
    check_if_none_match(request, tag)
    start, end, status = 0, wanted.size, HTTPStatus.OK
    if request.headers.get("if-range", tag) == tag:
        part = requested_range(request.headers.get("range", ""), wanted.size)
        if part:
            start, end, status = *part, HTTPStatus.PARTIAL_CONTENT
    media_type = wanted.type if _MEDIA_TYPE.fullmatch(wanted.type) else _OCTET_STREAM
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": content_disposition.attachment(
            wanted.name or content_disposition.default_name(number + 1, media_type), media_type
        ),
        "Content-Length": str(end - start),
        # Not as media_type: Litestar adds a charset to it, or prefers the media type above.
        "Content-Type": media_type,
        "ETag": tag,
        "X-Content-Type-Options": "nosniff",
    }
    if status == HTTPStatus.PARTIAL_CONTENT:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{wanted.size}"
    # An attachment without a known position is one piece.
    await context.hold(wanted.size if wanted.start is None else min(wanted.size, 2 * stored_source.PIECE_OCTETS))
    return Stream(
        _cut(attachments.read(context.database, attached, wanted, context.whole_content), start, end),
        status_code=status,
        headers=headers,
    )


async def _cut(pieces: AsyncGenerator[bytes, None], start: int, end: int) -> AsyncIterator[bytes]:
    """The octets from `start` up to `end` of the joined pieces."""
    at = 0
    async with aclosing(pieces):
        async for piece in pieces:
            if at + len(piece) > start:
                yield piece[max(0, start - at) : end - at]
            at += len(piece)
            if at >= end:
                return
