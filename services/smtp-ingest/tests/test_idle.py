"""The end of a session whose client sends nothing, or reads nothing."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from support.database import make_mailbox
from support.harness import Pair, running_smtp
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, deadline

IDLE_SECONDS = 0.5


@pytest.fixture(scope="module")
def impatient(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A daemon that waits half a second for a silent client."""
    settings = {"SMTP_IDLE_SECONDS": str(IDLE_SECONDS), "SMTP_MAX_COMMANDS_WITHOUT_MESSAGE": "100000"}
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("idle"), **settings) as (daemon, _):
        yield daemon


async def test_a_silent_session_ends(impatient: Pair) -> None:
    async with SmtpClient.connect(impatient.smtp_port) as client:
        reply = await client.reply()
        is_closed = await client.is_closed()

    assert (reply.code, reply.text[:5]) == (421, "4.7.0")
    assert is_closed


async def test_a_session_with_commands_goes_on(impatient: Pair) -> None:
    for _ in deadline():
        code, longest_pause = await send_commands(impatient, 2.4 * IDLE_SECONDS)
        # Else this machine stood still, and the session ended as it should.
        if longest_pause < IDLE_SECONDS:
            break

    assert code == 250


async def send_commands(impatient: Pair, seconds: float) -> tuple[int, float]:
    """The code of the last reply to the commands of a session, and the longest time between two of them."""
    code, longest, clock = 250, 0.0, asyncio.get_running_loop().time
    async with SmtpClient.connect(impatient.smtp_port) as client:
        began = last = clock()
        while code == 250 and clock() < began + seconds:
            try:
                code = (await client.command("NOOP")).code
            except (ConnectionError, EOFError):
                code = 421
            longest, last = max(longest, clock() - last), clock()
    return code, longest


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
        await client.begin_at_once(address)
        reply = await client.reply()

    assert (reply.code, reply.text[:5]) == (421, "4.7.0")


async def test_a_client_that_reads_no_replies_is_disconnected(impatient: Pair) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        with socket.create_connection(("127.0.0.1", impatient.smtp_port)) as client:
            client.setblocking(False)

            with pytest.raises(ConnectionError):
                await asyncio.get_running_loop().sock_sendall(client, b"HELP\r\n" * 5_000_000)
