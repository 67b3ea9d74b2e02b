"""Requests and answers that the network loses: the work runs again on another connection."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from structlog.testing import capture_logs
from support.firewall import Firewall, Way, firewall
from support.waiting import DEADLINE_SECONDS, until

from fake_email.errors import DatabaseAway
from fake_email.postgres.connection import Connection, cut_after
from fake_email.postgres.pool import Database, open_database
from fake_email.postgres.tcp_progress import duplicate_socket

# Longer than a test waits.
ANSWER_SECONDS = 2 * DEADLINE_SECONDS
TCP_CLOSE = b"\x07"  # the kernel's tcp_states.h


@asynccontextmanager
async def behind_firewall(database_url: str) -> AsyncIterator[tuple[Database, Firewall]]:
    """A watched database behind a firewall."""
    async with (
        firewall(database_url) as between,
        open_database(between.url, connections=3) as database,
        asyncio.TaskGroup() as tasks,
    ):
        watch = tasks.create_task(database.watch())
        yield database, between
        watch.cancel()


class Losing:
    """Work whose request, or the answer to it, is lost the first `times` that it runs."""

    def __init__(self, between: Firewall, way: Way, *, times: int) -> None:
        self.pids: list[int] = []
        self._between = between
        self._way = way
        self._times = times

    async def __call__(self, connection: Connection) -> None:
        self.pids.append(connection.info.backend_pid)
        if len(self.pids) <= self._times:
            with duplicate_socket(connection) as client:
                self._between.forget(self._way, client.getsockname())
        await connection.execute("SELECT 1")


@pytest.mark.parametrize("way", ["request", "answer"])
async def test_work_whose_request_or_answer_is_lost_runs_again_on_another_connection(
    database_url: str, way: Way
) -> None:
    async with behind_firewall(database_url) as (database, between), asyncio.timeout(DEADLINE_SECONDS):
        lost_once = Losing(between, way, times=1)
        with capture_logs() as logged:
            await database.run(lost_once, answer_seconds=ANSWER_SECONDS)

    first, second = lost_once.pids
    assert first != second
    assert logged == [{"event": "database_connection_stalled", "log_level": "warning"}]


async def test_work_that_is_lost_again_is_waited_for_until_its_deadline(database_url: str) -> None:
    async with behind_firewall(database_url) as (database, between):
        lost_always = Losing(between, "request", times=9)
        with pytest.raises(DatabaseAway):
            await database.run(lost_always, answer_seconds=5)

    assert len(lost_always.pids) == 2


async def test_work_that_the_server_still_runs_is_not_repeated(database_url: str) -> None:
    runs: list[int] = []

    async def sleep(connection: Connection) -> None:
        runs.append(1)
        await connection.execute("SELECT pg_sleep(3)")

    async with behind_firewall(database_url) as (database, _):
        await database.run(sleep, answer_seconds=ANSWER_SECONDS)

    assert len(runs) == 1


async def test_a_connection_that_was_reset_can_be_cut(database_url: str) -> None:
    failed: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
    async with (
        firewall(database_url) as between,
        await psycopg.AsyncConnection.connect(between.url, autocommit=True) as connection,
    ):
        with duplicate_socket(connection) as client:
            between.reset(client.getsockname())
            await until(lambda: client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == TCP_CLOSE)

        with cut_after(connection, 0):
            for _ in range(2):  # a due timer runs after the callbacks that are ready already
                await asyncio.sleep(0)

    assert failed == []
