"""What one session may do, and what it is told and the log is told when it does more."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from support.harness import Pair, Reply, Service, SmtpClient, locked, make_mailbox, message, running_smtp, stored, until

LIMITS = {
    "SMTP_MAX_MESSAGES": "2",
    "SMTP_MAX_RECIPIENTS": "3",
    "SMTP_MAX_REFUSED_RECIPIENTS": "4",
    "SMTP_REFUSAL_DELAY_SECONDS": "0",
    "SMTP_MAX_UNKNOWN_COMMANDS": "2",
    "SMTP_MAX_ERRORS": "5",
    "SMTP_MAX_COMMANDS_WITHOUT_MESSAGE": "15",
    "SMTP_MAX_COMMAND_OCTETS": "512",
    "SMTP_RATE_GRACE_SECONDS": "0.4",
    "MAX_MESSAGE_OCTETS": "200000",
    "MAX_HEADER_OCTETS": "2048",
    "MAX_LINE_OCTETS": "131072",
    "MAILBOX_QUOTA_OCTETS": "100000",
}
HEADER = b"Subject: x\r\n\r\n"


@pytest.fixture(scope="module")
def daemon(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """A daemon with small limits."""
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("limits"), **LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def hurried(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """A daemon whose sessions are short."""
    limits = {
        "SMTP_IDLE_SECONDS": "0.5",
        "SMTP_SESSION_SECONDS": "1",
        "SMTP_MAX_COMMANDS_WITHOUT_MESSAGE": "100000",
    }
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("hurried"), **limits) as running:
        yield running


@pytest.fixture
def address(pair: Pair) -> str:
    return make_mailbox(pair.database_url)


class Session:
    """A session, and what the log tells since it began."""

    def __init__(self, client: SmtpClient, service: Service) -> None:
        self.client = client
        self._service = service
        self._known = len(service.events())

    async def told(self, name: str) -> dict[str, object]:
        """The first event of that name."""

        def found() -> list[dict[str, object]]:
            return [event for event in self._service.events()[self._known :] if event["event"] == name]

        await until(lambda: bool(found()))
        return found()[0]

    async def end(self) -> tuple[int, str, object, object]:
        """The next reply, with which it is closed, the limit in the log, and its outcome there."""
        return await self.ended_with(await self.client.reply())

    async def ended_with(self, reply: Reply) -> tuple[int, str, object, object]:
        """The same of a reply that was read already."""
        assert await self.client.is_closed()
        self.client.writer.close()
        limit, outcome = await self.told("limit_reached"), await self.told("session_ended")
        return reply.code, reply.text[:5], limit["limit"], outcome["outcome"]


@pytest.fixture
async def session(daemon: tuple[Pair, Service]) -> AsyncIterator[Session]:
    pair, service = daemon
    async with SmtpClient.connect(pair.smtp_port) as client:
        yield Session(client, service)


@pytest.fixture
async def short_session(hurried: tuple[Pair, Service]) -> AsyncIterator[Session]:
    pair, service = hurried
    async with SmtpClient.connect(pair.smtp_port) as client:
        yield Session(client, service)


def past(limit: str) -> tuple[int, str, str, str]:
    """How a session ends that goes past it."""
    return 421, "4.7.0", limit, limit


# Messages and recipients


async def test_a_session_with_enough_messages_takes_no_more(session: Session, address: str) -> None:
    for subject in ("one", "two"):
        assert (await session.client.deliver(message(subject), address)).code == 250

    await session.client.send(b"MAIL FROM:<>\r\n")

    assert await session.end() == past("smtp_max_messages")


async def test_a_recipient_too_many_is_for_another_transaction(session: Session, pair: Pair) -> None:
    addresses = [make_mailbox(pair.database_url) for _ in range(4)]
    await session.client.converse(
        ("EHLO client.test", 250), ("MAIL FROM:<>", 250), *((f"RCPT TO:<{each}>", 250) for each in addresses[:3])
    )

    reply = await session.client.command(f"RCPT TO:<{addresses[3]}>")

    assert (reply.code, reply.text[:5]) == (452, "4.5.3")
    assert (await session.told("limit_reached"))["limit"] == "smtp_max_recipients"


async def test_a_message_may_have_100_recipients_unless_a_setting_says_otherwise(pair: Pair, address: str) -> None:
    async with SmtpClient.connect(pair.smtp_port) as client:  # RFC 5321 §4.5.3.1.8
        await client.converse(
            ("EHLO client.test", 250), ("MAIL FROM:<>", 250), *[(f"RCPT TO:<{address}>", 250)] * 100, ("DATA", 354)
        )


async def test_the_recipients_before_one_too_many_get_their_mail(session: Session, pair: Pair) -> None:
    addresses = [make_mailbox(pair.database_url) for _ in range(4)]
    await session.client.converse(
        ("EHLO client.test", 250),
        ("MAIL FROM:<>", 250),
        *((f"RCPT TO:<{each}>", 250) for each in addresses[:3]),
        (f"RCPT TO:<{addresses[3]}>", 452),
        ("DATA", 354),
    )

    await session.client.send(message() + b".\r\n")

    assert (await session.client.reply()).code == 250
    assert [stored(pair.database_url, each) for each in addresses] == [[message()]] * 3 + [[]]


@pytest.mark.parametrize("guess", ["nobody@mx.test", "reader@elsewhere.test"])
async def test_who_guesses_recipients_is_sent_away(session: Session, guess: str) -> None:
    await session.client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250), *[(f"RCPT TO:<{guess}>", 550)] * 4)

    await session.client.send(f"RCPT TO:<{guess}>\r\n".encode())

    assert await session.end() == past("smtp_max_refused_recipients")


async def test_from_the_fourth_refused_recipient_on_replies_take_their_time(pair: Pair) -> None:
    guess = ("RCPT TO:<nobody@mx.test>", 550)
    async with SmtpClient.connect(pair.smtp_port) as guessing, SmtpClient.connect(pair.smtp_port) as mistaken:
        await guessing.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250), guess, guess, guess)
        await mistaken.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))

        fourth = asyncio.ensure_future(guessing.converse(guess))
        await mistaken.converse(guess, guess, guess)
        was_answered = fourth.done()
        await fourth

    assert not was_answered


# Commands


async def test_who_says_what_nobody_knows_is_sent_away(session: Session) -> None:
    await session.client.converse(("HELLO", 500), ("SEND", 500))

    await session.client.send(b"SPAM\r\n")

    assert await session.end() == past("smtp_max_unknown_commands")


async def test_who_makes_too_many_errors_is_sent_away(session: Session) -> None:
    await session.client.converse(("EHLO", 501), ("MAIL", 503), ("RCPT", 503), ("DATA", 503), ("EXPN list", 502))

    await session.client.send(b"EHLO\r\n")

    assert await session.end() == past("smtp_max_errors")


async def test_who_says_much_and_sends_nothing_is_sent_away(session: Session) -> None:
    await session.client.converse(*[("NOOP", 250)] * 15)

    await session.client.send(b"NOOP\r\n")

    assert await session.end() == past("smtp_max_commands_without_message")


async def test_commands_are_counted_anew_after_a_message(session: Session, address: str) -> None:
    await session.client.converse(*[("NOOP", 250)] * 10)
    await session.client.deliver(message(), address)

    await session.client.converse(*[("NOOP", 250)] * 15)


async def test_a_command_line_that_is_too_long_is_told(session: Session) -> None:
    await session.client.converse(("NOOP ".ljust(511, "x"), 500))

    assert (await session.told("limit_reached"))["limit"] == "smtp_max_command_octets"


# What is no client of SMTP


@pytest.mark.parametrize("method", ["GET", "POST", "CONNECT", "get"])
async def test_who_speaks_http_is_not_answered(session: Session, method: str) -> None:
    await session.client.send(f"{method} / HTTP/1.1\r\nHost: mx.test\r\n\r\n".encode())

    assert await session.client.is_closed()
    assert (await session.told("session_ended"))["outcome"] == "http"


async def test_who_begins_with_tls_is_not_answered(session: Session) -> None:
    await session.client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 506)

    assert await session.client.is_closed()
    assert (await session.told("session_ended"))["outcome"] == "tls_without_starttls"


async def test_an_octet_of_tls_further_on_is_no_handshake(session: Session) -> None:
    await session.client.converse(("NOOP", 250), ("\x16", 500), ("NOOP", 250))


# Time


async def test_a_client_that_says_nothing_is_sent_away(short_session: Session) -> None:
    assert await short_session.end() == past("smtp_idle_seconds")


async def test_a_session_does_not_last_for_ever(short_session: Session) -> None:
    reply = Reply(250, ())
    while reply.code == 250:
        reply = await short_session.client.command("NOOP")

    assert await short_session.ended_with(reply) == past("smtp_session_seconds")


async def test_content_that_never_ends_makes_no_session_longer(
    short_session: Session, pair: Pair, address: str
) -> None:
    await short_session.client.begin(address)

    reply = asyncio.ensure_future(short_session.client.reply())
    while not reply.done():
        await short_session.client.send(b"x" * 998 + b"\r\n")
        await asyncio.wait([reply], timeout=0.01)

    assert await short_session.ended_with(reply.result()) == past("smtp_session_seconds")
    assert stored(pair.database_url, address) == []


async def test_a_message_that_is_being_committed_is_acknowledged_before_its_session_ends(
    short_session: Session, pair: Pair, address: str
) -> None:
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + 1.2
    await short_session.client.begin(address)

    with locked(pair.database_url, address):
        await short_session.client.send(message() + b".\r\n")
        await until(lambda: loop.time() > ends_at)
    codes = [(await short_session.client.reply()).code for _ in range(2)]

    assert codes == [250, 421]


@pytest.mark.parametrize("command", ["DATA", "BDAT 100000"])
async def test_who_trickles_content_is_sent_away(session: Session, address: str, command: str) -> None:
    await session.client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250), (f"RCPT TO:<{address}>", 250))
    await session.client.send(f"{command}\r\n".encode())
    if command == "DATA":
        await session.client.reply()

    reply = asyncio.ensure_future(session.client.reply())
    while not reply.done():
        await session.client.send(b"x")
        await asyncio.wait([reply], timeout=0.01)

    assert await session.ended_with(reply.result()) == past("smtp_min_octets_per_second")


async def test_who_sends_slowly_but_honestly_is_waited_for(session: Session, pair: Pair, address: str) -> None:
    line = b"x" * 1_498 + b"\r\n"
    loop = asyncio.get_running_loop()
    await session.client.begin(address)

    lines = 0
    ends_at = loop.time() + 1
    while loop.time() < ends_at:
        await session.client.send(line)
        lines += 1
        await asyncio.sleep(0.01)
    await session.client.converse((".", 250))

    assert stored(pair.database_url, address) == [line * lines]


# Sizes


@pytest.mark.parametrize(
    ("content", "code", "enhanced", "reason"),
    [
        (HEADER + b"x\r\n" * 70_000, 552, "5.3.4", "too_large"),
        (b"X-A: y\r\n" * 300, 552, "5.3.4", "header_too_large"),
        (HEADER + b"x" * 131_073 + b"\r\n", 552, "5.3.4", "line_too_long"),
        (b"Received: x\r\n" * 101 + b"\r\n", 554, "5.4.6", "too_many_hops"),
    ],
    ids=["message", "header section", "line", "hops"],
)
async def test_content_past_a_limit_is_refused_and_the_session_takes_the_next(
    session: Session, pair: Pair, address: str, content: bytes, code: int, enhanced: str, reason: str
) -> None:
    reply = await session.client.deliver(content, address)

    assert (reply.code, reply.text[:5]) == (code, enhanced)
    assert (await session.told("message_refused"))["reason"] == reason
    assert (await session.client.deliver(message(), address)).code == 250
    assert stored(pair.database_url, address) == [message()]


async def test_100_hops_are_taken(session: Session, address: str) -> None:
    reply = await session.client.deliver(b"Received: x\r\n" * 100 + b"\r\n", address)

    assert reply.code == 250


async def test_a_size_that_is_announced_and_too_large_is_told(session: Session) -> None:
    await session.client.converse(("EHLO client.test", 250), ("MAIL FROM:<> SIZE=200001", 552))

    assert (await session.told("message_refused"))["reason"] == "too_large"


@pytest.mark.parametrize(("size", "code"), [(60_000, 250), (60_001, 452)])
async def test_a_size_that_is_announced_must_fit_into_the_mailbox(
    session: Session, pair: Pair, address: str, size: int, code: int
) -> None:
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute("UPDATE mailbox SET stored_octets = 40000 WHERE address = %s", [address])

    await session.client.converse(
        ("EHLO client.test", 250), (f"MAIL FROM:<> SIZE={size}", 250), (f"RCPT TO:<{address}>", code)
    )
