"""Restarts of the daemon under load: no acknowledged message is lost, and none is stored twice."""

import asyncio
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from support.content import message
from support.database import make_mailbox
from support.harness import Pair, Service
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, until

SENDERS = 50


class Sender:
    """A client that sends message after message, and retries each until it is acknowledged (RFC 5321 §4.5.4.1)."""

    def __init__(self, number: int, port: int, address: str) -> None:
        self._number = number
        self._port = port
        self._address = address
        self._begun = 0
        self.acknowledged: list[bytes] = []
        self.is_enough = False

    async def run(self) -> None:
        """Send until `is_enough` is set and every message begun is acknowledged."""
        while self._has_more():
            with suppress(ConnectionError, EOFError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                with closing(writer):
                    await self._converse(SmtpClient(reader, writer))

    def _has_more(self) -> bool:
        return not self.is_enough or len(self.acknowledged) < self._begun

    async def _converse(self, client: SmtpClient) -> None:
        """Send messages in one session until the daemon ends it."""
        code = (await client.reply()).code
        while code in {220, 250} and self._has_more():
            content = message(f"{self._number}, {len(self.acknowledged)}", "Word for word.\r\n" * 100)
            self._begun = len(self.acknowledged) + 1
            code = await self._send(client, content)
            if code == 250:
                self.acknowledged.append(content)
        assert code < 500

    async def _send(self, client: SmtpClient, content: bytes) -> int:
        """The code after the final dot, or the first code that is not a success."""
        lines = ("EHLO client.test", "MAIL FROM:<writer@client.test>", f"RCPT TO:<{self._address}>", "DATA")
        for line in lines:
            reply = await client.command(line)
            if reply.code not in {250, 354}:
                return reply.code
        await client.send(content + b".\r\n")
        return (await client.reply()).code


def all_stored(database_url: str, addresses: list[str]) -> Counter[bytes]:
    """The content of every message in these mailboxes, with its number of copies."""
    query = """
        SELECT content
        FROM message
        JOIN mailbox ON mailbox.id = message.mailbox_id
        WHERE mailbox.address = ANY(%s)
    """
    with psycopg.connect(database_url) as connection:
        return Counter(bytes(content) for (content,) in connection.execute(query, [addresses]))


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """The socket that outlives each daemon, as the socket of a socket unit does."""
    with socket.create_server(("127.0.0.1", 0), backlog=SENDERS) as listening:
        yield listening


def terminate(service: Service) -> None:
    service.process.terminate()


def terminate_twice(service: Service) -> None:
    service.process.terminate()
    service.wait_for_event("stopping")
    service.process.terminate()


def kill(service: Service) -> None:
    service.process.send_signal(signal.SIGKILL)


async def serve(daemon: Pair, listening: socket.socket, senders: list[Sender], stop: Callable[[Service], None]) -> int:
    """Start a daemon, wait until it has acknowledged two messages per sender, stop it; returns its exit status."""
    goal = acknowledged(senders) + 2 * len(senders)
    service = await asyncio.to_thread(daemon.start_smtp, [listening])
    await until(lambda: acknowledged(senders) >= goal)
    await asyncio.to_thread(stop, service)
    return await asyncio.to_thread(service.process.wait, DEADLINE_SECONDS)


def acknowledged(senders: list[Sender]) -> int:
    return sum(len(sender.acknowledged) for sender in senders)


@pytest.mark.parametrize(
    ("stop", "restarts", "expected"),
    [(terminate, 10, {0}), (terminate_twice, 2, {0, -signal.SIGTERM}), (kill, 2, {-signal.SIGKILL})],
    ids=["SIGTERM", "SIGTERM twice", "SIGKILL"],
)
@pytest.mark.timeout(180)  # ten starts, on a machine that may be busy
async def test_restarts_under_load_lose_no_message_and_store_none_twice(
    database_url: str,
    tmp_path: Path,
    listening: socket.socket,
    stop: Callable[[Service], None],
    restarts: int,
    expected: set[int],
) -> None:
    daemon = Pair(database_url, tmp_path, MAILBOX_QUOTA_MESSAGES="100000")
    addresses = [make_mailbox(database_url) for _ in range(SENDERS)]
    senders = [Sender(number, listening.getsockname()[1], address) for number, address in enumerate(addresses)]

    try:
        async with asyncio.TaskGroup() as tasks:
            for sender in senders:
                tasks.create_task(sender.run())
            statuses = {await serve(daemon, listening, senders, stop) for _ in range(restarts)}
            for sender in senders:
                sender.is_enough = True
            await asyncio.to_thread(daemon.start_smtp, [listening])
    finally:
        daemon.end()

    sent = Counter(content for sender in senders for content in sender.acknowledged)
    assert all_stored(database_url, addresses) == sent
    assert statuses <= expected
