"""GET, PATCH and DELETE /api/inbox: describe a mailbox, move its expiry, delete it."""

from typing import Annotated

import msgspec
from litestar import delete, get, patch
from litestar.openapi.spec import Example
from litestar.params import Body

from fake_email.errors import DatabaseFull, MailboxNotFound, OperatorsMailbox
from fake_email.postgres.connection import Connection
from fake_email.settings import MAX_TTL_SECONDS, MIN_TTL_SECONDS, Settings
from fake_email.storage import mailboxes
from fake_email.storage.mailboxes import Mailbox, MailboxDetail
from http_api.calls.context import Context
from http_api.calls.reader import READER
from http_api.openapi.responses import empty_response, error_responses, json_response
from http_api.protocol import parameters
from http_api.protocol.error_handlers import UNREADABLE_BODY
from http_api.protocol.errors import BadInput
from http_api.protocol.json_body import decode_strictly
from http_api.protocol.parameters import Address, rfc3339
from http_api.protocol.request import AnyRequest


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """The most that the mailbox holds, in messages and in bytes; mail beyond the quota is deferred."""

    messages: int
    octets: int


class Inbox(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox; `last_seq` is the `seq` of its newest message, or 0 if it never had one.

    `changes` grows each time a message is deleted or marked; a client that sees it jump lists the messages anew.
    """

    temp_email_addr: str
    private: bool
    created_at: str
    expires_at: str
    message_count: int
    unseen_count: int
    stored_octets: int
    quota: Quota
    last_seq: int
    last_received_at: str | None
    changes: int


class NewExpiry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The new lifetime of the mailbox, in seconds from now."""

    ttl_seconds: Annotated[int, msgspec.Meta(ge=MIN_TTL_SECONDS, le=MAX_TTL_SECONDS)]


_EXAMPLE = Inbox(
    temp_email_addr="annq7mfk2xd@mail.example.org",
    private=True,
    created_at="2026-01-31T12:00:00.000000Z",
    expires_at="2026-02-01T12:00:00.000000Z",
    message_count=2,
    unseen_count=1,
    stored_octets=48_213,
    quota=Quota(messages=500, octets=104_857_600),
    last_seq=2,
    last_received_at="2026-01-31T12:07:31.118043Z",
    changes=0,
)


@get(
    "/api/inbox",
    dependencies=READER,
    operation_id="getMailbox",
    tags=["mailboxes"],
    summary="Describe a mailbox",
    responses=json_response(_EXAMPLE) | error_responses(BadInput, MailboxNotFound),
)
async def inbox(context: Context, address: Address, token_sha256: bytes | None) -> Inbox:
    """Describe the mailbox: its expiry, its messages, its size and its quota."""
    mailbox_address = parameters.address(address)

    async def read(connection: Connection) -> tuple[Mailbox, MailboxDetail]:
        mailbox = await mailboxes.fetch(connection, address=mailbox_address, token_sha256=token_sha256)
        return mailbox, await mailboxes.fetch_detail(connection, mailbox.id)

    return _inbox(context.settings, mailbox_address, *await context.database.run(read))


@patch(
    "/api/inbox",
    operation_id="updateMailbox",
    tags=["mailboxes"],
    summary="Move the expiry of a mailbox",
    responses=json_response(_EXAMPLE)
    | error_responses(BadInput, MailboxNotFound, OperatorsMailbox, DatabaseFull, has_body=True),
    exception_handlers=UNREADABLE_BODY,
)
async def prolong_inbox(
    context: Context,
    request: AnyRequest,
    address: Address,
    data: Annotated[NewExpiry, Body(examples=[Example(value={"ttl_seconds": 3600})])],
    token_sha256: bytes | None,
) -> Inbox:
    """Make the mailbox expire in `ttl_seconds` seconds from now, but at most seven days after its creation."""
    ttl_seconds = decode_strictly(await request.json(), type(data)).ttl_seconds
    mailbox_address = parameters.address(address)

    async def prolong(connection: Connection) -> tuple[Mailbox, MailboxDetail]:
        mailbox = await mailboxes.fetch(connection, address=mailbox_address, token_sha256=token_sha256)
        await mailboxes.extend(connection, mailbox, ttl_seconds=ttl_seconds)
        return mailbox, await mailboxes.fetch_detail(connection, mailbox.id)

    return _inbox(context.settings, mailbox_address, *await context.database.write(prolong))


@delete(
    "/api/inbox",
    operation_id="deleteMailbox",
    tags=["mailboxes"],
    summary="Delete a mailbox",
    responses=empty_response(204, "The mailbox is deleted.")
    | error_responses(BadInput, MailboxNotFound, OperatorsMailbox, DatabaseFull),
)
async def delete_inbox(context: Context, address: Address, token_sha256: bytes | None) -> None:
    """Delete the mailbox and its messages; the address is not given out again for 90 days, an exact name never."""
    mailbox_address = parameters.address(address)

    async def remove(connection: Connection) -> None:
        mailbox = await mailboxes.fetch(connection, address=mailbox_address, token_sha256=token_sha256)
        await mailboxes.delete(connection, mailbox.id)

    await context.database.write(remove)


def _inbox(settings: Settings, address: str, mailbox: Mailbox, detail: MailboxDetail) -> Inbox:
    return Inbox(
        temp_email_addr=address,
        private=mailbox.token_sha256 is not None,
        created_at=rfc3339(detail.created_at),
        expires_at=rfc3339(detail.expires_at),
        message_count=detail.message_count,
        unseen_count=detail.unseen_count,
        stored_octets=detail.stored_octets,
        quota=Quota(messages=settings.mailbox_quota_messages, octets=settings.mailbox_quota_octets),
        last_seq=detail.last_seq,
        last_received_at=rfc3339(detail.last_received_at) if detail.last_received_at else None,
        changes=detail.changes,
    )
