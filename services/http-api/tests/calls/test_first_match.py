"""The search of a waiting call while its own client has more work than turns: its deadline is kept."""

import asyncio
import threading
from functools import partial

import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair
from support.inside import CLIENT, context_of, streams_of

from fake_email.storage.message_list import START
from http_api.calls.first_match import Search, first_matches
from http_api.live import match
from http_api.protocol.errors import Overloaded


async def test_past_its_deadline_a_search_waits_for_no_turn(pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message("a"))
    async with streams_of(pair) as streams:
        context = context_of(streams)
        looking_up = asyncio.create_task(context.mailbox_lookups.run())
        is_over = threading.Event()
        working = asyncio.create_task(streams.shares.work_threads.run(CLIENT, partial(is_over.wait)))
        await asyncio.sleep(0)
        search = Search(
            address=address,
            token_sha256=None,
            since=START,
            clauses=match.clauses(subject="/nowhere/"),
            deadline=asyncio.get_running_loop().time() - 60,
        )

        try:
            with pytest.raises(Overloaded):
                await first_matches(context, search)
        finally:
            is_over.set()
            looking_up.cancel()
        await working
