"""Notifications: payloads and their meaning, and a listener on a real Postgres that loses its connection."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import psycopg
import pytest
from postgres import EmbeddedPostgres
from structlog.testing import capture_logs
from support.database import incoming_message
from support.waiting import DEADLINE_SECONDS, until

from fake_email.postgres import notifications
from fake_email.postgres.connection import Connection
from fake_email.postgres.notifications import Deleted, Gone, Grown, Notification
from fake_email.storage import store
from fake_email.storage.recipients import Recipient

NewMailbox = Callable[[], Awaitable[Recipient]]
OURS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'fake-email'"
MESSAGE_ID = uuid.UUID("0190163d-8694-739b-aea5-966c26f8ad91")
COUNT_OURS = f"SELECT count(*) {OURS}"
COUNT_WITHOUT_LISTEN = f"{COUNT_OURS} AND query = 'UNLISTEN *' AND state = 'idle'"
END_OURS = f"SELECT pg_terminate_backend(pid) {OURS}"

# A change that a listener hears of, or how it fared: that it lost its connection, or what the table held after LISTEN.
Heard = Notification | dict[int, int] | None
LOST = None


class Recorder:
    """A subscriber that keeps all it is told, in order."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[Heard] = asyncio.Queue()
        self.awaited = asyncio.Event()
        self.awaited.set()

    async def connected(self, connection: Connection) -> None:
        cursor = await connection.execute("SELECT id, last_seq FROM mailbox")
        self._heard.put_nowait(dict(await cursor.fetchall()))

    def notified(self, notification: Notification) -> None:
        self._heard.put_nowait(notification)

    def lost(self) -> None:
        self._heard.put_nowait(LOST)

    async def next(self) -> Heard:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self._heard.get()


@asynccontextmanager
async def listening(database_url: str, recorder: Recorder) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        listener = tasks.create_task(notifications.listen(database_url, recorder))
        yield
        listener.cancel()


@pytest.fixture
def watcher(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def notify(connection: psycopg.Connection, channel: str, *payloads: str) -> None:
    for payload in payloads:
        connection.execute("SELECT pg_notify(%s, %s)", [channel, payload])


def understood(channel: str, payload: str) -> Sequence[Notification]:
    return [each for each in notifications.decode(channel, payload) if each]


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
def test_a_payload_of_mailboxes_that_grew_is_pairs_of_id_and_seq_whatever_else_it_holds(
    payload: str, pairs: list[tuple[int, int]]
) -> None:
    assert understood("message_stored", payload) == [Grown(mailbox_id=each, seq=seq) for each, seq in pairs]


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
    assert understood("mailbox_gone", payload) == [Gone(mailbox_id=each) for each in ids]


def test_a_payload_of_a_deleted_message_is_its_mailbox_its_seq_and_its_id() -> None:
    decoded = notifications.decode("message_deleted", f"7:3:{MESSAGE_ID}")

    assert decoded == [Deleted(mailbox_id=7, seq=3, message_id=MESSAGE_ID)]


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
def test_a_payload_that_names_no_deleted_message_is_unknown(payload: str) -> None:
    assert notifications.decode("message_deleted", payload) == [None]


def test_a_payload_of_an_unknown_channel_is_unknown() -> None:
    assert notifications.decode("message_from_the_next_release", "7:1") == [None]


async def test_a_listener_looks_in_the_table_once_it_listens(database_url: str, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    recorder = Recorder()

    async with listening(database_url, recorder):
        first = await recorder.next()

    assert first == {mailbox.mailbox_id: 0}


async def test_a_listener_hears_what_is_stored(
    database_url: str, connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    recorder = Recorder()

    async with listening(database_url, recorder):
        await recorder.next()
        await store.store_messages(
            connection, [incoming_message(b"1", mailbox.mailbox_id), incoming_message(b"2", mailbox.mailbox_id)]
        )
        heard = await recorder.next()

    assert heard == Grown(mailbox_id=mailbox.mailbox_id, seq=2)


async def test_a_listener_hears_of_each_mailbox_of_a_batch(
    database_url: str, connection: Connection, new_mailbox: NewMailbox
) -> None:
    first, second = await new_mailbox(), await new_mailbox()
    recorder = Recorder()

    async with listening(database_url, recorder):
        await recorder.next()
        await store.store_messages(connection, [incoming_message(b"1", first.mailbox_id, second.mailbox_id)])
        heard = [await recorder.next(), await recorder.next()]

    assert sorted(heard, key=str) == [
        Grown(mailbox_id=first.mailbox_id, seq=1),
        Grown(mailbox_id=second.mailbox_id, seq=1),
    ]


async def test_a_listener_hears_of_mailboxes_that_are_gone(database_url: str, watcher: psycopg.Connection) -> None:
    recorder = Recorder()

    async with listening(database_url, recorder):
        await recorder.next()
        notify(watcher, "mailbox_gone", "look", "7 8")
        heard = [await recorder.next(), await recorder.next()]

    assert heard == [Gone(mailbox_id=7), Gone(mailbox_id=8)]


async def test_a_listener_hears_of_a_message_that_was_deleted(database_url: str, watcher: psycopg.Connection) -> None:
    recorder = Recorder()

    async with listening(database_url, recorder):
        await recorder.next()
        notify(watcher, "message_deleted", "7:3:", f"7:3:{MESSAGE_ID}")
        heard = await recorder.next()

    assert heard == Deleted(mailbox_id=7, seq=3, message_id=MESSAGE_ID)


async def test_unknown_payloads_are_skipped_and_the_first_of_each_channel_is_logged_without_its_content(
    database_url: str, watcher: psycopg.Connection
) -> None:
    recorder = Recorder()

    with capture_logs() as logged:
        async with listening(database_url, recorder):
            await recorder.next()
            notify(watcher, "message_stored", "ann@mx.test", "7:1:2", "7=1 8=1", "7:1")
            notify(watcher, "message_deleted", "ann@mx.test", "7")
            notify(watcher, "message_stored", "ann@mx.test", "8:1")
            heard = [await recorder.next(), await recorder.next()]

    assert heard == [Grown(mailbox_id=7, seq=1), Grown(mailbox_id=8, seq=1)]
    assert [each for each in logged if each["log_level"] == "warning"] == [
        {"event": "notification_unknown", "log_level": "warning", "channel": "message_stored"},
        {"event": "notification_unknown", "log_level": "warning", "channel": "message_deleted"},
    ]


async def test_an_unknown_payload_is_not_logged_again_after_a_lost_connection(
    database_url: str, watcher: psycopg.Connection
) -> None:
    recorder = Recorder()

    with capture_logs() as logged:
        async with listening(database_url, recorder):
            await recorder.next()
            notify(watcher, "message_stored", "look", "7:1")
            await recorder.next()
            watcher.execute(END_OURS)
            lost_and_connected = [await recorder.next(), await recorder.next()]
            notify(watcher, "message_stored", "look", "7:2")
            heard = await recorder.next()

    assert lost_and_connected[0] is LOST
    assert heard == Grown(mailbox_id=7, seq=2)
    assert [each["event"] for each in logged].count("notification_unknown") == 1


async def test_a_listener_that_lost_its_connection_says_so_and_looks_again(
    database_url: str, watcher: psycopg.Connection
) -> None:
    recorder = Recorder()

    async with listening(database_url, recorder):
        await recorder.next()
        watcher.execute(END_OURS)
        heard = [await recorder.next(), await recorder.next()]

    assert heard == [LOST, {}]


async def test_a_listener_hears_again_after_it_lost_its_connection(
    database_url: str, connection: Connection, watcher: psycopg.Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    recorder = Recorder()

    async with listening(database_url, recorder):
        await recorder.next()
        watcher.execute(END_OURS)
        await recorder.next()
        await recorder.next()
        await store.store_messages(connection, [incoming_message(b"1", mailbox.mailbox_id)])
        heard = await recorder.next()

    assert heard == Grown(mailbox_id=mailbox.mailbox_id, seq=1)


async def test_a_change_that_was_committed_while_nobody_listened_is_found_in_the_table(
    database_url: str, watcher: psycopg.Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()

    class CommitsWhenLost(Recorder):
        def lost(self) -> None:
            watcher.execute("UPDATE mailbox SET last_seq = 7")

    recorder = CommitsWhenLost()

    async with listening(database_url, recorder):
        await recorder.next()
        watcher.execute(END_OURS)
        found = await recorder.next()

    assert found == {mailbox.mailbox_id: 7}


async def test_a_change_that_is_committed_while_the_listener_looks_is_heard(
    database_url: str, watcher: psycopg.Connection
) -> None:
    class CommitsWhileItLooks(Recorder):
        async def connected(self, connection: Connection) -> None:
            await connection.execute("SELECT 1")
            notify(watcher, "message_stored", "7:1")
            await connection.execute("SELECT 1")

    recorder = CommitsWhileItLooks()

    async with listening(database_url, recorder):
        heard = await recorder.next()

    assert heard == Grown(mailbox_id=7, seq=1)


async def test_a_look_that_fails_is_repeated(database_url: str) -> None:
    class FailsOnce(Recorder):
        has_failed = False

        async def connected(self, connection: Connection) -> None:
            if not self.has_failed:
                self.has_failed = True
                await connection.execute("SELECT 1 / 0")
            await super().connected(connection)

    recorder = FailsOnce()

    async with listening(database_url, recorder):
        heard = [await recorder.next(), await recorder.next()]

    assert heard == [LOST, {}]


async def test_a_listener_waits_for_a_database_that_is_away(server: EmbeddedPostgres) -> None:
    looked = asyncio.Event()

    class Looks(Recorder):
        async def connected(self, connection: Connection) -> None:
            looked.set()

    recorder = Looks()

    server.stop()
    async with listening(server.url, recorder):
        try:
            heard = [await recorder.next(), await recorder.next()]
        finally:
            server.start()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await looked.wait()

    assert heard == [LOST, LOST]


async def test_a_listener_that_is_cancelled_leaves_no_connection(
    database_url: str, watcher: psycopg.Connection
) -> None:
    recorder = Recorder()

    async with listening(database_url, recorder):
        await recorder.next()

    await until(lambda: watcher.execute(COUNT_OURS).fetchone() == (0,))


async def test_a_listener_has_one_connection(database_url: str, watcher: psycopg.Connection) -> None:
    recorder = Recorder()

    async with listening(database_url, recorder):
        await recorder.next()
        connections = watcher.execute(COUNT_OURS).fetchone()

    assert connections == (1,)


async def test_a_listener_that_nobody_awaits_does_without_listen_and_then_looks_in_the_table(
    database_url: str, connection: Connection, watcher: psycopg.Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    recorder = Recorder()

    async with listening(database_url, recorder):
        await recorder.next()
        recorder.awaited.clear()
        await until(
            lambda: watcher.execute(f"{COUNT_OURS} AND query = 'UNLISTEN *' AND state = 'idle'").fetchone() == (1,)
        )
        await store.store_messages(connection, [incoming_message(b"1", mailbox.mailbox_id)])
        recorder.awaited.set()
        found = await recorder.next()
        await store.store_messages(connection, [incoming_message(b"2", mailbox.mailbox_id)])
        heard = await recorder.next()

    assert found == {mailbox.mailbox_id: 1}
    assert heard == Grown(mailbox_id=mailbox.mailbox_id, seq=2)
