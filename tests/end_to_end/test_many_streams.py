"""2,000 streams at once through Caddy: each stream gets each message once."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import psycopg
import pytest
from support.content import message
from support.database import incoming_message
from support.harness import DOMAINS, Pair
from support.proxy import API, Proxy
from support.waiting import DEADLINE_SECONDS

from fake_email.command import raise_file_limit
from fake_email.storage import store

STREAMS = 2_000
RESTARTED = 400
AT_ONCE = 50
PATIENCE_SECONDS = 9 * DEADLINE_SECONDS  # a busy machine makes so many TLS handshakes for a minute and more
MAKE_MAILBOXES = """
    INSERT INTO mailbox (address, expires_at)
    SELECT number || '@' || %s, now() + interval '1 hour'
    FROM generate_series(1, %s) AS number
    RETURNING id, address
"""


pytestmark = pytest.mark.timeout(2 * PATIENCE_SECONDS)


@pytest.fixture(autouse=True)
def file_limit() -> None:
    raise_file_limit()


class Follower:
    """A reader of a stream that keeps the ids of its events, and reconnects with the last id."""

    def __init__(self, port: int, tls: ssl.SSLContext, mailbox_id: int, address: str) -> None:
        self.mailbox_id = mailbox_id
        self.ids: list[int] = []
        self._port = port
        self._tls = tls
        self._address = address
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Open the stream, or resume it after the last event."""
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port, ssl=self._tls, server_hostname=API
        )
        last = f"Last-Event-ID: {self.ids[-1]}\r\n" if self.ids else ""
        request = f"GET /api/inbox/stream?address={self._address} HTTP/1.1\r\nHost: {API}\r\n{last}\r\n"
        self._writer.write(request.encode())
        await self._reader.readuntil(b"retry: ")

    async def until(self, last: int) -> None:
        """Read up to the event with the id `last`."""
        assert self._reader
        while not self.ids or self.ids[-1] != last:
            line = await self._reader.readline()
            assert line, "the stream ended"
            if line.startswith(b"id: "):
                self.ids.append(int(line[4:]))

    async def end(self) -> None:
        """Read the rest of the stream, up to the last chunk (RFC 9112 §7.1)."""
        assert self._reader
        assert b"id: " not in await self._reader.readuntil(b"\r\n0\r\n\r\n")
        await self.close()

    async def close(self) -> None:
        """Disconnect, and wait until the connection is closed."""
        if self._writer:
            self._writer.transport.abort()
            with suppress(OSError):
                await self._writer.wait_closed()


@asynccontextmanager
async def following(service: Pair, proxy: Proxy, count: int) -> AsyncIterator[list[Follower]]:
    """Followers that are not yet connected, each of a mailbox of its own."""
    tls = proxy.context()
    with psycopg.connect(service.database_url, autocommit=True) as connection:
        made = connection.execute(MAKE_MAILBOXES, [DOMAINS[0], count]).fetchall()
    followers = [Follower(proxy.https_port, tls, mailbox_id, address) for mailbox_id, address in made]
    try:
        yield followers
    finally:
        await asyncio.gather(*(follower.close() for follower in followers))


async def open_all(followers: Sequence[Follower]) -> None:
    for start in range(0, len(followers), AT_ONCE):
        await asyncio.gather(*(follower.open() for follower in followers[start : start + AT_ONCE]))


async def store_for_all(service: Pair, followers: Sequence[Follower], subject: str) -> None:
    """Store the same message for each follower, in one transaction."""
    connect = psycopg.AsyncConnection.connect
    async with await connect(service.database_url, autocommit=True) as connection:
        await store.store_messages(
            connection, [incoming_message(message(subject), *(follower.mailbox_id for follower in followers))]
        )


async def follow_all(followers: Sequence[Follower], last: int) -> None:
    await asyncio.gather(*(follower.until(last) for follower in followers))


async def test_each_of_2000_streams_gets_its_messages_once_and_in_order(service: Pair, proxy: Proxy) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), following(service, proxy, STREAMS) as followers:
        await open_all(followers)
        await store_for_all(service, followers, "a")
        await store_for_all(service, followers, "b")

        await follow_all(followers, 2)

    assert [follower.ids for follower in followers] == [[1, 2]] * STREAMS


async def test_after_a_restart_each_stream_resumes_without_a_missed_or_repeated_message(
    service: Pair, proxy: Proxy
) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), following(service, proxy, RESTARTED) as followers:
        await open_all(followers)
        await store_for_all(service, followers, "a")
        await follow_all(followers, 1)
        assert await asyncio.to_thread(service.services[0].stop) == 0
        await asyncio.gather(*(follower.end() for follower in followers))
        await store_for_all(service, followers, "b")
        await asyncio.to_thread(service.start_http)

        await open_all(followers)
        await store_for_all(service, followers, "c")
        await follow_all(followers, 3)

    assert [follower.ids for follower in followers] == [[1, 2, 3]] * RESTARTED
