"""GET /api/inbox/timeline: every attempt to deliver mail to a mailbox, stored or not."""

import msgspec
from litestar import get

from fake_email.errors import MailboxNotFound
from fake_email.postgres.connection import Connection
from fake_email.storage import attempts, mailboxes
from fake_email.storage.attempts import Timeline
from http_api.calls.context import Context
from http_api.calls.reader import READER
from http_api.openapi.responses import error_responses, json_response
from http_api.protocol import parameters
from http_api.protocol.errors import BadInput
from http_api.protocol.parameters import Address, rfc3339
from http_api.schemas.attempt import ATTEMPT_EXAMPLE, DeliveryAttempt, delivery_attempt


class OlderAttempts(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts that are only counted; `reply` is null when the client left before one."""

    reply: str | None
    number: int


class EarlyAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to deliver to this address before the mailbox was there, within the last 24 hours."""

    attempted_at: str
    reply: str


class MailboxTimeline(msgspec.Struct, frozen=True, kw_only=True):
    """The attempts to deliver to a mailbox, oldest first: up to 200, and the numbers of the others by their reply."""

    temp_email_addr: str
    attempts: list[DeliveryAttempt]
    others: list[OlderAttempts]
    before: list[EarlyAttempt]


_EXAMPLE = MailboxTimeline(
    temp_email_addr="ann.b@mail.example.org",
    attempts=[ATTEMPT_EXAMPLE],
    others=[OlderAttempts(reply="452 4.2.2 The mailbox is full", number=12)],
    before=[EarlyAttempt(attempted_at="2026-01-31T11:58:40.118043Z", reply="550 5.1.1 No such mailbox")],
)


@get(
    "/api/inbox/timeline",
    dependencies=READER,
    operation_id="getTimeline",
    tags=["mailboxes"],
    summary="Tell what was delivered, refused and cut",
    responses=json_response(_EXAMPLE) | error_responses(BadInput, MailboxNotFound),
)
async def timeline(context: Context, address: Address, token_sha256: bytes | None) -> MailboxTimeline:
    """Answer "why didn't my mail arrive?": list each attempt to deliver to the mailbox, with the reply that it got.

    An attempt that was refused before its recipient was named is not here. `before` has the attempts for this address
    before the mailbox was there. In an open mailbox, `client_addr` and `client_host` are null.
    """
    mailbox_address = parameters.address(address)

    async def read(connection: Connection) -> tuple[Timeline, bool]:
        mailbox = await mailboxes.fetch(connection, address=mailbox_address, token_sha256=token_sha256)
        found = await attempts.fetch_timeline(connection, mailbox.id, address=mailbox_address)
        return found, mailbox.token_sha256 is not None

    found, is_private = await context.database.run(read)
    return MailboxTimeline(
        temp_email_addr=mailbox_address,
        attempts=[delivery_attempt(each, is_private=is_private) for each in found.attempts],
        others=[OlderAttempts(reply=each.reply or None, number=each.number) for each in found.counts],
        before=[EarlyAttempt(attempted_at=rfc3339(each.attempted_at), reply=each.reply) for each in found.early],
    )
