"""The messages of one page of a list, as JSON, bounded in octets."""

import asyncio
import datetime
from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec.structs import asdict

from fake_email.postgres.connection import Connection
from fake_email.storage import listed_json, message_list
from fake_email.storage.listed import Listed
from fake_email.storage.mailboxes import MailboxState
from fake_email.storage.message import JSON_FACTOR
from fake_email.storage.message_list import END, Cursor
from http_api.calls.context import Context
from http_api.live.call_shares import WHOLE_OCTETS
from http_api.live.fair_shares import TURN_SECONDS
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
    """The JSON of some messages, oldest first; `may_have_more` says that others may follow."""

    count: int
    first_seq: int
    last_received_at: datetime.datetime | None
    encoded: bytes
    may_have_more: bool


EMPTY_PAGE = MessagePage(count=0, first_seq=0, last_received_at=None, encoded=b"[]", may_have_more=False)


async def read(
    context: Context, mailbox: MailboxState, wanted: Wanted, *, seconds: float = TURN_SECONDS
) -> MessagePage:
    """The wanted page of the mailbox; when it is large, the call holds memory for it.

    Raises MailboxNotFound, DatabaseAway, and Overloaded when a turn of the client does not come within `seconds`.
    """
    if mailbox.stored_octets <= WHOLE_OCTETS:
        page = await context.database_for(0, seconds=seconds).run(partial(_read_whole, wanted=wanted))
        if len(page.encoded) <= WHOLE_OCTETS:
            return page
    return await _read_short(context, wanted, seconds)


async def _read_whole(connection: Connection, wanted: Wanted) -> MessagePage:
    asked = asdict(wanted)
    written = await listed_json.read(connection, **asked)
    if written:
        return MessagePage(
            count=written.messages,
            first_seq=written.first_seq or 0,
            last_received_at=written.last_received_at,
            encoded=written.json.encode(),
            may_have_more=written.messages == wanted.limit,
        )
    _, messages = await message_list.read(connection, **asked)
    encoded = [msgspec.json.encode(listed_message(each)) for each in messages]
    return _page(messages, encoded, may_have_more=len(messages) == wanted.limit)


def _page(messages: Sequence[Listed], encoded: Sequence[bytes], *, may_have_more: bool) -> MessagePage:
    if not messages:
        return EMPTY_PAGE
    return MessagePage(
        count=len(messages),
        first_seq=messages[0].seq,
        last_received_at=messages[-1].received_at,
        encoded=b"[%b]" % b",".join(encoded),
        may_have_more=may_have_more,
    )


async def _read_short(context: Context, wanted: Wanted, seconds: float) -> MessagePage:
    weigh = partial(message_list.weigh_short, **asdict(wanted), most_octets=PAGE_OCTETS)
    most_octets = await context.database_for(0, seconds=seconds).run(weigh)
    held_octets = JSON_FACTOR * most_octets
    share = await context.hold(held_octets, seconds=seconds) if held_octets > WHOLE_OCTETS else None
    page = await context.database_for(held_octets, seconds=seconds).run(
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
    return _page(
        page.messages[-count:] if is_backwards else page.messages[:count],
        encoded[::-1] if is_backwards else encoded,
        may_have_more=page.is_short or count < len(page.messages) or count == wanted.limit,
    )
