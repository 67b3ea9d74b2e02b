"""2,000 streams open at once through the proxy that stands in front in production: each message once, to each."""

import asyncio
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest
from harness import COMMANDS, DEADLINE_SECONDS, DOMAINS, Pair, arrival, deadline, free_port, message

from fake_email import messages
from fake_email.process import raise_file_limit

STREAMS = 2_000
RESTARTED = 400
AT_ONCE = 50
CADDYFILE = """
{{
    admin off
    skip_install_trust
    persist_config off
    auto_https disable_redirects
}}

https://localhost:{port} {{
    bind 127.0.0.1
    tls internal
    reverse_proxy 127.0.0.1:{http_port} {{
        flush_interval -1
    }}
}}
"""
MAKE = """
    INSERT INTO mailbox (address, expires_at)
    SELECT number || '@' || %s, now() + interval '1 hour'
    FROM generate_series(1, %s) AS number
    RETURNING id, address
"""


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Pair]:
    """http-api alone."""
    raise_file_limit()
    service = Pair(database_url, tmp_path)
    try:
        service.start_http()
        yield service
    finally:
        service.end()


@pytest.fixture
def port(service: Pair, tmp_path: Path) -> Iterator[int]:
    """Caddy's, in front of http-api, with a certificate of its own making."""
    port = free_port()
    (tmp_path / "Caddyfile").write_text(CADDYFILE.format(port=port, http_port=service.environ["HTTP_PORT"]))
    command = [str(COMMANDS / "caddy"), "run", "--config", str(tmp_path / "Caddyfile")]
    own = {name: str(tmp_path) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    with (tmp_path / "caddy.log").open("wb") as log:
        caddy = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log)
    try:
        assert any(is_ready(port) for _ in deadline()), (tmp_path / "caddy.log").read_text()
        yield port
    finally:
        caddy.kill()
        caddy.wait(DEADLINE_SECONDS)


def client_tls() -> ssl.SSLContext:
    """Takes any certificate: whose it is, is not what is tested here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def is_ready(port: int) -> bool:
    """Whether Caddy has its certificate."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=1) as connection,
            client_tls().wrap_socket(connection, server_hostname="localhost"),
        ):
            return True
    except OSError:
        return False


class Follower:
    """A reader that keeps the ids of the events it got, comes back with the last of them, and knows its mailbox."""

    def __init__(self, port: int, tls: ssl.SSLContext, mailbox_id: int, address: str) -> None:
        self.mailbox_id = mailbox_id
        self.ids: list[int] = []
        self._port = port
        self._tls = tls
        self._address = address
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Begin, or go on where it was."""
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port, ssl=self._tls, server_hostname="localhost"
        )
        last = f"Last-Event-ID: {self.ids[-1]}\r\n" if self.ids else ""
        request = f"GET /api/inbox/stream?address={self._address} HTTP/1.1\r\nHost: localhost\r\n{last}\r\n"
        self._writer.write(request.encode())
        await self._reader.readuntil(b"retry: ")

    async def until(self, last: int) -> None:
        """Read up to the event with this id."""
        assert self._reader
        while not self.ids or self.ids[-1] != last:
            line = await self._reader.readline()
            assert line, "the stream ended"
            if line.startswith(b"id: "):
                self.ids.append(int(line[4:]))

    async def end(self) -> None:
        """Read what is left, up to the chunk that is the last (RFC 9112 §7.1)."""
        assert self._reader
        assert b"id: " not in await self._reader.readuntil(b"\r\n0\r\n\r\n")
        self.close()

    def close(self) -> None:
        if self._writer:
            self._writer.close()


def make_followers(service: Pair, port: int, count: int) -> list[Follower]:
    """Each of a mailbox of its own."""
    tls = client_tls()
    with psycopg.connect(service.database_url, autocommit=True) as connection:
        made = connection.execute(MAKE, [DOMAINS[0], count]).fetchall()
    return [Follower(port, tls, mailbox_id, address) for mailbox_id, address in made]


async def open_all(followers: Sequence[Follower]) -> None:
    for start in range(0, len(followers), AT_ONCE):
        await asyncio.gather(*(follower.open() for follower in followers[start : start + AT_ONCE]))


async def store_for_all(service: Pair, followers: Sequence[Follower], subject: str) -> None:
    """The same message to each, as one batch of smtp-ingest's would bring it."""
    connect = psycopg.AsyncConnection.connect
    async with await connect(service.database_url, autocommit=True) as connection:
        await messages.store(connection, [arrival(message(subject), *(follower.mailbox_id for follower in followers))])


async def follow_all(followers: Sequence[Follower], last: int) -> None:
    await asyncio.gather(*(follower.until(last) for follower in followers))


async def test_each_of_2000_streams_gets_its_messages_once_and_in_order(service: Pair, port: int) -> None:
    followers = make_followers(service, port, STREAMS)
    async with asyncio.timeout(2 * DEADLINE_SECONDS):
        await open_all(followers)
        await store_for_all(service, followers, "a")
        await store_for_all(service, followers, "b")

        await follow_all(followers, 2)

    assert [follower.ids for follower in followers] == [[1, 2]] * STREAMS
    for follower in followers:
        follower.close()


async def test_after_a_restart_each_stream_goes_on_and_has_missed_nothing_and_got_nothing_twice(
    service: Pair, port: int
) -> None:
    followers = make_followers(service, port, RESTARTED)
    async with asyncio.timeout(2 * DEADLINE_SECONDS):
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
    for follower in followers:
        follower.close()
