"""While Postgres is away, mail is deferred and no acknowledged message is lost."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from postgres import EmbeddedPostgres
from support.content import message
from support.database import is_waited_for, kill, locked, make_mailbox, own_postgres, stored
from support.firewall import firewall
from support.harness import Pair, Service, running_smtp
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, until

SESSIONS = 10
MESSAGES_PER_SESSION = 30


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A Postgres server for this file, which the tests stop, start and kill."""
    with own_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def daemon(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    with running_smtp(postgres.url, tmp_path_factory.mktemp("daemon")) as running:
        yield running


@pytest.fixture
async def client(daemon: tuple[Pair, Service]) -> AsyncIterator[SmtpClient]:
    async with SmtpClient.connect(daemon[0].smtp_port) as session:
        yield session


@contextmanager
def away(postgres: EmbeddedPostgres) -> Iterator[None]:
    postgres.stop()
    try:
        yield
    finally:
        postgres.start()


async def deliver(client: SmtpClient, content: bytes, address: str) -> None:
    """Retry a deferred message until it is acknowledged; every reply must be 250 or 451."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            await client.converse(("RSET", 250), ("MAIL FROM:<>", 250))
            reply = await client.command(f"RCPT TO:<{address}>")
            if reply.code == 250:
                await client.converse(("DATA", 354))
                await client.send(content + b".\r\n")
                reply = await client.reply()
            if reply.code == 250:
                return
            assert (reply.code, reply.text[:5]) == (451, "4.3.0")


async def test_commands_that_need_no_database_are_answered(client: SmtpClient, postgres: EmbeddedPostgres) -> None:
    await client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))

    with away(postgres):
        await client.converse(("RCPT TO:<reader@elsewhere.test>", 550), ("NOOP", 250), ("RSET", 250), ("QUIT", 221))


async def test_a_message_is_deferred_and_the_same_session_delivers_it_once_the_database_is_back(
    client: SmtpClient, daemon: tuple[Pair, Service], postgres: EmbeddedPostgres
) -> None:
    address = make_mailbox(postgres.url)
    await client.begin(address)
    with away(postgres):
        await client.send(message() + b".\r\n")
        deferred = await client.reply()

    await deliver(client, message(), address)

    assert (deferred.code, deferred.text[:5]) == (451, "4.3.0")
    assert stored(postgres.url, address) == [message()]
    assert daemon[1].process.poll() is None


async def test_every_recipient_is_deferred_and_the_begin_and_end_of_the_outage_are_logged(
    client: SmtpClient, daemon: tuple[Pair, Service], postgres: EmbeddedPostgres
) -> None:
    pair, service = daemon
    address, other = make_mailbox(postgres.url), make_mailbox(postgres.url)
    await client.converse(("EHLO client.test", 250))
    await deliver(client, message("before"), other)  # which RCPT remembers
    known = len(service.events())

    async def ask_for_recipient(address: str) -> str:
        async with SmtpClient.connect(pair.smtp_port) as session:
            await session.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))
            reply = await session.command(f"RCPT TO:<{address}>")
            return f"{reply.code} {reply.text[:5]}"

    with away(postgres):
        async with asyncio.TaskGroup() as tasks:
            replies = [tasks.create_task(ask_for_recipient(address)) for _ in range(50)]
        remembered = await ask_for_recipient(other)
    await deliver(client, message("after"), address)

    names = [str(event["event"]) for event in service.events()[known:]]
    assert {each.result() for each in replies} | {remembered} == {"451 4.3.0"}
    assert [name for name in names if name.startswith("database")] == ["database_away", "database_back"]


async def test_a_message_in_flight_when_the_database_is_killed_is_not_acknowledged(
    client: SmtpClient, postgres: EmbeddedPostgres
) -> None:
    address = make_mailbox(postgres.url)
    await client.begin(address)

    with suppress(psycopg.OperationalError), locked(postgres.url, address) as connection:
        await client.send(message() + b".\r\n")
        await until(lambda: is_waited_for(connection))
        kill(postgres)
    reply = await client.reply()
    postgres.start()

    assert (reply.code, reply.text[:5]) == (451, "4.3.0")
    assert stored(postgres.url, address) == []


async def test_a_message_is_acknowledged_and_stored_once_when_the_result_of_its_commit_is_lost(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    address = make_mailbox(postgres.url)
    async with firewall(postgres.url) as between:
        with running_smtp(between.url, tmp_path) as (pair, _):
            async with SmtpClient.connect(pair.smtp_port) as client:
                await client.begin(address)
                with locked(postgres.url, address) as lock:
                    await client.send(message() + b".\r\n")
                    await until(lambda: is_waited_for(lock))
                    between.forget("answer")
                reply = await client.reply()

    assert (reply.code, reply.text[:5]) == (250, "2.6.0")
    assert stored(postgres.url, address) == [message()]


async def test_messages_acknowledged_before_and_after_a_kill_are_stored_exactly_once(
    daemon: tuple[Pair, Service], postgres: EmbeddedPostgres
) -> None:
    address = make_mailbox(postgres.url)
    acknowledged: list[bytes] = []

    async def send(number: int) -> None:
        async with SmtpClient.connect(daemon[0].smtp_port) as session:
            await session.converse(("EHLO client.test", 250))
            for each in range(MESSAGES_PER_SESSION):
                content = message(f"{number}-{each}")
                await deliver(session, content, address)
                acknowledged.append(content)

    async with asyncio.TaskGroup() as tasks:
        for number in range(SESSIONS):
            tasks.create_task(send(number))
        await until(lambda: len(acknowledged) > SESSIONS * MESSAGES_PER_SESSION // 4)
        kill(postgres)
        postgres.start()

    assert sorted(stored(postgres.url, address)) == sorted(acknowledged)
