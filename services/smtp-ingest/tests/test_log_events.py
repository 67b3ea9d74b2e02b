"""The log: one event for each outcome, and neither content nor local parts."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, refusing
from support.harness import Pair, Service, running_smtp
from support.smtp_client import SmtpClient
from support.waiting import until

Event = dict[str, object]


@pytest.fixture(scope="module")
def daemon(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """A daemon for this file, with a small message limit and debug logging."""
    settings = {"MAX_MESSAGE_OCTETS": "65536", "LOG_LEVEL": "debug"}
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("log"), **settings) as running:
        yield running


class Session:
    """A session, and the events that it logs."""

    def __init__(self, client: SmtpClient, service: Service) -> None:
        self.client = client
        self._service = service
        self._known = len(service.events())

    def logged(self) -> list[Event]:
        """The events of all sessions since this session began."""
        return [event for event in self._service.events()[self._known :] if "session" in event]

    async def events(self) -> list[Event]:
        """All events of the session, once it has ended."""
        await until(lambda: any(event["event"] == "session_ended" for event in self.logged()))
        return self.logged()

    async def event(self, name: str) -> Event:
        """The only event of that name."""
        [found] = [event for event in await self.events() if event["event"] == name]
        return found


@pytest.fixture
async def session(daemon: tuple[Pair, Service]) -> AsyncIterator[Session]:
    pair, service = daemon
    async with SmtpClient.connect(pair.smtp_port) as client:
        yield Session(client, service)


async def test_a_stored_message_is_logged_once(session: Session, pair: Pair) -> None:
    addresses = [make_mailbox(pair.database_url) for _ in range(2)]
    await session.client.deliver(message(), *addresses)
    await session.client.command("QUIT")

    event = await session.event("message_stored")

    assert event.items() >= {"level": "info", "recipients": 2, "stored": 2, "octets": len(message())}.items()


async def test_the_event_of_a_message_has_the_id_of_its_row(session: Session, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    await session.client.deliver(message(), address)
    await session.client.command("QUIT")

    event = await session.event("message_stored")

    with psycopg.connect(pair.database_url) as connection:
        row = connection.execute(
            "SELECT message.id::text FROM message JOIN mailbox ON mailbox.id = mailbox_id WHERE address = %s", [address]
        ).fetchone()
    assert row == (event["message"],)


async def test_a_duplicate_message_is_logged_with_0_stored(session: Session, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    for _ in range(2):
        await session.client.deliver(message(), address)
    await session.client.command("QUIT")

    stored = [event["stored"] for event in await session.events() if event["event"] == "message_stored"]

    assert stored == [1, 0]


async def test_a_message_that_is_too_large_is_logged_once(session: Session, pair: Pair) -> None:
    await session.client.deliver(b"x" * 65_536 + b"\r\n", make_mailbox(pair.database_url))
    await session.client.command("QUIT")

    event = await session.event("message_refused")

    assert event.items() >= {"level": "info", "reason": "too_large"}.items()


async def test_a_message_whose_mailbox_is_gone_is_logged_once(session: Session, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    await session.client.begin(address)
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM mailbox WHERE address = %s", [address])
    await session.client.converse((".", 550), ("QUIT", 221))

    event = await session.event("message_refused")

    assert event.items() >= {"level": "info", "reason": "mailbox_gone"}.items()


async def test_a_full_mailbox_is_logged_once(session: Session, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute("UPDATE mailbox SET message_count = 500 WHERE address = %s", [address])
    await session.client.converse(
        ("EHLO client.test", 250), ("MAIL FROM:<>", 250), (f"RCPT TO:<{address}>", 452), ("QUIT", 221)
    )

    assert (await session.event("limit_reached")).items() >= {"level": "info", "limit": "mailbox_quota"}.items()


async def test_the_end_of_a_session_is_logged_with_its_number_of_messages(session: Session, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    for subject in ("one", "two"):
        await session.client.deliver(message(subject), address)
    await session.client.command("QUIT")

    event = await session.event("session_ended")

    assert event.items() >= {"level": "info", "outcome": "quit", "messages": 2, "peer": "127.0.0.1"}.items()


async def test_a_lost_connection_is_logged_as_lost(session: Session) -> None:
    session.client.writer.transport.abort()

    assert (await session.event("session_ended"))["outcome"] == "lost"


async def test_a_session_that_ends_by_an_endless_line_is_logged_with_that_outcome(session: Session) -> None:
    await session.client.send(b"x" * 131_073)

    assert (await session.event("session_ended"))["outcome"] == "line_without_end"


async def test_all_events_of_a_session_have_its_id(session: Session, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    await session.client.deliver(message("one"), address)
    await session.client.deliver(message("two"), address)
    await session.client.command("QUIT")

    events = await session.events()

    assert [event["event"] for event in events] == ["message_stored", "message_stored", "session_ended"]
    assert len({event["session"] for event in events}) == 1


async def test_two_sessions_have_different_ids(session: Session, daemon: tuple[Pair, Service]) -> None:
    pair, _ = daemon
    async with SmtpClient.connect(pair.smtp_port) as other:
        await other.command("QUIT")
        await session.client.command("QUIT")
        await until(lambda: len(session.logged()) == 2)

    assert len({event["session"] for event in session.logged()}) == 2


async def test_neither_content_nor_a_local_part_is_logged(daemon: tuple[Pair, Service]) -> None:
    pair, service = daemon
    address = make_mailbox(pair.database_url)
    local_part = address.partition("@")[0]
    async with SmtpClient.connect(pair.smtp_port) as client:
        with refusing(pair.database_url):
            kept = await client.deliver(message("secret-subject", "secret-body"), address, reverse_path="secret@a.test")
            refused = await client.deliver(
                message("secret-subject", "secret-body 2"),
                f"{local_part}+refused@mx.test",
                reverse_path="secret@a.test",
            )
        await client.converse(
            ("MAIL FROM:<secret@a.test> SECRET=secret", 555),
            ("secret", 500),
            ("VRFY secret", 252),
            ("MAIL FROM:<secret@a.test>", 250),
            ("RCPT TO:<secret@mx.test>", 550),
            ("RCPT TO:<secret@elsewhere.test>", 550),
            ("QUIT", 221),
        )

    log = service.log.read_text().lower()
    assert (kept.code, refused.code) == (250, 451)
    assert "message_not_stored" in log
    assert "secret" not in log
    assert local_part not in log
