"""Counting all messages: once for all calls of the same moment, and not again until the next count is due."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
import pytest
from support.database import is_waited_for, make_mailbox, store
from support.waiting import until

from fake_email.errors import DatabaseAway
from fake_email.postgres.pool import Database, open_database
from http_api.live import message_count
from http_api.live.message_count import MessageCount

LOCK = "LOCK TABLE past_message_count IN ACCESS EXCLUSIVE MODE"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url, connections=2) as database:
        yield database


@asynccontextmanager
async def running(database: Database) -> AsyncIterator[MessageCount]:
    count = MessageCount(database)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(count.run())
        yield count
        task.cancel()


async def test_calls_of_the_same_moment_get_the_same_count_and_so_does_a_later_one(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_count, "LEAST_SECONDS", 3_600)
    address = make_mailbox(database_url)
    async with running(database) as count:
        together = await asyncio.gather(*(count.fetch() for _ in range(10)))
        await store(database_url, address, b"later")
        later = await count.fetch()

    assert [each.stored for each in together] == [0] * 10
    assert {each.counted_at for each in (*together, later)} == {later.counted_at}


async def test_messages_are_counted_anew_once_a_count_is_due(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_count, "LEAST_SECONDS", 0)
    monkeypatch.setattr(message_count, "_PAUSE_FACTOR", 0)
    address = make_mailbox(database_url)
    async with running(database) as count:
        before = await count.fetch()
        await store(database_url, address, b"later")
        after = await count.fetch()

    assert (before.stored, after.stored) == (0, 1)


async def test_a_count_that_failed_is_not_repeated_at_once(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_count, "LEAST_SECONDS", 3_600)
    monkeypatch.setattr(message_count, "_ANSWER_SECONDS", 0.1)
    async with running(database) as count:
        with psycopg.connect(database_url) as locking:
            locking.execute(LOCK)
            with pytest.raises(DatabaseAway):
                await count.fetch()

        with pytest.raises(DatabaseAway):
            await count.fetch()


async def test_a_call_that_leaves_does_not_end_the_count_of_the_others(database: Database, database_url: str) -> None:
    async with running(database) as count:
        with psycopg.connect(database_url) as locking:
            locking.execute(LOCK)
            leaving, staying = (asyncio.ensure_future(count.fetch()) for _ in range(2))
            await until(lambda: is_waited_for(locking))
            leaving.cancel()
            with suppress(asyncio.CancelledError):
                await leaving

        assert (await staying).stored == 0
