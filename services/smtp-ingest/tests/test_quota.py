"""The quota of a mailbox, held when a message is stored, whatever RCPT knew of it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import psycopg
import pytest
from support.content import message
from support.database import is_waited_for, locked, make_mailbox, stored
from support.harness import Pair, Service, running_smtp
from support.smtp_client import Reply, SmtpClient
from support.waiting import until

QUOTA = {"MAILBOX_QUOTA_MESSAGES": "5", "MAILBOX_QUOTA_OCTETS": "2600000"}
FULL = "452 4.2.2 The mailbox is full"
COMMITTED = "250 2.6.0 Message stored"


@pytest.fixture(scope="module")
def daemons(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Pair, Service]]]:
    """Two daemons on one database, in which a mailbox may hold five messages."""
    with (
        running_smtp(pair.database_url, tmp_path_factory.mktemp("one"), **QUOTA) as one,
        running_smtp(pair.database_url, tmp_path_factory.mktemp("other"), **QUOTA) as other,
    ):
        yield [one, other]


@pytest.fixture
async def clients(daemons: list[tuple[Pair, Service]]) -> AsyncIterator[list[SmtpClient]]:
    """Six sessions with each daemon, in turn."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(SmtpClient.connect(daemon.smtp_port))
            for _ in range(6)
            for daemon, _ in daemons
        ]


def line(reply: Reply) -> str:
    return f"{reply.code} {reply.text}"


async def send_together(clients: list[SmtpClient], database_url: str, address: str) -> list[str]:
    """The replies to messages that all reach the storing statement before one of them is committed."""
    for client in clients:
        await client.begin(address)
    with locked(database_url, address) as connection:
        for number, client in enumerate(clients):
            await client.send(message(str(number)) + b".\r\n")
        await until(lambda: is_waited_for(connection))
    return [line(await client.reply()) for client in clients]


async def test_two_daemons_store_exactly_as_many_messages_as_a_mailbox_may_hold(
    clients: list[SmtpClient], pair: Pair
) -> None:
    address = make_mailbox(pair.database_url)

    replies = await send_together(clients, pair.database_url, address)

    assert sorted(replies) == [COMMITTED] * 5 + [FULL] * 7
    kept = [message(str(number)) for number, reply in enumerate(replies) if reply == COMMITTED]
    assert sorted(stored(pair.database_url, address)) == sorted(kept)


async def test_a_full_mailbox_is_logged_with_its_number(
    clients: list[SmtpClient], daemons: list[tuple[Pair, Service]], pair: Pair
) -> None:
    address = make_mailbox(pair.database_url)
    with psycopg.connect(pair.database_url) as connection:
        [(number,)] = connection.execute("SELECT id FROM mailbox WHERE address = %s", [address]).fetchall()

    await send_together(clients, pair.database_url, address)

    events = [event for _, service in daemons for event in service.events() if event.get("mailbox") == number]
    assert [(event["event"], event["limit"], event["level"]) for event in events] == [
        ("limit_reached", "mailbox_quota", "info")
    ] * 7


async def test_a_message_to_several_of_which_one_is_full_is_deferred_for_all(
    clients: list[SmtpClient], pair: Pair
) -> None:
    taken, other = make_mailbox(pair.database_url), make_mailbox(pair.database_url)
    client = clients[0]
    await client.begin(other, taken)
    for number in range(5):
        await clients[1].deliver(message(str(number)), taken)

    await client.send(message("to both") + b".\r\n")

    assert line(await client.reply()) == FULL
    assert stored(pair.database_url, other) == []


async def test_a_duplicate_in_a_full_mailbox_is_acknowledged(clients: list[SmtpClient], pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    client = clients[0]
    await client.begin(address)
    for number in range(5):
        await clients[1].deliver(message(str(number)), address)

    await client.send(message("3") + b".\r\n")

    assert line(await client.reply()) == COMMITTED
    assert len(stored(pair.database_url, address)) == 5


@pytest.mark.parametrize("lines", [450_000, 750_000], ids=["large", "staged"])
async def test_a_large_message_is_held_to_the_quota_too(clients: list[SmtpClient], pair: Pair, lines: int) -> None:
    address = make_mailbox(pair.database_url)
    content = b"x\r\n" * lines
    for client in clients[:2]:
        await client.begin(address)

    replies = []
    for number, client in enumerate(clients[:2]):
        await client.send(b"%d\r\n" % number + content + b".\r\n")
        replies.append(line(await client.reply()))

    assert replies == [COMMITTED, FULL]
    with psycopg.connect(pair.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM staged_content").fetchone() == (0,)


async def test_a_mailbox_that_ended_after_it_was_found_refuses_the_content(
    clients: list[SmtpClient], pair: Pair
) -> None:
    address = make_mailbox(pair.database_url)
    await clients[0].deliver(message("before"), address)
    await clients[0].begin(address)
    with psycopg.connect(pair.database_url) as connection:
        connection.execute("UPDATE mailbox SET expires_at = now() WHERE address = %s", [address])

    await clients[0].send(message("after") + b".\r\n")

    assert line(await clients[0].reply()) == "550 5.1.1 No such mailbox"
    assert stored(pair.database_url, address) == [message("before")]
