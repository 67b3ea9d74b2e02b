"""How the daemon ends, and how it does not begin."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from harness import (
    COMMANDS,
    DEADLINE_SECONDS,
    Pair,
    Service,
    SmtpClient,
    free_port,
    is_waited_for,
    locked,
    make_mailbox,
    message,
    running_smtp,
    stored,
    until,
)


@pytest.fixture
def daemon(database_url: str, tmp_path: Path) -> Iterator[tuple[Pair, Service]]:
    with running_smtp(database_url, tmp_path) as running:
        yield running


@pytest.fixture
async def client(daemon: tuple[Pair, Service]) -> AsyncIterator[SmtpClient]:
    async with SmtpClient.connect(daemon[0].smtp_port) as session:
        yield session


async def exit_status(service: Service) -> int:
    return await asyncio.to_thread(service.process.wait, DEADLINE_SECONDS)


def stop(service: Service, number: signal.Signals = signal.SIGTERM) -> None:
    """Ask it to end, and see that it has begun to."""
    service.process.send_signal(number)
    service.wait_for_event("stopping")


def start(**environ: str) -> subprocess.CompletedProcess[str]:
    """A daemon that is expected to end by itself."""
    known = {name: value for name, value in os.environ.items() if name not in {"DOMAIN", "DATABASE_URL"}}
    return subprocess.run(
        [COMMANDS / "smtp-ingest"],
        env=known | {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": "0", "DATABASE_URL": "postgresql:///"} | environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def is_refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


# The end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_idle_sessions_are_told_and_the_daemon_ends(
    daemon: tuple[Pair, Service], client: SmtpClient, number: signal.Signals
) -> None:
    pair, service = daemon
    await client.deliver(message(), make_mailbox(pair.database_url))
    async with SmtpClient.connect(pair.smtp_port) as silent:
        stop(service, number)
        replies = [await silent.reply(), await client.reply()]
        are_closed = [await silent.is_closed(), await client.is_closed()]

    assert [(reply.code, reply.text[:5]) for reply in replies] == [(421, "4.3.2")] * 2
    assert are_closed == [True, True]
    assert await exit_status(service) == 0


async def test_a_message_on_its_way_in_is_committed_and_acknowledged_first(
    daemon: tuple[Pair, Service], client: SmtpClient
) -> None:
    pair, service = daemon
    address = make_mailbox(pair.database_url)
    await client.begin(address)
    await client.send(message("half")[:20])

    stop(service)
    await client.send(message("half")[20:] + b".\r\n")
    replies = [await client.reply(), await client.reply()]

    assert [reply.code for reply in replies] == [250, 421]
    assert await exit_status(service) == 0
    assert stored(pair.database_url, address) == [message("half")]


async def test_a_transaction_without_recipients_yet_may_go_on(daemon: tuple[Pair, Service], client: SmtpClient) -> None:
    pair, service = daemon
    address = make_mailbox(pair.database_url)
    await client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))

    stop(service)
    await client.converse((f"RCPT TO:<{address}>", 250), ("DATA", 354), (".", 250))

    assert (await client.reply()).code == 421
    assert await exit_status(service) == 0


async def test_a_commit_under_way_is_finished_and_acknowledged_first(
    daemon: tuple[Pair, Service], client: SmtpClient
) -> None:
    pair, service = daemon
    address = make_mailbox(pair.database_url)
    await client.begin(address)
    with locked(pair.database_url, address) as connection:
        await client.send(message() + b".\r\n")
        await until(lambda: is_waited_for(connection))
        stop(service)

    replies = [await client.reply(), await client.reply()]

    assert [reply.code for reply in replies] == [250, 421]
    assert await exit_status(service) == 0


async def test_no_transaction_begins_once_the_daemon_is_ending(
    daemon: tuple[Pair, Service], client: SmtpClient
) -> None:
    _, service = daemon
    await client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))
    stop(service)

    await client.send(b"RSET\r\nMAIL FROM:<>\r\n")

    assert [(await client.reply()).code for _ in range(2)] == [250, 421]
    assert await client.is_closed()


async def test_a_transaction_that_never_ends_is_cut(database_url: str, tmp_path: Path) -> None:
    address = make_mailbox(database_url)
    with running_smtp(database_url, tmp_path, DRAIN_SECONDS="0.2") as (pair, service):
        async with SmtpClient.connect(pair.smtp_port) as client:
            await client.begin(address)
            await client.send(message())

            stop(service)
            reply = await client.reply()

        assert (reply.code, reply.text[:5]) == (421, "4.3.2")
        assert await exit_status(service) == 0
        assert stored(database_url, address) == []


async def test_nobody_gets_in_once_the_daemon_is_ending(daemon: tuple[Pair, Service], client: SmtpClient) -> None:
    pair, service = daemon
    await client.begin(make_mailbox(pair.database_url))

    stop(service)

    await until(lambda: is_refused(pair.smtp_port))
    assert service.process.poll() is None


# The beginning


def test_a_busy_port_ends_the_start_with_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        ended = start(DOMAIN="mx.test", SMTP_PORT=port)

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert f"127.0.0.1:{port}" in ended.stderr


def test_a_missing_variable_ends_the_start_with_one_line_that_names_it() -> None:
    ended = start()

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("DOMAIN:")


async def test_a_database_that_nobody_answers_for_does_not_stop_the_start(tmp_path: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    with running_smtp(url, tmp_path) as (pair, service):
        async with SmtpClient.connect(pair.smtp_port) as client:
            await client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))
            reply = await client.command("RCPT TO:<reader@mx.test>")

        assert (reply.code, reply.text[:5]) == (451, "4.3.0")
        assert await asyncio.to_thread(service.stop) == 0
