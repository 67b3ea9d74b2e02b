"""What a network on the way to the database swallows: the work runs again where there is a way through."""

import asyncio
import os
import socket
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

import psycopg.conninfo
import pytest
from harness import DEADLINE_SECONDS
from structlog.testing import capture_logs

from fake_email.database import Connection, Database, open_database
from fake_email.errors import DatabaseAway

# As long as a commit may take, or longer than a test.
ANSWER_SECONDS = 2 * DEADLINE_SECONDS

Way = Literal["request", "answer"]


class Firewall:
    """Between clients and the database; it can forget one way of a connection, and lets in new ones."""

    def __init__(self, database_url: str, tasks: asyncio.TaskGroup) -> None:
        self._server = psycopg.conninfo.conninfo_to_dict(database_url)
        self._tasks = tasks
        self._forgotten: defaultdict[object, set[Way]] = defaultdict(set)  # by the client's address

    def forget(self, connection: Connection, way: Way) -> None:
        """Swallow what goes this way from now on."""
        with socket.socket(fileno=os.dup(connection.fileno())) as client:
            self._forgotten[client.getsockname()].add(way)

    def admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what both sides of a connection say, until they have ended it."""
        self._tasks.create_task(self._admit(reader, writer))

    async def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        forgotten = self._forgotten[writer.get_extra_info("peername")]
        server_reader, server_writer = await self._connect()
        async with asyncio.TaskGroup() as ways:
            ways.create_task(_pass_on(reader, server_writer, forgotten, "request"))
            ways.create_task(_pass_on(server_reader, writer, forgotten, "answer"))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = str(self._server.get("host", "localhost")), str(self._server.get("port", "5432"))
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, forgotten: set[Way], way: Way) -> None:
    while octets := await reader.read(65_536):
        if way not in forgotten:
            writer.write(octets)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def behind_firewall(database_url: str) -> AsyncIterator[tuple[Database, Firewall]]:
    """A database to be reached through the firewall only, and watched."""
    async with asyncio.TaskGroup() as tasks:
        firewall = Firewall(database_url, tasks)
        async with await asyncio.start_server(firewall.admit, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()
            url = psycopg.conninfo.make_conninfo(database_url, host=host, port=port)
            async with open_database(url, connections=3) as database:
                watch = tasks.create_task(database.watch())
                yield database, firewall
                watch.cancel()


class Losing:
    """Work whose request, or the answer to it, is lost the first `times` that it runs."""

    def __init__(self, firewall: Firewall, way: Way, *, times: int) -> None:
        self.pids: list[int] = []
        self._firewall = firewall
        self._way = way
        self._times = times

    async def __call__(self, connection: Connection) -> None:
        self.pids.append(connection.info.backend_pid)
        if len(self.pids) <= self._times:
            self._firewall.forget(connection, self._way)
        await connection.execute("SELECT 1")


@pytest.mark.parametrize("way", ["request", "answer"])
async def test_what_is_lost_under_way_runs_again_on_another_connection(database_url: str, way: Way) -> None:
    async with behind_firewall(database_url) as (database, firewall), asyncio.timeout(DEADLINE_SECONDS):
        lost_once = Losing(firewall, way, times=1)
        with capture_logs() as logged:
            await database.run(lost_once, answer_seconds=ANSWER_SECONDS)

    first, second = lost_once.pids
    assert first != second
    assert logged == [{"event": "database_connection_stalled", "log_level": "warning"}]


async def test_what_is_lost_again_is_waited_for_as_long_as_it_may_take(database_url: str) -> None:
    async with behind_firewall(database_url) as (database, firewall):
        lost_always = Losing(firewall, "request", times=9)
        with pytest.raises(DatabaseAway):
            await database.run(lost_always, answer_seconds=5)

    assert len(lost_always.pids) == 2


async def test_an_answer_that_the_server_works_on_is_waited_for(database_url: str) -> None:
    runs: list[int] = []

    async def sleep(connection: Connection) -> None:
        runs.append(1)
        await connection.execute("SELECT pg_sleep(3)")

    async with behind_firewall(database_url) as (database, _):
        await database.run(sleep, answer_seconds=ANSWER_SECONDS)

    assert len(runs) == 1
