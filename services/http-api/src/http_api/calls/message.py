"""GET, PATCH and DELETE /api/messages/{id}: a message whole, marked as seen, deleted."""

from typing import Annotated

import msgspec
from litestar import Response, delete, get, patch
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec.structs import asdict

from fake_email.errors import DatabaseFull, MessageNotFound
from fake_email.storage import message as stored_message
from fake_email.storage.message import OpenedMessage
from http_api.calls.context import Api
from http_api.openapi.responses import empty_response, error_responses, json_response
from http_api.protocol import parameters
from http_api.protocol.conditional import check_if_none_match, etag
from http_api.protocol.error_handlers import UNREADABLE_BODY
from http_api.protocol.errors import BadInput
from http_api.protocol.json_body import decode_strictly
from http_api.protocol.parameters import MessageId
from http_api.protocol.request import AnyRequest
from http_api.schemas import message as message_schema
from http_api.schemas.message import ListedMessage, listed_message


class HeaderField(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the header: its name as written, its value unfolded and decoded, at most 16 KiB of it."""

    name: str
    value: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """How the message came: MAIL's and RCPT's arguments, the client's address, its name for itself, the protocol."""

    reverse_path: str
    recipient: str
    client_address: str
    host_name: str
    protocol: str


class WholeMessage(ListedMessage, frozen=True, kw_only=True):
    """A message, whole: what lists show of it, and the rest; `text` and `html` are at most 1 MiB of characters each."""

    temp_email_addr: str
    headers: tuple[HeaderField, ...]
    text: str
    html: str | None
    envelope: Envelope
    tls: str | None


class Seen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether somebody saw the message."""

    seen: bool


EXAMPLE = WholeMessage(
    **asdict(message_schema.EXAMPLE),
    temp_email_addr="annq7mfk2xd@mail.example.org",
    headers=(
        HeaderField(name="From", value="Example <hello@example.com>"),
        HeaderField(name="To", value="annq7mfk2xd@mail.example.org"),
        HeaderField(name="Subject", value="123456 is your code"),
    ),
    text="Your code is 123456.",
    html="<p>Your code is <b>123456</b>.</p>",
    envelope=Envelope(
        reverse_path="bounces@example.com",
        recipient="annq7mfk2xd@mail.example.org",
        client_address="192.0.2.1",
        host_name="mta.example.com",
        protocol="ESMTPS",
    ),
    tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
)


@get(
    "/api/messages/{message_id:str}",
    responses=json_response(EXAMPLE) | empty_response(304, "As before.") | error_responses(MessageNotFound),
)
async def message(
    api: Api, request: AnyRequest, message_id: MessageId, token_sha256: bytes | None
) -> Response[WholeMessage]:
    """All of a message but its octets: header fields in order, text, HTML, attachments, codes, links, envelope, TLS."""
    parsed = parameters.message_id(message_id)
    found = await stored_message.fetch(api.database, parsed, token_sha256=token_sha256)
    tag = etag(parsed, int(found.listed.seen))
    check_if_none_match(request, tag)
    return Response(whole_message(found), headers={"ETag": tag})


@patch(
    "/api/messages/{message_id:str}",
    responses=json_response(Seen(seen=True)) | error_responses(BadInput, MessageNotFound, DatabaseFull, has_body=True),
    exception_handlers=UNREADABLE_BODY,
)
async def mark_message(
    api: Api,
    request: AnyRequest,
    message_id: MessageId,
    data: Annotated[Seen, Body(examples=[Example(value={"seen": True})])],
    token_sha256: bytes | None,
) -> Seen:
    """Keep whether somebody saw the message."""
    seen = decode_strictly(await request.json(), type(data))
    parsed = parameters.message_id(message_id)
    await api.database.write(
        lambda connection: stored_message.mark_seen(connection, parsed, token_sha256=token_sha256, seen=seen.seen)
    )
    return seen


@delete(
    "/api/messages/{message_id:str}",
    responses=empty_response(204, "The message is gone.") | error_responses(MessageNotFound, DatabaseFull),
)
async def delete_message(api: Api, message_id: MessageId, token_sha256: bytes | None) -> None:
    """Delete the message; open streams of its mailbox say so."""
    parsed = parameters.message_id(message_id)
    await api.database.write(lambda connection: stored_message.delete(connection, parsed, token_sha256=token_sha256))


def whole_message(found: OpenedMessage) -> WholeMessage:
    """A message under its public names."""
    listed = found.listed
    return WholeMessage(
        **asdict(listed_message(listed)),
        temp_email_addr=found.address,
        headers=tuple(HeaderField(name=name, value=value) for name, value in found.fields),
        text=found.text,
        html=found.html,
        envelope=Envelope(
            reverse_path=listed.reverse_path,
            recipient=listed.recipient,
            client_address=found.trace.client_address,
            host_name=found.trace.host_name,
            protocol=found.trace.protocol,
        ),
        tls=found.trace.tls or None,
    )
