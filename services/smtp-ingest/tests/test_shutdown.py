"""The shutdown of the daemon, and starts that fail."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from support.content import message
from support.database import is_waited_for, locked, make_mailbox, stored
from support.harness import Pair, Service, failed_start, free_port, running_smtp
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, until


@pytest.fixture
def daemon(database_url: str, tmp_path: Path) -> Iterator[tuple[Pair, Service]]:
    with running_smtp(database_url, tmp_path) as running:
        yield running


async def exit_status(service: Service) -> int:
    return await asyncio.to_thread(service.process.wait, DEADLINE_SECONDS)


def stop(service: Service, number: signal.Signals = signal.SIGTERM) -> None:
    """Send a signal, and wait until the daemon has begun to stop."""
    service.process.send_signal(number)
    service.wait_for_event("stopping")


def is_refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


# Shutdown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_idle_sessions_end_with_421_and_the_daemon_exits(
    daemon: tuple[Pair, Service], number: signal.Signals
) -> None:
    pair, service = daemon
    connect = partial(SmtpClient.connect, pair.smtp_port)
    async with connect() as silent, connect() as client:
        await client.deliver(message(), make_mailbox(pair.database_url))

        stop(service, number)
        replies = [await silent.reply(), await client.reply()]
        are_closed = [await silent.is_closed(), await client.is_closed()]

    assert [(reply.code, reply.text[:5]) for reply in replies] == [(421, "4.3.2")] * 2
    assert are_closed == [True, True]
    assert await exit_status(service) == 0


async def test_transactions_in_flight_are_finished_and_acknowledged_first(daemon: tuple[Pair, Service]) -> None:
    pair, service = daemon
    address = make_mailbox(pair.database_url)
    connect = partial(SmtpClient.connect, pair.smtp_port)
    async with connect() as begun, connect() as sending, connect() as committing:
        await begun.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))
        await sending.begin(address)
        await sending.send(message("sent")[:20])
        await committing.begin(address)
        with locked(pair.database_url, address) as connection:
            await committing.send(message("committed") + b".\r\n")
            await until(lambda: is_waited_for(connection))

            stop(service)
        await sending.send(message("sent")[20:] + b".\r\n")
        await begun.converse((f"RCPT TO:<{address}>", 250), ("DATA", 354))
        await begun.send(message("begun") + b".\r\n")
        replies = [[await client.reply(), await client.reply()] for client in (begun, sending, committing)]

    assert [[reply.code for reply in each] for each in replies] == [[250, 421]] * 3
    assert await exit_status(service) == 0
    kept = stored(pair.database_url, address)
    assert sorted(kept) == sorted(message(subject) for subject in ("begun", "sent", "committed"))


async def test_no_transaction_or_session_begins_while_the_daemon_drains(daemon: tuple[Pair, Service]) -> None:
    pair, service = daemon
    connect = partial(SmtpClient.connect, pair.smtp_port)
    async with connect() as client, connect() as other:
        for each in (client, other):
            await each.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))

        stop(service)
        await client.send(b"RSET\r\nMAIL FROM:<>\r\n")
        codes = [(await client.reply()).code for _ in range(2)]
        await until(lambda: is_refused(pair.smtp_port))
        await other.converse(("NOOP", 250))

    assert codes == [250, 421]


async def test_a_transaction_past_the_drain_deadline_is_aborted(database_url: str, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_the_daemon_at_once(
    database_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    with running_smtp(database_url, tmp_path, DRAIN_SECONDS="600") as (pair, service):
        async with SmtpClient.connect(pair.smtp_port) as client:
            await client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))
            stop(service)

            service.process.send_signal(number)

            assert await exit_status(service) == -number


async def test_a_second_sigterm_acknowledges_no_uncommitted_message(database_url: str, tmp_path: Path) -> None:
    address = make_mailbox(database_url)
    with running_smtp(database_url, tmp_path, DRAIN_SECONDS="600") as (pair, service):
        async with SmtpClient.connect(pair.smtp_port) as client:
            await client.begin(address)
            with locked(database_url, address) as connection:
                await client.send(message() + b".\r\n")
                await until(lambda: is_waited_for(connection))
                stop(service)

                service.process.terminate()

                assert await client.is_closed()


# Start


def test_the_start_fails_with_one_line_when_the_port_is_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        ended = failed_start(DOMAIN="mx.test", SMTP_PORT=port)

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert f"127.0.0.1:{port}" in ended.stderr


def test_the_start_fails_with_one_line_that_names_a_missing_setting() -> None:
    ended = failed_start()

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("DOMAIN:")


async def test_the_daemon_starts_and_defers_mail_when_the_database_is_away(tmp_path: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    with running_smtp(url, tmp_path) as (pair, service):
        async with SmtpClient.connect(pair.smtp_port) as client:
            await client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))
            reply = await client.command("RCPT TO:<reader@mx.test>")

        assert (reply.code, reply.text[:5]) == (451, "4.3.0")
        assert await asyncio.to_thread(service.stop) == 0
