"""A replica took its primary's place, and had not got the newest mail yet: readers are ahead of it."""

import asyncio

import httpx
import psycopg
import pytest
from support.content import message
from support.database import store
from support.harness import Pair
from support.inside import CLIENT, opened, streams_of
from support.waiting import DEADLINE_SECONDS, until

from fake_email.storage.message_list import Cursor

_SET_BACK = """
    WITH lost AS (
        DELETE FROM message
        USING mailbox
        WHERE mailbox.id = message.mailbox_id AND mailbox.address = %(address)s AND message.seq > %(seq)s
    )
    UPDATE mailbox
    SET last_seq = %(seq)s
    WHERE address = %(address)s
"""
# After its LISTEN a connection looks for what it missed, and says nothing else, but an empty query now and then.
_TERMINATE_LISTENERS = """
    SELECT pg_terminate_backend(pid)
    FROM pg_stat_activity
    WHERE datname = current_database() AND (query LIKE 'SELECT id, last_seq FROM mailbox %' OR query = '')
"""


def set_back(pair: Pair, address: str, *, seq: int) -> None:
    """Have the mailbox as it was when this was its newest message."""
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute(_SET_BACK, {"address": address, "seq": seq})


async def listen_anew(pair: Pair, http: httpx.AsyncClient) -> None:
    """Cut the API's LISTEN, and return when another one of this API has looked in the table."""

    def looks() -> int:
        return [event["event"] for event in pair.services[-1].events()].count("listening_for_messages")

    before = looks()
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute(_TERMINATE_LISTENERS)
    await until(lambda: looks() > before)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (await http.get("/api/health")).is_success:
            pass


async def test_a_stream_shows_what_comes_in_the_place_of_what_was_lost(pair: Pair, address: str) -> None:
    await store(pair.database_url, address, *(message(f"old {number}") for number in range(3)))
    async with streams_of(pair) as streams, opened(streams, address) as (reader, _):
        await until(lambda: b"old 2" in reader.received)
        set_back(pair, address, seq=1)
        begun = streams.shared_reads.begun
        await streams.database.run(streams.waiters.connected)
        await streams.shared_reads.page(CLIENT, Cursor(seq=3), address=address, token_sha256=None, after=begun)
        await store(pair.database_url, address, message("new"))

        await streams.database.run(streams.waiters.connected)
        await until(lambda: b"new" in reader.received)

    assert reader.received.count(b"event: message") == 4


@pytest.mark.parametrize(("call", "parameter"), [("poll", "wait"), ("wait", "timeout")])
async def test_who_waits_is_answered_with_what_comes_in_the_place_of_what_was_lost(
    pair: Pair, http: httpx.AsyncClient, address: str, call: str, parameter: str
) -> None:
    await store(pair.database_url, address, message("old"))
    asking = {"address": address, "since": "1"}
    waiting = asyncio.create_task(http.get(f"/api/inbox/{call}", params={**asking, parameter: "20"}))
    await http.get(f"/api/inbox/{call}", params={**asking, parameter: "1"})  # what it looks at was looked at once
    set_back(pair, address, seq=0)
    await listen_anew(pair, http)
    await http.get("/api/inbox/poll", params=asking)
    await store(pair.database_url, address, message("new"))

    answer = await waiting

    assert b'"new"' in answer.content
