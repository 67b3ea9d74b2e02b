"""Group commit: each message of a batch is stored or refused on its own, and the queue is bounded."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import psycopg
import pytest
from support.content import message
from support.database import is_waited_for, locked, make_mailbox, refusing, stored, without_room
from support.harness import Pair, Service, running_smtp
from support.smtp_client import SmtpClient
from support.waiting import until

# Above 512 KiB and above 2 MiB.
LARGE = b"x\r\n" * 200_000
STAGED = b"x\r\n" * 750_000
SESSIONS = 50
MESSAGES_PER_SESSION = 20

Clients = list[SmtpClient]
Logged = Callable[[str], list[dict[str, object]]]


@pytest.fixture(scope="module")
def daemon(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """A daemon with a short commit queue."""
    settings = {"COMMIT_QUEUE_MESSAGES": "6", "COMMIT_QUEUE_OCTETS": "100000"}
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("queue"), **settings) as running:
        yield running


@pytest.fixture
def logged(daemon: tuple[Pair, Service]) -> Logged:
    """The events of a name that the daemon has logged since the test began."""
    known = len(daemon[1].events())
    return lambda name: [event for event in daemon[1].events()[known:] if event["event"] == name]


@pytest.fixture
async def clients(daemon: tuple[Pair, Service]) -> AsyncIterator[Clients]:
    """More sessions than there are slots in the queue."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(SmtpClient.connect(daemon[0].smtp_port)) for _ in range(8)]


def seqs(database_url: str, address: str) -> list[int]:
    """The `seq` of each message of a mailbox, in the order of `received_at`."""
    query = """
        SELECT seq
        FROM message
        JOIN mailbox ON mailbox.id = message.mailbox_id
        WHERE mailbox.address = %s
        ORDER BY received_at
    """
    with psycopg.connect(database_url) as connection:
        return [seq for (seq,) in connection.execute(query, [address])]


async def end_messages(clients: Clients) -> None:
    """Send the content of each client's message and its end."""
    for number, client in enumerate(clients):
        await client.send(message(str(number)) + b".\r\n")


async def test_messages_acknowledged_to_many_sessions_are_stored_exactly_once_and_without_a_gap(pair: Pair) -> None:
    addresses = [make_mailbox(pair.database_url) for _ in range(5)]
    acknowledged: dict[str, list[bytes]] = {address: [] for address in addresses}

    async def send(number: int) -> None:
        async with SmtpClient.connect(pair.smtp_port) as session:
            await session.converse(("EHLO client.test", 250))
            for each in range(MESSAGES_PER_SESSION):
                address, content = addresses[(number + each) % len(addresses)], message(f"{number}-{each}")
                await session.send(f"MAIL FROM:<>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode())
                assert [(await session.reply()).code for _ in range(3)] == [250, 250, 354]
                await session.send(content + b".\r\n")
                assert (await session.reply()).code == 250
                acknowledged[address].append(content)

    async with asyncio.TaskGroup() as tasks:
        for number in range(SESSIONS):
            tasks.create_task(send(number))

    for address in addresses:
        assert sorted(stored(pair.database_url, address)) == sorted(acknowledged[address])
        assert seqs(pair.database_url, address) == list(range(1, len(acknowledged[address]) + 1))


async def test_a_message_that_the_database_refuses_does_not_fail_the_rest_of_its_batch(
    pair: Pair, clients: Clients, logged: Logged
) -> None:
    first, *crowd, _, other = clients
    address = make_mailbox(pair.database_url)
    for number, client in enumerate((first, *crowd)):
        await client.begin(address.replace("@", "+refused@") if number == 3 else address)

    with refusing(pair.database_url):
        with locked(pair.database_url, address) as connection:
            await first.send(message("in flight") + b".\r\n")
            await until(lambda: is_waited_for(connection))
            await end_messages(crowd)
            await other.converse(("NOOP", 250), ("NOOP", 250))  # The daemon has read the messages by then.
        replies = [await client.reply() for client in crowd]

    assert [reply.code for reply in replies] == [250, 250, 451, 250, 250]
    assert replies[2].text.startswith("4.3.0")
    assert [event["messages"] for event in logged("batch_refused")] == [5]
    assert len(stored(pair.database_url, address)) == 5


async def test_a_message_reaches_all_of_its_recipients_or_none(pair: Pair, clients: Clients) -> None:
    fine, bad = make_mailbox(pair.database_url), make_mailbox(pair.database_url)

    with refusing(pair.database_url):
        refused = await clients[0].deliver(message(), fine, bad.replace("@", "+refused@"))

    assert (refused.code, refused.text[:5]) == (451, "4.3.0")
    assert [stored(pair.database_url, address) for address in (fine, bad)] == [[], []]


@pytest.mark.parametrize("content", [LARGE, STAGED], ids=["large", "staged"])
async def test_a_large_message_that_the_database_refuses_leaves_nothing_behind(
    pair: Pair, clients: Clients, content: bytes
) -> None:
    bad = make_mailbox(pair.database_url).replace("@", "+refused@")

    with refusing(pair.database_url):
        refused = await clients[0].deliver(content, bad)

    assert (refused.code, refused.text[:5]) == (451, "4.3.0")
    with psycopg.connect(pair.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM staged_content").fetchone() == (0,)


async def test_a_full_disk_defers_the_whole_batch_at_once(pair: Pair, clients: Clients, logged: Logged) -> None:
    first, *crowd, _, other = clients
    address = make_mailbox(pair.database_url)
    for client in (first, *crowd):
        await client.begin(address)

    with without_room(pair.database_url, "message"):
        with locked(pair.database_url, address) as connection:
            await first.send(message("in flight") + b".\r\n")
            await until(lambda: is_waited_for(connection))
            await end_messages(crowd)
            await other.converse(("NOOP", 250), ("NOOP", 250))  # The daemon has read the messages by then.
        deferred = [await client.reply() for client in (first, *crowd)]
    accepted = await first.deliver(message("afterwards"), address)

    assert {(reply.code, reply.text[:5]) for reply in deferred} == {(452, "4.3.1")}
    assert logged("batch_refused") == logged("message_not_stored") == []
    assert [event["error"] for event in logged("command_deferred")] == ["DatabaseFull"] * 6
    assert accepted.code == 250
    assert stored(pair.database_url, address) == [message("afterwards")]


@pytest.mark.parametrize(
    ("content", "table"),
    [(LARGE, "message"), (STAGED, "message"), (STAGED, "staged_content")],
    ids=["large", "staged", "not staged"],
)
async def test_a_large_message_that_does_not_fit_on_a_full_disk_leaves_nothing_behind(
    pair: Pair, clients: Clients, content: bytes, table: str
) -> None:
    address = make_mailbox(pair.database_url)

    with without_room(pair.database_url, table):
        deferred = await clients[0].deliver(content, address)

    assert (deferred.code, deferred.text[:5]) == (452, "4.3.1")
    with psycopg.connect(pair.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM staged_content").fetchone() == (0,)


async def test_a_batch_that_is_stored_one_by_one_stops_at_the_first_error_of_a_full_disk(
    pair: Pair, clients: Clients, logged: Logged
) -> None:
    first, *crowd, _, other = clients
    bad, address = make_mailbox(pair.database_url), make_mailbox(pair.database_url)
    for number, client in enumerate((first, *crowd)):
        await client.begin(bad.replace("@", "+refused@") if number == 1 else address)

    with refusing(pair.database_url), without_room(pair.database_url, "message") as count_errors:
        with locked(pair.database_url, address) as connection:
            await first.send(message("in flight") + b".\r\n")
            await until(lambda: is_waited_for(connection))
            await end_messages(crowd)
            await other.converse(("NOOP", 250), ("NOOP", 250))  # The daemon has read the messages by then.
        replies = [await client.reply() for client in (first, *crowd)]
        errors = count_errors()

    assert [reply.code for reply in replies] == [452, 451, 452, 452, 452, 452]
    assert [event["messages"] for event in logged("batch_refused")] == [5]
    assert errors == 2  # the message in flight, and the second message of the batch


async def test_a_message_beyond_the_message_limit_of_the_queue_is_deferred(
    pair: Pair, clients: Clients, logged: Logged
) -> None:
    first, *crowd, last, other = clients
    address = make_mailbox(pair.database_url)
    for client in (first, *crowd, last):
        await client.begin(address)

    with locked(pair.database_url, address) as connection:
        await first.send(message("in flight") + b".\r\n")
        await until(lambda: is_waited_for(connection))
        await end_messages(crowd)
        await other.converse(("NOOP", 250), ("NOOP", 250))  # The daemon has read the messages by then.
        await end_messages([last])
        deferred = await last.reply()
    accepted = [await client.reply() for client in (first, *crowd)]

    assert (deferred.code, deferred.text[:5]) == (452, "4.3.1")
    assert [reply.code for reply in accepted] == [250] * 6
    assert [event["error"] for event in logged("command_deferred")] == ["QueueFull"]
    assert len(stored(pair.database_url, address)) == 6


async def test_a_message_beyond_the_octet_limit_of_the_queue_is_deferred(
    pair: Pair, clients: Clients, logged: Logged
) -> None:
    first, second, *_ = clients
    address = make_mailbox(pair.database_url)
    for client in (first, second):
        await client.begin(address)

    with locked(pair.database_url, address) as connection:
        await first.send(b"x" * 90_000 + b"\r\n.\r\n")
        await until(lambda: is_waited_for(connection))
        await second.send(b"y" * 10_000 + b"\r\n.\r\n")
        deferred = await second.reply()

    assert (deferred.code, deferred.text[:5]) == (452, "4.3.1")
    assert (await first.reply()).code == 250
    assert [event["error"] for event in logged("command_deferred")] == ["QueueFull"]


# Large messages


@pytest.mark.parametrize("content", [LARGE, STAGED], ids=["large", "staged"])
async def test_a_large_message_that_waits_for_its_mailbox_delays_no_other_mailbox(
    pair: Pair, smtp: SmtpClient, content: bytes
) -> None:
    busy, other = make_mailbox(pair.database_url), make_mailbox(pair.database_url)
    async with SmtpClient.connect(pair.smtp_port) as large, SmtpClient.connect(pair.smtp_port) as small:
        await large.begin(busy)
        await small.begin(busy)
        with locked(pair.database_url, busy) as connection:
            await large.send(content + b".\r\n")
            await until(lambda: is_waited_for(connection))
            await small.send(message() + b".\r\n")

            acknowledged = await smtp.deliver(message(), other)
        replies = [await client.reply() for client in (large, small)]

    assert [acknowledged.code, *(reply.code for reply in replies)] == [250] * 3
    # No order is promised between sessions. A small message that reaches Postgres just as the lock is released is
    # stored before the large message, which had to wait for the lock and is only waking up.
    assert sorted(stored(pair.database_url, busy)) == sorted([content, message()])


async def test_waiting_large_messages_take_no_slot_in_the_queue_of_small_messages(pair: Pair, clients: Clients) -> None:
    large, small, *_ = clients
    busy, other = make_mailbox(pair.database_url), make_mailbox(pair.database_url)
    await large.begin(busy)

    with locked(pair.database_url, busy) as connection:
        await large.send(LARGE + b".\r\n")
        await until(lambda: is_waited_for(connection))
        acknowledged = await small.deliver(message(), other)

    assert (acknowledged.code, (await large.reply()).code) == (250, 250)
