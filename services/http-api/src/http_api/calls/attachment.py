"""GET /api/messages/{id}/attachments/{n}: the content of an attachment, or a range of it."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated, Literal

from litestar import get
from litestar.openapi.spec import Example
from litestar.params import Parameter
from litestar.response import Stream

from fake_email.errors import AttachmentNotFound, MessageNotFound
from fake_email.storage import attachments
from fake_email.storage import source as stored_source
from http_api.calls.context import Context
from http_api.calls.reader import READER
from http_api.openapi.responses import empty_response, error_responses, media_response
from http_api.protocol import content_disposition, origins, parameters
from http_api.protocol.conditional import check_if_none_match, etag, requested_range
from http_api.protocol.errors import BadInput, RangeNotSatisfiable
from http_api.protocol.parameters import AttachmentNumber, MessageId
from http_api.protocol.request import AnyRequest

_OCTET_STREAM = "application/octet-stream"
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"  # RFC 6838 §4.2
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}")
# The types that a browser may show, since nothing in them can run, and what they are sent as.
_SHOWN = {
    **{f"image/{each}": f"image/{each}" for each in ("png", "jpeg", "gif", "webp", "avif", "bmp")},
    "image/jpg": "image/jpeg",
    "text/plain": "text/plain; charset=utf-8",
}
_SHOWN_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


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
    context: Context,
    request: AnyRequest,
    message_id: MessageId,
    number: AttachmentNumber,
    token_sha256: bytes | None,
    disposition: Annotated[
        Literal["attachment", "inline"],
        Parameter(
            description="`inline`: a browser shows it, if it is a picture or plain text.",
            examples=[Example(value="inline")],
        ),
    ] = "attachment",
) -> Stream:
    """Return the attachment at position `number` of `attachments`, as a file to be saved.

    With `disposition=inline`, a picture of pixels or plain text is shown instead, in a sandbox; any other type is still
    saved. Web pages of allowed origins may embed it, if they send their origin in `Referer`.
    """
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
    is_inline = disposition == "inline" and media_type.lower() in _SHOWN
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": content_disposition.attachment(
            wanted.name or content_disposition.default_name(number + 1, media_type),
            media_type,
            is_inline=is_inline,
        ),
        "Content-Length": str(end - start),
        # Not as media_type: Litestar adds a charset to it, or prefers the media type above.
        "Content-Type": media_type,
        "ETag": tag,
        "X-Content-Type-Options": "nosniff",
    }
    if is_inline:
        headers["Content-Security-Policy"] = _SHOWN_POLICY
        headers["Content-Type"] = _SHOWN[media_type.lower()]
        if origins.is_page_of(context.settings.cors_allowed_origins, request.headers.get("referer")):
            headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if status == HTTPStatus.PARTIAL_CONTENT:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{wanted.size}"
    # An attachment without a known position is one piece, for which the whole content is read.
    await context.hold(wanted.size if wanted.start is None else min(wanted.size, 2 * stored_source.PIECE_OCTETS))
    database = context.database_for(attached.octets) if wanted.start is None else context.database
    return Stream(
        _cut(attachments.read(database, attached, wanted, context.whole_content), start, end),
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
