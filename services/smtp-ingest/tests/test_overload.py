"""Under load the daemon says no early, keeps little, and takes mail again as soon as it can."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest
from postgres import EmbeddedPostgres
from support.harness import (
    DEADLINE_SECONDS,
    Pair,
    Reply,
    Service,
    SmtpClient,
    is_waited_for,
    kill,
    locked,
    make_mailbox,
    message,
    own_postgres,
    processes,
    running_smtp,
    stored,
    until,
)

SENDERS = 50
PIECE = (b"x" * 1_022 + b"\r\n") * 128
PIECES = 25 * 1_048_576 // len(PIECE)


@pytest.fixture
def address(pair: Pair) -> str:
    return make_mailbox(pair.database_url)


async def mail(client: SmtpClient, parameters: str = "") -> tuple[int, str]:
    """The reply to MAIL; no transaction stays behind."""
    reply = await client.command(f"MAIL FROM:<>{parameters}")
    await client.converse(("RSET", 250))
    return reply.code, reply.text[:5]


async def mail_until(expected: int, client: SmtpClient, parameters: str = "") -> tuple[int, str]:
    """The reply to MAIL once its code is as expected, with a deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (reply := await mail(client, parameters))[0] != expected:  # noqa: ASYNC110  # as until
            await asyncio.sleep(0.01)
    return reply


def reasons(service: Service) -> set[object]:
    """Why MAIL was put off, as the log tells it."""
    return {event["reason"] for event in service.events() if event["event"] == "mail_deferred"}


# A full queue


@pytest.fixture(scope="module")
def narrow(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """A daemon in which one message may wait for the database, and content takes 100,000 octets in all."""
    limits = {"COMMIT_QUEUE_MESSAGES": "1", "COMMIT_QUEUE_OCTETS": "100000"}
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("narrow"), **limits) as running:
        yield running


async def test_while_the_queue_is_full_no_transaction_begins(narrow: tuple[Pair, Service], address: str) -> None:
    pair, service = narrow
    async with SmtpClient.connect(pair.smtp_port) as sending, SmtpClient.connect(pair.smtp_port) as next_one:
        await sending.begin(address)
        await next_one.converse(("EHLO client.test", 250))
        with locked(pair.database_url, address) as connection:
            await sending.send(message() + b".\r\n")
            await until(lambda: is_waited_for(connection))

            deferred = await mail(next_one)
        acknowledged = await sending.reply()
        afterwards = await mail(next_one)

    assert deferred == (452, "4.3.1")
    assert (acknowledged.code, afterwards) == (250, (250, "2.1.0"))
    assert "queue_full" in reasons(service)


async def test_a_message_that_finds_the_queue_full_is_put_off(narrow: tuple[Pair, Service], address: str) -> None:
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


async def test_a_size_for_which_there_is_no_room_is_put_off_at_once(narrow: tuple[Pair, Service], address: str) -> None:
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
    assert "no_room" in reasons(service)


async def test_content_for_which_there_is_no_room_is_put_off_at_its_end(
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


# A slow loop, a slow database


async def stall(service: Service) -> None:
    """Hold the daemon up for longer than it lets pass."""
    loop, process = asyncio.get_running_loop(), psutil.Process(service.pid)
    goes_on_at = loop.time() + 2.3
    process.suspend()
    try:
        await until(lambda: loop.time() > goes_on_at)
    finally:
        process.resume()


async def test_a_loop_that_lags_begins_no_transaction_until_it_is_in_time_again(
    narrow: tuple[Pair, Service],
) -> None:
    pair, service = narrow
    async with SmtpClient.connect(pair.smtp_port) as client:
        await client.converse(("EHLO client.test", 250))

        async with asyncio.timeout(DEADLINE_SECONDS):
            while (deferred := await mail(client))[0] == 250:
                await stall(service)
                await client.converse(("NOOP", 250))
        afterwards = await mail_until(250, client)

    assert (deferred, afterwards) == ((451, "4.3.2"), (250, "2.1.0"))
    assert "loop_lags" in reasons(service)


async def test_while_a_commit_takes_too_long_no_transaction_begins(pair: Pair, smtp: SmtpClient, address: str) -> None:
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
    """A server of the test's own, which does not live to its end."""
    with own_postgres() as server:
        yield server


def peak_octets(service: Service) -> int:
    """The most memory that it ever had (proc(5), VmHWM)."""
    [kilobytes] = [
        line.split()[1]
        for line in Path(f"/proc/{service.pid}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    ]
    return int(kilobytes) * 1_024


async def test_50_senders_of_25_megabytes_to_a_database_that_stands_still_are_put_off_and_take_little_memory(
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
            clients = [await stack.enter_async_context(SmtpClient.connect(pair.smtp_port)) for _ in range(SENDERS)]
            for client in clients:
                await client.begin(address)
            for process in processes(postgres):
                process.suspend()
            async with asyncio.TaskGroup() as tasks:
                sending = [tasks.create_task(send(client)) for client in clients]
                await until(lambda: sent == SENDERS)
                # Who waits for the database would do so for a while; now there is nothing to wait for.
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
