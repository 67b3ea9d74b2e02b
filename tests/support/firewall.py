"""A firewall between the services and Postgres that can forget connections: they stay open but carry nothing."""

import asyncio
import socket
import struct
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

import psycopg.conninfo

Way = Literal["request", "answer"]


class Firewall:
    """A proxy for Postgres; it lets new connections through after it has forgotten old ones."""

    def __init__(self, database_url: str, tasks: asyncio.TaskGroup) -> None:
        self.url = ""
        self._server = psycopg.conninfo.conninfo_to_dict(database_url)
        self._tasks = tasks
        # By the client's address.
        self._writers: dict[tuple[str, int], asyncio.StreamWriter] = {}
        self._forgotten: defaultdict[tuple[str, int], set[Way]] = defaultdict(set)

    def forget(self, way: Way, client: tuple[str, int] | None = None) -> None:
        """Drop all octets this way on the connection of `client`, or on all present connections."""
        for each in [client] if client else list(self._forgotten):
            self._forgotten[each].add(way)

    def reset(self, client: tuple[str, int]) -> None:
        """End the connection of `client` with a RST."""
        writer = self._writers[client]
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    def admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward the octets of both sides of a connection until both have ended it."""
        self._tasks.create_task(self._admit(reader, writer))

    async def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = writer.get_extra_info("peername")
        self._writers[client] = writer
        forgotten = self._forgotten[client]
        server_reader, server_writer = await self._connect()
        async with asyncio.TaskGroup() as ways:
            ways.create_task(_forward(reader, server_writer, forgotten, "request"))
            ways.create_task(_forward(server_reader, writer, forgotten, "answer"))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = str(self._server.get("host", "localhost")), str(self._server.get("port", "5432"))
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, forgotten: set[Way], way: Way) -> None:
    with suppress(OSError):
        while octets := await reader.read(65_536):
            if way not in forgotten:
                writer.write(octets)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def firewall(database_url: str) -> AsyncIterator[Firewall]:
    """A firewall in front of that database, reached by `url`, until the block and all connections have ended."""
    async with asyncio.TaskGroup() as tasks:
        firewall = Firewall(database_url, tasks)
        async with await asyncio.start_server(firewall.admit, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()
            firewall.url = psycopg.conninfo.make_conninfo(database_url, host=host, port=port)
            yield firewall
