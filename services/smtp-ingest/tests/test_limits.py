"""The limits of a session: the reply and the log event when the client exceeds one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from typing import get_args

import psycopg
import pytest
from support.content import message
from support.database import locked, make_mailbox, stored
from support.harness import Pair, Service, foreign_address, running_smtp
from support.smtp_client import Reply, SmtpClient
from support.waiting import until

from fake_email.settings import Settings
from smtp_ingest import reply_tables
from smtp_ingest.session_limits import Limit

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
HURRIED = {"SMTP_SESSION_SECONDS": "1", "SMTP_MAX_COMMANDS_WITHOUT_MESSAGE": "100000"}
IMPATIENT = {"SMTP_IDLE_SECONDS": "0.5", "MAX_STORED_OCTETS": "99"}
# Longer than a busy machine stands still.
DELAYING = {"SMTP_MAX_CLIENT_SESSIONS": "1", "SMTP_REFUSAL_DELAY_SECONDS": "5"}
HEADER = b"Subject: x\r\n\r\n"


Start = Callable[[Mapping[str, str]], tuple[Pair, Service]]


@pytest.fixture(scope="module")
def start(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts a daemon with the given settings, or returns the daemon that already runs with them."""
    running: dict[str, tuple[Pair, Service]] = {}
    with ExitStack() as stack:

        def started(settings: Mapping[str, str]) -> tuple[Pair, Service]:
            if repr(settings) not in running:
                directory = tmp_path_factory.mktemp("limits")
                running[repr(settings)] = stack.enter_context(running_smtp(pair.database_url, directory, **settings))
            return running[repr(settings)]

        yield started


@pytest.fixture(scope="module")
def daemon(start: Start) -> tuple[Pair, Service]:
    """A daemon with small limits."""
    return start(LIMITS)


@pytest.fixture(scope="module")
def hurried(start: Start) -> tuple[Pair, Service]:
    """A daemon with short sessions."""
    return start(HURRIED)


@pytest.fixture
def address(pair: Pair) -> str:
    return make_mailbox(pair.database_url)


class Session:
    """A session, and the log since it began."""

    def __init__(self, client: SmtpClient, service: Service) -> None:
        self.client = client
        self._service = service
        self._known = len(service.events())

    async def logged(self, name: str) -> dict[str, object]:
        """The first event of that name."""

        def found() -> list[dict[str, object]]:
            return [event for event in self._service.events()[self._known :] if event["event"] == name]

        await until(lambda: bool(found()))
        return found()[0]

    async def end(self) -> tuple[int, str, object, object]:
        """The next and last reply, then the limit and the outcome in the log."""
        return await self.ended_with(await self.client.reply())

    async def ended_with(self, reply: Reply) -> tuple[int, str, object, object]:
        """As `end`, for a last reply that was already read."""
        assert await self.client.is_closed()
        self.client.writer.close()
        limit, outcome = await self.logged("limit_reached"), await self.logged("session_ended")
        return reply.code, reply.text[:5], limit["limit"], outcome["outcome"]


@pytest.fixture
async def session(daemon: tuple[Pair, Service]) -> AsyncIterator[Session]:
    pair, service = daemon
    async with SmtpClient.connect(pair.smtp_port) as client:
        yield Session(client, service)


@pytest.fixture
async def short_session(hurried: tuple[Pair, Service]) -> AsyncIterator[Session]:
    """A session of a second; a test has it as its last fixture, so that nothing else takes of that second."""
    pair, service = hurried
    async with SmtpClient.connect(pair.smtp_port) as client:
        yield Session(client, service)


def ended_by(limit: str) -> tuple[int, str, str, str]:
    """The reply, the limit and the outcome of a session that exceeds `limit`."""
    return 421, "4.7.0", limit, limit


# Every limit

Reach = Callable[[SmtpClient, Pair], Awaitable[Reply]]


def send(*lines: str) -> Reach:
    """Send each line, with a new mailbox for `{address}`; returns the last reply."""

    async def reach(client: SmtpClient, pair: Pair) -> Reply:
        address = make_mailbox(pair.database_url)
        return [await client.command(line.format(address=address)) for line in lines][-1]

    return reach


async def stay_silent(client: SmtpClient, _pair: Pair) -> Reply:
    return await client.reply()


async def send_noops(client: SmtpClient, _pair: Pair) -> Reply:
    reply = Reply(250, ())
    while reply.code == 250:
        reply = await client.command("NOOP")
    return reply


async def trickle(client: SmtpClient, pair: Pair) -> Reply:
    await client.begin(make_mailbox(pair.database_url))
    reply = asyncio.ensure_future(client.reply())
    while not reply.done():
        await client.send(b"x")
        await asyncio.wait([reply], timeout=0.01)
    return reply.result()


def connect_twice(source: str | None) -> Reach:
    """Connect from `source` two more times; returns the greeting of the second connection."""

    async def reach(_client: SmtpClient, pair: Pair) -> Reply:
        if source is None:
            pytest.skip("this host has no IPv4 address but the loopback's")
        async with AsyncExitStack() as stack:
            for _ in range(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", pair.smtp_port, local_addr=(source, 0))
                stack.callback(writer.close)
                client = SmtpClient(reader, writer)
                reply = await client.reply()
            assert await client.is_closed()
        return reply

    return reach


def mail_from(source: str | None, line: str) -> Reach:
    """Connect from `source` and send MAIL; returns the reply."""

    async def reach(_client: SmtpClient, pair: Pair) -> Reply:
        if source is None:
            pytest.skip("this host has no IPv4 address but the loopback's")
        async with SmtpClient.connect(pair.smtp_port, source) as client:
            await client.converse(("EHLO client.test", 250))
            return await client.command(line)

    return reach


MESSAGE = ("MAIL FROM:<>", "RCPT TO:<{address}>", "DATA", "x\r\n.")
# The settings with which a client can reach each limit, and the way to reach it.
WAYS_TO_REACH: dict[Limit, tuple[dict[str, str], Reach]] = {
    "mailbox_quota": (LIMITS, send("EHLO client.test", "MAIL FROM:<> SIZE=100001", "RCPT TO:<{address}>")),
    "max_stored_octets": (IMPATIENT, send("EHLO client.test", "MAIL FROM:<> SIZE=100")),
    "smtp_idle_seconds": (IMPATIENT, stay_silent),
    "smtp_max_client_octets_per_day": (
        {"SMTP_MAX_CLIENT_OCTETS_PER_DAY": "99"},
        mail_from(foreign_address(), "MAIL FROM:<> SIZE=100"),
    ),
    "smtp_max_client_sessions": (DELAYING, connect_twice(foreign_address())),
    "smtp_max_client_sessions_per_minute": (
        {"SMTP_MAX_CLIENT_SESSIONS_PER_MINUTE": "1"},
        connect_twice(foreign_address()),
    ),
    "smtp_max_command_octets": (LIMITS, send("NOOP ".ljust(511, "x"))),
    "smtp_max_commands_without_message": (LIMITS, send(*["NOOP"] * 16)),
    "smtp_max_errors": (LIMITS, send("EHLO", "MAIL", "RCPT", "DATA", "EXPN list", "EHLO")),
    "smtp_max_messages": (LIMITS, send("EHLO client.test", *MESSAGE, *MESSAGE, "MAIL FROM:<>")),
    "smtp_max_recipients": (LIMITS, send("EHLO client.test", "MAIL FROM:<>", *["RCPT TO:<{address}>"] * 4)),
    "smtp_max_refused_recipients": (LIMITS, send("EHLO client.test", "MAIL FROM:<>", *["RCPT TO:<no@mx.test>"] * 5)),
    "smtp_max_sessions": ({"SMTP_MAX_SESSIONS": "2"}, connect_twice("127.0.0.1")),
    "smtp_max_unknown_commands": (LIMITS, send("HELLO", "SEND", "SPAM")),
    "smtp_min_octets_per_second": (LIMITS, trickle),
    "smtp_session_seconds": (HURRIED, send_noops),
}
# Past one of these limits no session begins.
CONNECTION_LIMITS = {"smtp_max_client_sessions", "smtp_max_client_sessions_per_minute", "smtp_max_sessions"}


@pytest.mark.parametrize("limit", get_args(Limit))
async def test_a_limit_is_replied_to_and_logged(start: Start, limit: Limit) -> None:
    assert limit in WAYS_TO_REACH, f"no test reaches {limit}"
    settings, reach = WAYS_TO_REACH[limit]
    pair, service = start(settings)
    async with SmtpClient.connect(pair.smtp_port) as client:
        session = Session(client, service)

        reply = await reach(client, pair)

        ends = reply.code == 421
        event = await session.logged("limit_reached")
        assert f"{reply.code} {reply.text}" == reply_tables.FOR_LIMIT[limit]
        assert (event["limit"], event["level"]) == (limit, "warning" if ends else "info")
        if ends and limit not in CONNECTION_LIMITS:
            assert await client.is_closed()
            client.writer.close()
            assert (await session.logged("session_ended"))["outcome"] == limit


def test_every_limit_of_smtp_has_the_name_of_a_setting() -> None:
    settings = set(Settings.__struct_fields__)

    assert set(get_args(Limit)) - settings == {"mailbox_quota"}
    assert {name for name in settings if name.startswith("smtp_max_")} <= set(get_args(Limit))


# Messages and recipients


async def test_a_message_may_have_100_recipients_unless_a_setting_says_otherwise(pair: Pair, address: str) -> None:
    async with SmtpClient.connect(pair.smtp_port) as client:  # RFC 5321 §4.5.3.1.8
        await client.converse(
            ("EHLO client.test", 250), ("MAIL FROM:<>", 250), *[(f"RCPT TO:<{address}>", 250)] * 100, ("DATA", 354)
        )


async def test_the_recipients_within_the_limit_get_their_mail(session: Session, pair: Pair) -> None:
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
async def test_a_client_that_guesses_recipients_is_disconnected(session: Session, guess: str) -> None:
    await session.client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250), *[(f"RCPT TO:<{guess}>", 550)] * 4)

    await session.client.send(f"RCPT TO:<{guess}>\r\n".encode())

    assert await session.end() == ended_by("smtp_max_refused_recipients")


async def test_replies_are_delayed_from_the_fourth_refused_recipient_on(start: Start) -> None:
    guess = ("RCPT TO:<nobody@mx.test>", 550)
    connect = partial(SmtpClient.connect, start(DELAYING)[0].smtp_port)
    async with connect() as guessing, connect() as mistaken:
        await guessing.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250), guess, guess, guess)
        await mistaken.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))

        fourth = asyncio.ensure_future(guessing.converse(guess))
        await mistaken.converse(guess, guess, guess)
        is_prompt = fourth.done()
        await fourth

    assert not is_prompt


# Commands


async def test_commands_are_counted_from_zero_after_a_message(session: Session, address: str) -> None:
    await session.client.converse(*[("NOOP", 250)] * 10)
    await session.client.deliver(message(), address)

    await session.client.converse(*[("NOOP", 250)] * 15)


# Clients of other protocols


@pytest.mark.parametrize("method", ["GET", "POST", "CONNECT", "get"])
async def test_a_client_that_speaks_http_is_disconnected_without_a_reply(session: Session, method: str) -> None:
    await session.client.send(f"{method} / HTTP/1.1\r\nHost: mx.test\r\n\r\n".encode())

    assert await session.client.is_closed()
    assert (await session.logged("session_ended"))["outcome"] == "http"


async def test_a_client_that_begins_with_tls_is_disconnected_without_a_reply(session: Session) -> None:
    await session.client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 506)

    assert await session.client.is_closed()
    assert (await session.logged("session_ended"))["outcome"] == "tls_without_starttls"


async def test_a_later_octet_of_tls_is_not_taken_for_a_handshake(session: Session) -> None:
    await session.client.converse(("NOOP", 250), ("\x16", 500), ("NOOP", 250))


# Time


async def test_endless_content_does_not_prolong_a_session(pair: Pair, address: str, short_session: Session) -> None:
    await short_session.client.begin_at_once(address)

    reply = asyncio.ensure_future(short_session.client.reply())
    while not reply.done():
        await short_session.client.send(b"x" * 998 + b"\r\n")
        await asyncio.wait([reply], timeout=0.01)

    assert await short_session.ended_with(reply.result()) == ended_by("smtp_session_seconds")
    assert stored(pair.database_url, address) == []


async def test_a_commit_in_flight_is_acknowledged_before_the_deadline_ends_the_session(
    pair: Pair, address: str, short_session: Session
) -> None:
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + 1.2
    await short_session.client.begin_at_once(address)

    with locked(pair.database_url, address):
        await short_session.client.send(message() + b".\r\n")
        await until(lambda: loop.time() > ends_at)
    codes = [(await short_session.client.reply()).code for _ in range(2)]

    assert codes == [250, 421]


@pytest.mark.parametrize("command", ["DATA", "BDAT 100000"])
async def test_a_client_that_sends_content_too_slowly_is_disconnected(
    session: Session, address: str, command: str
) -> None:
    await session.client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250), (f"RCPT TO:<{address}>", 250))
    await session.client.send(f"{command}\r\n".encode())
    if command == "DATA":
        await session.client.reply()

    reply = asyncio.ensure_future(session.client.reply())
    while not reply.done():
        await session.client.send(b"x")
        await asyncio.wait([reply], timeout=0.01)

    assert await session.ended_with(reply.result()) == ended_by("smtp_min_octets_per_second")


async def test_a_client_that_sends_just_fast_enough_is_not_disconnected(
    session: Session, pair: Pair, address: str
) -> None:
    line = b"x" * 498 + b"\r\n"  # all of them fit into the mailbox
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
async def test_content_past_a_limit_is_refused_and_the_session_accepts_the_next_message(
    session: Session, pair: Pair, address: str, content: bytes, code: int, enhanced: str, reason: str
) -> None:
    reply = await session.client.deliver(content, address)

    assert (reply.code, reply.text[:5]) == (code, enhanced)
    assert (await session.logged("message_refused"))["reason"] == reason
    assert (await session.client.deliver(message(), address)).code == 250
    assert stored(pair.database_url, address) == [message()]


async def test_a_message_may_have_100_hops(session: Session, address: str) -> None:
    reply = await session.client.deliver(b"Received: x\r\n" * 100 + b"\r\n", address)

    assert reply.code == 250


async def test_a_refused_size_of_mail_is_logged(session: Session) -> None:
    await session.client.converse(("EHLO client.test", 250), ("MAIL FROM:<> SIZE=200001", 552))

    assert (await session.logged("message_refused"))["reason"] == "too_large"


@pytest.mark.parametrize(("size", "code"), [(60_000, 250), (60_001, 452)])
async def test_the_size_of_mail_must_fit_into_the_quota_of_the_mailbox(
    session: Session, pair: Pair, address: str, size: int, code: int
) -> None:
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute("UPDATE mailbox SET stored_octets = 40000 WHERE address = %s", [address])

    await session.client.converse(
        ("EHLO client.test", 250), (f"MAIL FROM:<> SIZE={size}", 250), (f"RCPT TO:<{address}>", code)
    )
