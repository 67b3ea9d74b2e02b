"""What the services tell each other: that a mailbox grew, that it is gone, that it lost a message."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from postgres import EmbeddedPostgres
from support.harness import DEADLINE_SECONDS, arrival, until

from fake_email.postgres import notifications
from fake_email.postgres.connection import Connection
from fake_email.storage import store
from fake_email.storage.mailboxes import Recipient

NewMailbox = Callable[[], Awaitable[Recipient]]
OURS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'fake-email'"
MESSAGE_ID = uuid.UUID("0190163d-8694-739b-aea5-966c26f8ad91")
COUNT_OURS = f"SELECT count(*) {OURS}"
END_OURS = f"SELECT pg_terminate_backend(pid) {OURS}"


class Ear:
    """What `listen` called, in order, and with what; "connected" with what the table said then."""

    def __init__(self) -> None:
        self._calls: asyncio.Queue[tuple[str, object]] = asyncio.Queue()

    async def connected(self, connection: Connection) -> None:
        cursor = await connection.execute("SELECT id, last_seq FROM mailbox")
        self._calls.put_nowait(("connected", dict(await cursor.fetchall())))

    def grown(self, mailbox_id: int, seq: int) -> None:
        self._calls.put_nowait(("grown", (mailbox_id, seq)))

    def gone(self, mailbox_id: int) -> None:
        self._calls.put_nowait(("gone", mailbox_id))

    def deleted(self, mailbox_id: int, seq: int, message_id: uuid.UUID) -> None:
        self._calls.put_nowait(("deleted", (mailbox_id, seq, message_id)))

    def lost(self) -> None:
        self._calls.put_nowait(("lost", None))

    async def next(self) -> tuple[str, object]:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self._calls.get()


@asynccontextmanager
async def listening(
    database_url: str,
    ear: Ear,
    *,
    connected: Callable[[Connection], Awaitable[None]] | None = None,
    lost: Callable[[], None] | None = None,
) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        listener = tasks.create_task(
            notifications.listen(
                database_url,
                connected=connected or ear.connected,
                grown=ear.grown,
                gone=ear.gone,
                deleted=ear.deleted,
                lost=lost or ear.lost,
            )
        )
        yield
        listener.cancel()


@pytest.fixture
def watcher(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    ("payload", "pairs"),
    [
        ("7:1", [(7, 1)]),
        ("7:1 8:200", [(7, 1), (8, 200)]),
        (f"{2**63 - 1}:{2**63 - 1}", [(2**63 - 1, 2**63 - 1)]),
        ("", []),
        ("look", []),
        ("7:1 8: :9 :: 1:2:3 10:4", [(7, 1), (10, 4)]),
        ("9" * 7_000 + ":1", []),
    ],
    ids=["one", "two", "largest", "none", "a word", "between others", "a long number"],
)
def test_a_payload_is_pairs_of_mailbox_and_seq_whatever_else_it_holds(
    payload: str, pairs: list[tuple[int, int]]
) -> None:
    decoded = notifications.decode(payload)

    assert decoded == pairs


@pytest.mark.parametrize(
    ("payload", "ids"),
    [
        ("7", [7]),
        ("7 8 9", [7, 8, 9]),
        ("", []),
        ("7:1 8 -9 1.5 10  \u0661 11", [8, 10, 11]),
        ("9" * 7_000, []),
    ],
    ids=["one", "some", "none", "between others", "a long number"],
)
def test_a_payload_of_mailboxes_that_are_gone_is_their_ids_whatever_else_it_holds(payload: str, ids: list[int]) -> None:
    decoded = notifications.decode_gone(payload)

    assert decoded == ids


def test_a_payload_of_a_deleted_message_is_its_mailbox_its_seq_and_its_id() -> None:
    decoded = notifications.decode_deleted(f"7:3:{MESSAGE_ID}")

    assert decoded == (7, 3, MESSAGE_ID)


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "look",
        "7:3",
        "7:3:",
        f"7:{MESSAGE_ID}",
        f"7:3:{MESSAGE_ID} ",
        f"7:3:{MESSAGE_ID.hex}",
        f"7:-3:{MESSAGE_ID}",
        f"{'9' * 30}:3:{MESSAGE_ID}",
        f"7:3:{MESSAGE_ID}:4",
        "7:3:0190163d-8694-739b-aea5-966c26f8ad9g",
    ],
)
def test_a_payload_that_names_no_deleted_message_is_passed_over(payload: str) -> None:
    assert notifications.decode_deleted(payload) is None


async def test_a_listener_looks_in_the_table_once_it_listens(database_url: str, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    ear = Ear()

    async with listening(database_url, ear):
        first = await ear.next()

    assert first == ("connected", {mailbox.mailbox_id: 0})


async def test_a_listener_hears_what_is_stored(
    database_url: str, connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    ear = Ear()

    async with listening(database_url, ear):
        await ear.next()
        await store.store_messages(connection, [arrival(b"1", mailbox.mailbox_id), arrival(b"2", mailbox.mailbox_id)])
        heard = await ear.next()

    assert heard == ("grown", (mailbox.mailbox_id, 2))


async def test_a_listener_hears_of_each_mailbox_of_a_batch(
    database_url: str, connection: Connection, new_mailbox: NewMailbox
) -> None:
    first, second = await new_mailbox(), await new_mailbox()
    ear = Ear()

    async with listening(database_url, ear):
        await ear.next()
        await store.store_messages(connection, [arrival(b"1", first.mailbox_id, second.mailbox_id)])
        heard = [await ear.next(), await ear.next()]

    assert sorted(heard, key=str) == [("grown", (first.mailbox_id, 1)), ("grown", (second.mailbox_id, 1))]


async def test_a_listener_hears_of_mailboxes_that_are_gone(database_url: str, watcher: psycopg.Connection) -> None:
    ear = Ear()

    async with listening(database_url, ear):
        await ear.next()
        watcher.execute("SELECT pg_notify(%s, 'look'), pg_notify(%s, '7 8')", [notifications.GONE_CHANNEL] * 2)
        heard = [await ear.next(), await ear.next()]

    assert heard == [("gone", 7), ("gone", 8)]


async def test_a_listener_hears_of_a_message_that_was_deleted(database_url: str, watcher: psycopg.Connection) -> None:
    ear = Ear()

    async with listening(database_url, ear):
        await ear.next()
        watcher.execute(
            "SELECT pg_notify(%(channel)s, '7:3:'), pg_notify(%(channel)s, %(payload)s)",
            {"channel": notifications.DELETED_CHANNEL, "payload": f"7:3:{MESSAGE_ID}"},
        )
        heard = await ear.next()

    assert heard == ("deleted", (7, 3, MESSAGE_ID))


async def test_a_listener_that_lost_its_connection_says_so_and_looks_again(
    database_url: str, watcher: psycopg.Connection
) -> None:
    ear = Ear()

    async with listening(database_url, ear):
        await ear.next()
        watcher.execute(END_OURS)
        calls = [await ear.next(), await ear.next()]

    assert [name for name, _ in calls] == ["lost", "connected"]


async def test_a_listener_hears_again_after_it_lost_its_connection(
    database_url: str, connection: Connection, watcher: psycopg.Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    ear = Ear()

    async with listening(database_url, ear):
        await ear.next()
        watcher.execute(END_OURS)
        await ear.next()
        await ear.next()
        await store.store_messages(connection, [arrival(b"1", mailbox.mailbox_id)])
        heard = await ear.next()

    assert heard == ("grown", (mailbox.mailbox_id, 1))


async def test_what_was_committed_while_nobody_listened_is_found_in_the_table(
    database_url: str, watcher: psycopg.Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    ear = Ear()

    def commit_at_once() -> None:
        watcher.execute("UPDATE mailbox SET last_seq = 7")

    async with listening(database_url, ear, lost=commit_at_once):
        await ear.next()
        watcher.execute(END_OURS)
        looked = await ear.next()

    assert looked == ("connected", {mailbox.mailbox_id: 7})


async def test_what_is_committed_while_the_listener_looks_is_heard(
    database_url: str, watcher: psycopg.Connection
) -> None:
    ear = Ear()

    async def look(connection: Connection) -> None:
        await connection.execute("SELECT 1")
        watcher.execute("SELECT pg_notify(%s, '7:1')", [notifications.CHANNEL])
        await connection.execute("SELECT 1")

    async with listening(database_url, ear, connected=look):
        heard = await ear.next()

    assert heard == ("grown", (7, 1))


async def test_a_look_that_fails_is_taken_again(database_url: str) -> None:
    looks: list[int] = []
    ear = Ear()

    async def look(connection: Connection) -> None:
        looks.append(1)
        if len(looks) == 1:
            await connection.execute("SELECT 1 / 0")
        await ear.connected(connection)

    async with listening(database_url, ear, connected=look):
        calls = [await ear.next(), await ear.next()]

    assert [name for name, _ in calls] == ["lost", "connected"]


async def test_a_listener_waits_for_a_database_that_is_away(server: EmbeddedPostgres) -> None:
    ear = Ear()
    looked = asyncio.Event()

    async def look(_: Connection) -> None:
        looked.set()

    server.stop()
    async with listening(server.url, ear, connected=look):
        try:
            calls = [await ear.next(), await ear.next()]
        finally:
            server.start()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await looked.wait()

    assert [name for name, _ in calls] == ["lost", "lost"]


async def test_a_listener_that_is_cancelled_leaves_no_connection(
    database_url: str, watcher: psycopg.Connection
) -> None:
    ear = Ear()

    async with listening(database_url, ear):
        await ear.next()

    await until(lambda: watcher.execute(COUNT_OURS).fetchone() == (0,))


async def test_a_listener_holds_one_connection(database_url: str, watcher: psycopg.Connection) -> None:
    ear = Ear()

    async with listening(database_url, ear):
        await ear.next()
        held = watcher.execute(COUNT_OURS).fetchone()

    assert held == (1,)
