"""The messages of one page of a list, as JSON, bounded in octets."""

import asyncio
from collections.abc import Sequence

import msgspec

from fake_email.storage import message_list
from fake_email.storage.mailboxes import MailboxState
from fake_email.storage.message_list import END, Cursor, Listed
from http_api.calls.context import Context
from http_api.live.call_shares import WHOLE_OCTETS
from http_api.schemas.message import listed_message

# A page ends before the message that would pass this size; a larger message comes alone.
PAGE_OCTETS = 1_048_576
# What Postgres sends of so many octets takes this much until it is JSON.
_READING_OCTETS = 6 * PAGE_OCTETS


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The mailbox and the limits of a page."""

    address: str
    token_sha256: bytes | None
    since: Cursor
    before: Cursor
    limit: int


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """Messages, oldest first, and the JSON of all of them; `may_have_more` says that others may follow."""

    messages: Sequence[Listed]
    encoded: bytes
    may_have_more: bool


EMPTY_PAGE = MessagePage(messages=(), encoded=b"[]", may_have_more=False)


async def read(context: Context, mailbox: MailboxState, wanted: Wanted) -> MessagePage:
    """The wanted page of the mailbox; when it is large, the call holds memory for it.

    Raises MailboxNotFound, DatabaseAway and Overloaded.
    """
    if mailbox.stored_octets <= WHOLE_OCTETS:
        _, messages = await context.database.run(
            lambda connection: message_list.read(
                connection,
                address=wanted.address,
                token_sha256=wanted.token_sha256,
                since=wanted.since,
                limit=wanted.limit,
                before=wanted.before,
            )
        )
        encoded = msgspec.json.encode([listed_message(each) for each in messages])
        if len(encoded) <= WHOLE_OCTETS:
            return MessagePage(messages=messages, encoded=encoded, may_have_more=len(messages) == wanted.limit)
    return await _read_short(context, wanted)


async def _read_short(context: Context, wanted: Wanted) -> MessagePage:
    share = await context.hold(_READING_OCTETS)
    page = await context.database.run(
        lambda connection: message_list.read_short(
            connection,
            address=wanted.address,
            token_sha256=wanted.token_sha256,
            since=wanted.since,
            limit=wanted.limit,
            most_octets=PAGE_OCTETS,
            before=wanted.before,
        )
    )
    is_backwards = wanted.before is not END
    encoded: list[bytes] = []
    octets = 0
    for message in reversed(page.messages) if is_backwards else page.messages:
        encoded.append(msgspec.json.encode(listed_message(message)))
        octets += len(encoded[-1])
        if octets > PAGE_OCTETS and len(encoded) > 1:
            encoded.pop()
            break
        await asyncio.sleep(0)  # each message may take milliseconds
    if not encoded:
        context.release_hold()
        return EMPTY_PAGE
    share.shrink(2 * octets)
    count = len(encoded)
    return MessagePage(
        messages=page.messages[-count:] if is_backwards else page.messages[:count],
        encoded=b"[%b]" % b",".join(encoded[::-1] if is_backwards else encoded),
        may_have_more=page.is_short or count < len(page.messages) or count == wanted.limit,
    )
