"""What the log tells: one event for each outcome, and nothing of what the mail says or whom it is for."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from support.harness import Pair, Service, SmtpClient, make_mailbox, message, refusing, running_smtp, until

Event = dict[str, object]


@pytest.fixture(scope="module")
def daemon(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """A daemon of this file's own, which takes small messages only and tells all that it tells."""
    settings = {"MAX_MESSAGE_OCTETS": "65536", "LOG_LEVEL": "debug"}
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("log"), **settings) as running:
        yield running


class Session:
    """A session, and the events that it leaves behind."""

    def __init__(self, client: SmtpClient, service: Service) -> None:
        self.client = client
        self._service = service
        self._known = len(service.events())

    def told(self) -> list[Event]:
        """What sessions left behind since this one began."""
        return [event for event in self._service.events()[self._known :] if "session" in event]

    async def events(self) -> list[Event]:
        """All of its events, once it has ended."""
        await until(lambda: any(event["event"] == "session_ended" for event in self.told()))
        return self.told()

    async def event(self, name: str) -> Event:
        """Its only event of that name."""
        [found] = [event for event in await self.events() if event["event"] == name]
        return found


@pytest.fixture
async def session(daemon: tuple[Pair, Service]) -> AsyncIterator[Session]:
    pair, service = daemon
    async with SmtpClient.connect(pair.smtp_port) as client:
        yield Session(client, service)


async def test_a_message_that_was_stored_is_told_once(session: Session, pair: Pair) -> None:
    addresses = [make_mailbox(pair.database_url) for _ in range(2)]
    await session.client.deliver(message(), *addresses)
    await session.client.command("QUIT")

    event = await session.event("message_stored")

    assert event.items() >= {"level": "info", "recipients": 2, "stored": 2, "octets": len(message())}.items()


async def test_the_event_of_a_message_names_its_row(session: Session, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    await session.client.deliver(message(), address)
    await session.client.command("QUIT")

    event = await session.event("message_stored")

    with psycopg.connect(pair.database_url) as connection:
        row = connection.execute(
            "SELECT message.id::text FROM message JOIN mailbox ON mailbox.id = mailbox_id WHERE address = %s", [address]
        ).fetchone()
    assert row == (event["message"],)


async def test_a_message_that_came_again_is_told_to_store_nothing(session: Session, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    for _ in range(2):
        await session.client.deliver(message(), address)
    await session.client.command("QUIT")

    told = [event["stored"] for event in await session.events() if event["event"] == "message_stored"]

    assert told == [1, 0]


async def test_a_message_that_is_too_large_is_told_once(session: Session, pair: Pair) -> None:
    await session.client.deliver(b"x" * 65_536 + b"\r\n", make_mailbox(pair.database_url))
    await session.client.command("QUIT")

    event = await session.event("message_refused")

    assert event.items() >= {"level": "info", "reason": "too_large"}.items()


async def test_a_message_whose_mailbox_is_gone_is_told_once(session: Session, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    await session.client.begin(address)
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM mailbox WHERE address = %s", [address])
    await session.client.converse((".", 550), ("QUIT", 221))

    event = await session.event("message_refused")

    assert event.items() >= {"level": "info", "reason": "mailbox_gone"}.items()


async def test_a_full_mailbox_is_told_once(session: Session, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute("UPDATE mailbox SET message_count = 500 WHERE address = %s", [address])
    await session.client.converse(
        ("EHLO client.test", 250), ("MAIL FROM:<>", 250), (f"RCPT TO:<{address}>", 452), ("QUIT", 221)
    )

    assert (await session.event("limit_reached")).items() >= {"level": "info", "limit": "mailbox_quota"}.items()


async def test_a_session_that_quits_is_told_with_its_messages(session: Session, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    for subject in ("one", "two"):
        await session.client.deliver(message(subject), address)
    await session.client.command("QUIT")

    event = await session.event("session_ended")

    assert event.items() >= {"level": "info", "outcome": "quit", "messages": 2, "peer": "127.0.0.1"}.items()


async def test_a_session_that_is_cut_is_told_as_lost(session: Session) -> None:
    session.client.writer.transport.abort()

    assert (await session.event("session_ended"))["outcome"] == "lost"


async def test_a_session_with_an_endless_line_is_told_as_such(session: Session) -> None:
    await session.client.send(b"x" * 131_073)

    assert (await session.event("session_ended"))["outcome"] == "line_without_end"


async def test_all_events_of_a_session_name_it(session: Session, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    await session.client.deliver(message("one"), address)
    await session.client.deliver(message("two"), address)
    await session.client.command("QUIT")

    events = await session.events()

    assert [event["event"] for event in events] == ["message_stored", "message_stored", "session_ended"]
    assert len({event["session"] for event in events}) == 1


async def test_no_two_sessions_have_one_name(session: Session, daemon: tuple[Pair, Service]) -> None:
    pair, _ = daemon
    async with SmtpClient.connect(pair.smtp_port) as other:
        await other.command("QUIT")
        await session.client.command("QUIT")
        await until(lambda: len(session.told()) == 2)

    assert len({event["session"] for event in session.told()}) == 2


async def test_neither_content_nor_a_local_part_is_told(daemon: tuple[Pair, Service]) -> None:
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
