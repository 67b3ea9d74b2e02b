"""What becomes of a session whose client says nothing, or reads nothing."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from harness import SmtpClient, make_mailbox

from fake_email.database import open_database
from fake_email.settings import Settings
from smtp_ingest import protocol
from smtp_ingest.commit import Committer
from smtp_ingest.protocol import Service, Session
from smtp_ingest.recipients import Recipients
from smtp_ingest.sessions import Sessions

DEADLINE_SECONDS = 20


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "_IDLE_SECONDS", 0.2)


@asynccontextmanager
async def listening(database_url: str) -> AsyncIterator[int]:
    """The port of a server in this process."""
    settings = Settings(database_url=database_url, domain=("mx.test",))
    async with open_database(database_url, connections=1) as database, asyncio.TaskGroup() as tasks:
        recipients, committer = Recipients(database, settings), Committer(database, settings)
        helpers = [tasks.create_task(recipients.run()), tasks.create_task(committer.run())]
        service = Service(settings=settings, recipients=recipients, committer=committer, sessions=Sessions())
        server = await asyncio.get_running_loop().create_server(partial(Session, service), "127.0.0.1", 0)
        yield server.sockets[0].getsockname()[1]
        server.close()
        for helper in helpers:
            helper.cancel()


async def test_a_session_in_which_nothing_is_said_ends(database_url: str) -> None:
    async with listening(database_url) as port, SmtpClient.connect(port) as client:
        reply = await client.reply()
        is_closed = await client.is_closed()

    assert (reply.code, reply.text[:5]) == (421, "4.4.2")
    assert is_closed


async def test_a_session_in_which_commands_are_said_goes_on(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "_IDLE_SECONDS", 1.0)
    loop = asyncio.get_running_loop()

    async with listening(database_url) as port, SmtpClient.connect(port) as client:
        ends_at = loop.time() + 1.2
        while loop.time() < ends_at:
            reply = await client.command("NOOP")

    assert reply.code == 250


async def test_half_a_command_keeps_no_session_alive(database_url: str) -> None:
    async with listening(database_url) as port, SmtpClient.connect(port) as client:
        reply = asyncio.ensure_future(client.reply())
        while not reply.done():
            await client.send(b"x")
            await asyncio.wait([reply], timeout=0.01)

    assert reply.result().code == 421


async def test_a_client_that_says_nothing_within_data_is_not_waited_for(database_url: str) -> None:
    address = make_mailbox(database_url)
    async with listening(database_url) as port, SmtpClient.connect(port) as client:
        await client.begin(address)
        reply = await client.reply()

    assert (reply.code, reply.text[:5]) == (421, "4.4.2")


async def test_a_client_that_reads_no_reply_is_cut(database_url: str) -> None:
    async with listening(database_url) as port, asyncio.timeout(DEADLINE_SECONDS):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setblocking(False)

            with pytest.raises(ConnectionError):
                await asyncio.get_running_loop().sock_sendall(client, b"HELP\r\n" * 5_000_000)
