"""Overload: the daemon defers mail early, bounds its memory, and accepts mail again as soon as it can."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest
from postgres import EmbeddedPostgres
from support.content import message
from support.database import is_waited_for, kill, locked, make_mailbox, own_postgres, processes, stored
from support.harness import Pair, Service, running_smtp
from support.smtp_client import Reply, SmtpClient
from support.waiting import DEADLINE_SECONDS, until

CLIENTS = 50
PIECE = (b"x" * 1_022 + b"\r\n") * 128
PIECES = 25 * 1_048_576 // len(PIECE)


@pytest.fixture
def address(pair: Pair) -> str:
    return make_mailbox(pair.database_url)


async def mail(client: SmtpClient, parameters: str = "") -> tuple[int, str]:
    """The reply to MAIL; RSET aborts the transaction."""
    reply = await client.command(f"MAIL FROM:<>{parameters}")
    await client.converse(("RSET", 250))
    return reply.code, reply.text[:5]


async def mail_until(expected: int, client: SmtpClient, parameters: str = "") -> tuple[int, str]:
    """The first reply to MAIL with the expected code, with a deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (reply := await mail(client, parameters))[0] != expected:  # noqa: ASYNC110  # as until
            await asyncio.sleep(0.01)
    return reply


def logged_reasons(service: Service) -> set[object]:
    """The reasons in the log for which MAIL was deferred."""
    return {event["reason"] for event in service.events() if event["event"] == "mail_deferred"}


# A full queue


@pytest.fixture(scope="module")
def narrow(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """A daemon with one slot in its queue, and a memory budget of 100,000 octets."""
    limits = {"COMMIT_QUEUE_MESSAGES": "1", "COMMIT_QUEUE_OCTETS": "100000"}
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("narrow"), **limits) as running:
        yield running


async def test_mail_is_deferred_while_the_queue_is_full(narrow: tuple[Pair, Service], address: str) -> None:
    pair, service = narrow
    async with SmtpClient.connect(pair.smtp_port) as sending, SmtpClient.connect(pair.smtp_port) as waiting:
        await sending.begin(address)
        await waiting.converse(("EHLO client.test", 250))
        with locked(pair.database_url, address) as connection:
            await sending.send(message() + b".\r\n")
            await until(lambda: is_waited_for(connection))

            deferred = await mail(waiting)
        acknowledged = await sending.reply()
        afterwards = await mail(waiting)

    assert deferred == (452, "4.3.1")
    assert (acknowledged.code, afterwards) == (250, (250, "2.1.0"))
    assert "queue_full" in logged_reasons(service)


async def test_a_message_is_deferred_when_the_queue_is_full_at_its_end(
    narrow: tuple[Pair, Service], address: str
) -> None:
    pair, _ = narrow
    async with SmtpClient.connect(pair.smtp_port) as one, SmtpClient.connect(pair.smtp_port) as two:
        await one.begin(address)
        await two.begin(address)
        with locked(pair.database_url, address) as connection:
            await one.send(message("one") + b".\r\n")
            await until(lambda: is_waited_for(connection))

            await two.send(message("two") + b".\r\n")
            deferred = await two.reply()
        await one.reply()
        again = await two.deliver(message("two"), address)

    assert (deferred.code, deferred.text[:5], again.code) == (452, "4.3.1", 250)
    assert stored(pair.database_url, address) == [message("one"), message("two")]


async def test_mail_with_a_size_beyond_the_memory_budget_is_deferred(
    narrow: tuple[Pair, Service], address: str
) -> None:
    pair, service = narrow
    async with SmtpClient.connect(pair.smtp_port) as large, SmtpClient.connect(pair.smtp_port) as client:
        await client.converse(("EHLO client.test", 250))
        await large.begin(address)
        await large.send(b"x\r\n" * 50_000)

        deferred = await mail_until(452, client, " SIZE=100000")
        small = await mail(client, " SIZE=65536")
        await large.converse((".", 250))
        afterwards = await mail(client, " SIZE=100000")

    assert (deferred, small, afterwards) == ((452, "4.3.1"), (250, "2.1.0"), (250, "2.1.0"))
    assert "no_room" in logged_reasons(service)


async def test_content_beyond_the_memory_budget_is_deferred_at_its_end(
    narrow: tuple[Pair, Service], address: str
) -> None:
    pair, _ = narrow
    content = b"x\r\n" * 50_000
    async with SmtpClient.connect(pair.smtp_port) as one, SmtpClient.connect(pair.smtp_port) as two:
        await two.converse(("EHLO client.test", 250))
        await one.begin(address)
        await one.send(content)
        await mail_until(452, two, " SIZE=100000")

        deferred = await two.deliver(content, address)
        await one.converse((".", 250))
        again = await two.deliver(content + b"again\r\n", address)

    assert (deferred.code, deferred.text[:5], again.code) == (452, "4.3.1", 250)
    assert stored(pair.database_url, address) == [content, content + b"again\r\n"]


# A slow event loop, a slow database


async def suspend(service: Service) -> None:
    """Suspend the daemon for longer than its event loop may be late."""
    loop, process = asyncio.get_running_loop(), psutil.Process(service.pid)
    goes_on_at = loop.time() + 2.3
    process.suspend()
    try:
        await until(lambda: loop.time() > goes_on_at)
    finally:
        process.resume()


async def test_mail_is_deferred_while_the_event_loop_lags(
    narrow: tuple[Pair, Service],
) -> None:
    pair, service = narrow
    async with SmtpClient.connect(pair.smtp_port) as client:
        await client.converse(("EHLO client.test", 250))

        async with asyncio.timeout(DEADLINE_SECONDS):
            while (deferred := await mail(client))[0] == 250:
                await suspend(service)
                await client.converse(("NOOP", 250))
        afterwards = await mail_until(250, client)

    assert (deferred, afterwards) == ((451, "4.3.2"), (250, "2.1.0"))
    assert "loop_lags" in logged_reasons(service)


async def test_mail_is_deferred_while_a_commit_takes_too_long(pair: Pair, smtp: SmtpClient, address: str) -> None:
    async with SmtpClient.connect(pair.smtp_port) as client:
        await client.converse(("EHLO client.test", 250))
        await smtp.begin(address)
        with locked(pair.database_url, address):
            await smtp.send(message() + b".\r\n")

            deferred = await mail_until(451, client)
        acknowledged = await smtp.reply()
        afterwards = await mail(client)

    assert (deferred, acknowledged.code, afterwards) == ((451, "4.3.0"), 250, (250, "2.1.0"))


# Memory


@pytest.fixture
def postgres() -> Iterator[EmbeddedPostgres]:
    """A Postgres server for the test, which kills it."""
    with own_postgres() as server:
        yield server


def peak_octets(service: Service) -> int:
    """The peak resident memory of the daemon (proc(5), VmHWM)."""
    [kilobytes] = [
        line.split()[1]
        for line in Path(f"/proc/{service.pid}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    ]
    return int(kilobytes) * 1_024


async def test_50_messages_of_25_megabytes_to_a_stopped_database_are_deferred_in_bounded_memory(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    address = make_mailbox(postgres.url)
    sent = 0

    async def send(client: SmtpClient) -> Reply:
        nonlocal sent
        for _ in range(PIECES):
            await client.send(PIECE)
        await client.send(b".\r\n")
        sent += 1
        return await client.reply()

    with running_smtp(postgres.url, tmp_path) as (pair, service):
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(SmtpClient.connect(pair.smtp_port)) for _ in range(CLIENTS)]
            for client in clients:
                await client.begin(address)
            for process in processes(postgres):
                process.suspend()
            async with asyncio.TaskGroup() as tasks:
                sending = [tasks.create_task(send(client)) for client in clients]
                await until(lambda: sent == CLIENTS)
                # A stopped server would make the daemon wait for its time-out; a killed server fails at once.
                kill(postgres)
        postgres.start()
        async with SmtpClient.connect(pair.smtp_port) as client:
            await client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))
            async with asyncio.timeout(DEADLINE_SECONDS):
                while (await client.command(f"RCPT TO:<{address}>")).code != 250:
                    pass
            await client.converse(("DATA", 354), (".", 250))
        peak = peak_octets(service)

    assert {task.result().code for task in sending} <= {451, 452}
    assert peak < 600_000_000
    assert stored(postgres.url, address) == [b""]
