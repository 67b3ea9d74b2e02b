"""A page of a list is weighed before it is read: a light page takes nothing that heavy answers could hold."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair
from support.inside import context_of, streams_of

from fake_email.storage import mailboxes
from fake_email.storage.message_list import END, Cursor
from http_api.calls import message_page
from http_api.calls.message_page import MessagePage, Wanted
from http_api.live.shares import CLIENT_ANSWER_OCTETS, Shares
from http_api.live.streams import Streams
from http_api.protocol.client_address import Client

# As JSON each of its characters takes six.
HEAVY = [message(str(number), "\x01" * 60_000) for number in range(5)]
OTHERS = [Client(address=f"203.0.113.{number}", network=number, is_trusted=False) for number in range(1, 101)]


def take_what_is_heavy(shares: Shares) -> None:
    """Let others hold all memory and all connections for heavy answers."""
    for each in OTHERS:
        shares.memory_for(CLIENT_ANSWER_OCTETS).take_now(each, CLIENT_ANSWER_OCTETS)
        shares.connections_for(CLIENT_ANSWER_OCTETS).take_now(each)


@pytest.fixture
async def streams(pair: Pair) -> AsyncIterator[Streams]:
    async with streams_of(pair) as streams:
        yield streams


@pytest.fixture
async def address(pair: Pair) -> str:
    """A mailbox with heavy messages and then a light one."""
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, *HEAVY, message("light"))
    return address


async def page_after(streams: Streams, address: str, seq: int) -> MessagePage:
    found = await streams.database.run(lambda connection: mailboxes.fetch_many(connection, [address]))
    wanted = Wanted(address=address, token_sha256=None, since=Cursor(seq=seq), before=END, limit=10)
    return await message_page.read(context_of(streams), found[address], wanted)


async def test_a_light_page_of_a_heavy_mailbox_does_not_wait_for_heavy_answers(streams: Streams, address: str) -> None:
    take_what_is_heavy(streams.shares)

    page = await page_after(streams, address, len(HEAVY))

    assert [each["subject"] for each in msgspec.json.decode(page.encoded)] == ["light"]
