"""The end of a session whose client sends nothing, or reads nothing."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from support.database import make_mailbox
from support.harness import Pair, running_smtp
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS


@pytest.fixture(scope="module")
def impatient(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A daemon that waits half a second for a silent client."""
    settings = {"SMTP_IDLE_SECONDS": "0.5", "SMTP_MAX_COMMANDS_WITHOUT_MESSAGE": "100000"}
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("idle"), **settings) as (daemon, _):
        yield daemon


async def test_a_silent_session_ends(impatient: Pair) -> None:
    async with SmtpClient.connect(impatient.smtp_port) as client:
        reply = await client.reply()
        is_closed = await client.is_closed()

    assert (reply.code, reply.text[:5]) == (421, "4.7.0")
    assert is_closed


async def test_a_session_with_commands_goes_on(impatient: Pair) -> None:
    loop = asyncio.get_running_loop()

    async with SmtpClient.connect(impatient.smtp_port) as client:
        ends_at = loop.time() + 1.2
        while loop.time() < ends_at:
            reply = await client.command("NOOP")

    assert reply.code == 250


async def test_an_incomplete_command_does_not_keep_a_session_alive(impatient: Pair) -> None:
    async with SmtpClient.connect(impatient.smtp_port) as client:
        reply = asyncio.ensure_future(client.reply())
        while not reply.done():
            await client.send(b"x")
            await asyncio.wait([reply], timeout=0.01)

    assert reply.result().code == 421


async def test_a_session_that_is_silent_within_data_ends(impatient: Pair) -> None:
    address = make_mailbox(impatient.database_url)
    async with SmtpClient.connect(impatient.smtp_port) as client:
        await client.begin(address)
        reply = await client.reply()

    assert (reply.code, reply.text[:5]) == (421, "4.7.0")


async def test_a_client_that_reads_no_replies_is_disconnected(impatient: Pair) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        with socket.create_connection(("127.0.0.1", impatient.smtp_port)) as client:
            client.setblocking(False)

            with pytest.raises(ConnectionError):
                await asyncio.get_running_loop().sock_sendall(client, b"HELP\r\n" * 5_000_000)
