"""The messages of one page of a list, as JSON, bounded in octets."""

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec.structs import asdict

from fake_email.storage import message_list
from fake_email.storage.mailboxes import MailboxState
from fake_email.storage.message import JSON_FACTOR
from fake_email.storage.message_list import END, Cursor, Listed
from http_api.calls.context import Context
from http_api.live.call_shares import WHOLE_OCTETS
from http_api.schemas.message import listed_message

# A page ends before the message that would pass this size; a larger message comes alone.
PAGE_OCTETS = 1_048_576


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
        _, messages = await context.database.run(partial(message_list.read, **asdict(wanted)))
        encoded = msgspec.json.encode([listed_message(each) for each in messages])
        if len(encoded) <= WHOLE_OCTETS:
            return MessagePage(messages=messages, encoded=encoded, may_have_more=len(messages) == wanted.limit)
    return await _read_short(context, wanted)


async def _read_short(context: Context, wanted: Wanted) -> MessagePage:
    weigh = partial(message_list.weigh_short, **asdict(wanted), most_octets=PAGE_OCTETS)
    most_octets = await context.database.run(weigh)
    held_octets = JSON_FACTOR * most_octets
    share = await context.hold(held_octets) if held_octets > WHOLE_OCTETS else None
    page = await context.database_for(held_octets).run(
        partial(message_list.read_short, **asdict(wanted), most_octets=most_octets)
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
    if share:
        share.shrink(2 * octets)
    count = len(encoded)
    return MessagePage(
        messages=page.messages[-count:] if is_backwards else page.messages[:count],
        encoded=b"[%b]" % b",".join(encoded[::-1] if is_backwards else encoded),
        may_have_more=page.is_short or count < len(page.messages) or count == wanted.limit,
    )
