"""Many messages in one commit: each is kept or refused on its own account, and no more wait than may."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import psycopg
import pytest
from support.harness import (
    Pair,
    Service,
    SmtpClient,
    is_waited_for,
    locked,
    make_mailbox,
    message,
    refusing,
    running_smtp,
    stored,
    until,
    without_room,
)

SESSIONS = 50
MESSAGES_A_SESSION = 20

Open = list[SmtpClient]
Told = Callable[[str], list[dict[str, object]]]


@pytest.fixture(scope="module")
def daemon(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """A daemon in which few messages may wait."""
    settings = {"COMMIT_QUEUE_MESSAGES": "6", "COMMIT_QUEUE_OCTETS": "100000"}
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("queue"), **settings) as running:
        yield running


@pytest.fixture
def told(daemon: tuple[Pair, Service]) -> Told:
    """The events of a name that the daemon logged since the test began."""
    known = len(daemon[1].events())
    return lambda name: [event for event in daemon[1].events()[known:] if event["event"] == name]


@pytest.fixture
async def clients(daemon: tuple[Pair, Service]) -> AsyncIterator[Open]:
    """Sessions that have greeted: more of them than messages may wait."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(SmtpClient.connect(daemon[0].smtp_port)) for _ in range(8)]


def seqs(database_url: str, address: str) -> list[int]:
    """The numbers of a mailbox's messages, in the order of their time."""
    query = """
        SELECT seq
        FROM message
        JOIN mailbox ON mailbox.id = message.mailbox_id
        WHERE mailbox.address = %s
        ORDER BY received_at
    """
    with psycopg.connect(database_url) as connection:
        return [seq for (seq,) in connection.execute(query, [address])]


async def end_messages(clients: Open) -> None:
    """End the message of each."""
    for number, client in enumerate(clients):
        await client.send(message(str(number)) + b".\r\n")


async def test_what_many_sessions_were_acknowledged_is_stored_exactly_once_and_without_a_gap(pair: Pair) -> None:
    addresses = [make_mailbox(pair.database_url) for _ in range(5)]
    acknowledged: dict[str, list[bytes]] = {address: [] for address in addresses}

    async def send(number: int) -> None:
        async with SmtpClient.connect(pair.smtp_port) as session:
            await session.converse(("EHLO client.test", 250))
            for each in range(MESSAGES_A_SESSION):
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


async def test_a_message_that_the_database_refuses_does_not_fail_its_neighbours(
    pair: Pair, clients: Open, told: Told
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
            await other.converse(("NOOP", 250), ("NOOP", 250))  # what came before is read by then
        replies = [await client.reply() for client in crowd]

    assert [reply.code for reply in replies] == [250, 250, 451, 250, 250]
    assert replies[2].text.startswith("4.3.0")
    assert [event["messages"] for event in told("batch_refused")] == [5]
    assert len(stored(pair.database_url, address)) == 5


async def test_a_message_reaches_all_its_recipients_or_none(pair: Pair, clients: Open) -> None:
    fine, bad = make_mailbox(pair.database_url), make_mailbox(pair.database_url)

    with refusing(pair.database_url):
        refused = await clients[0].deliver(message(), fine, bad.replace("@", "+refused@"))

    assert (refused.code, refused.text[:5]) == (451, "4.3.0")
    assert [stored(pair.database_url, address) for address in (fine, bad)] == [[], []]


async def test_a_large_message_that_the_database_refuses_leaves_nothing_behind(pair: Pair, clients: Open) -> None:
    bad = make_mailbox(pair.database_url).replace("@", "+refused@")

    with refusing(pair.database_url):
        refused = await clients[0].deliver(b"x\r\n" * 200_000, bad)

    assert (refused.code, refused.text[:5]) == (451, "4.3.0")
    with psycopg.connect(pair.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM staged_content").fetchone() == (0,)


async def test_what_a_full_disk_has_no_room_for_is_put_off_all_at_once(pair: Pair, clients: Open, told: Told) -> None:
    first, *crowd, _, other = clients
    address = make_mailbox(pair.database_url)
    for client in (first, *crowd):
        await client.begin(address)

    with without_room(pair.database_url, "message"):
        with locked(pair.database_url, address) as connection:
            await first.send(message("in flight") + b".\r\n")
            await until(lambda: is_waited_for(connection))
            await end_messages(crowd)
            await other.converse(("NOOP", 250), ("NOOP", 250))  # what came before is read by then
        put_off = [await client.reply() for client in (first, *crowd)]
    taken = await first.deliver(message("afterwards"), address)

    assert {(reply.code, reply.text[:5]) for reply in put_off} == {(452, "4.3.1")}
    assert told("batch_refused") == told("message_not_stored") == []
    assert [event["error"] for event in told("command_deferred")] == ["DatabaseFull"] * 6
    assert taken.code == 250
    assert stored(pair.database_url, address) == [message("afterwards")]


@pytest.mark.parametrize("table", ["staged_content", "message"])
async def test_a_large_message_that_a_full_disk_has_no_room_for_leaves_nothing_behind(
    pair: Pair, clients: Open, table: str
) -> None:
    address = make_mailbox(pair.database_url)

    with without_room(pair.database_url, table):
        put_off = await clients[0].deliver(b"x\r\n" * 200_000, address)

    assert (put_off.code, put_off.text[:5]) == (452, "4.3.1")
    with psycopg.connect(pair.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM staged_content").fetchone() == (0,)


async def test_a_full_disk_is_found_out_once_for_a_batch_that_is_stored_message_by_message(
    pair: Pair, clients: Open, told: Told
) -> None:
    first, *crowd, _, other = clients
    bad, address = make_mailbox(pair.database_url), make_mailbox(pair.database_url)
    for number, client in enumerate((first, *crowd)):
        await client.begin(bad.replace("@", "+refused@") if number == 1 else address)

    with refusing(pair.database_url), without_room(pair.database_url, "message") as found:
        with locked(pair.database_url, address) as connection:
            await first.send(message("in flight") + b".\r\n")
            await until(lambda: is_waited_for(connection))
            await end_messages(crowd)
            await other.converse(("NOOP", 250), ("NOOP", 250))  # what came before is read by then
        replies = [await client.reply() for client in (first, *crowd)]
        times = found()

    assert [reply.code for reply in replies] == [452, 451, 452, 452, 452, 452]
    assert [event["messages"] for event in told("batch_refused")] == [5]
    assert times == 2  # by the one in flight, and by the second of the batch


async def test_more_messages_than_may_wait_are_put_off(pair: Pair, clients: Open, told: Told) -> None:
    first, *crowd, last, other = clients
    address = make_mailbox(pair.database_url)
    for client in (first, *crowd, last):
        await client.begin(address)

    with locked(pair.database_url, address) as connection:
        await first.send(message("in flight") + b".\r\n")
        await until(lambda: is_waited_for(connection))
        await end_messages(crowd)
        await other.converse(("NOOP", 250), ("NOOP", 250))  # what came before is read by then
        await end_messages([last])
        put_off = await last.reply()
    taken = [await client.reply() for client in (first, *crowd)]

    assert (put_off.code, put_off.text[:5]) == (452, "4.3.1")
    assert [reply.code for reply in taken] == [250] * 6
    assert [event["error"] for event in told("command_deferred")] == ["QueueFull"]
    assert len(stored(pair.database_url, address)) == 6


async def test_more_octets_than_may_wait_are_put_off(pair: Pair, clients: Open, told: Told) -> None:
    first, second, *_ = clients
    address = make_mailbox(pair.database_url)
    for client in (first, second):
        await client.begin(address)

    with locked(pair.database_url, address) as connection:
        await first.send(b"x" * 90_000 + b"\r\n.\r\n")
        await until(lambda: is_waited_for(connection))
        await second.send(b"y" * 10_000 + b"\r\n.\r\n")
        put_off = await second.reply()

    assert (put_off.code, put_off.text[:5]) == (452, "4.3.1")
    assert (await first.reply()).code == 250
    assert [event["error"] for event in told("command_deferred")] == ["QueueFull"]


# Large messages

LARGE = b"x\r\n" * 200_000


async def test_a_large_message_that_waits_for_its_mailbox_holds_up_no_other_mailbox(
    pair: Pair, smtp: SmtpClient
) -> None:
    busy, other = make_mailbox(pair.database_url), make_mailbox(pair.database_url)
    async with SmtpClient.connect(pair.smtp_port) as large, SmtpClient.connect(pair.smtp_port) as small:
        await large.begin(busy)
        await small.begin(busy)
        with locked(pair.database_url, busy) as connection:
            await large.send(LARGE + b".\r\n")
            await until(lambda: is_waited_for(connection))
            await small.send(message() + b".\r\n")

            acknowledged = await smtp.deliver(message(), other)
        replies = [await client.reply() for client in (large, small)]

    assert [acknowledged.code, *(reply.code for reply in replies)] == [250] * 3
    assert stored(pair.database_url, busy) == [LARGE, message()]


async def test_large_messages_that_wait_leave_the_queue_to_the_others(pair: Pair, clients: Open) -> None:
    large, small, *_ = clients
    busy, other = make_mailbox(pair.database_url), make_mailbox(pair.database_url)
    await large.begin(busy)

    with locked(pair.database_url, busy) as connection:
        await large.send(LARGE + b".\r\n")
        await until(lambda: is_waited_for(connection))
        acknowledged = await small.deliver(message(), other)

    assert (acknowledged.code, (await large.reply()).code) == (250, 250)
