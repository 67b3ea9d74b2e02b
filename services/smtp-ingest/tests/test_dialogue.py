"""The input and the output of one session: pipelined commands, and the commands behind a command that waits."""

import asyncio

import pytest
from support.content import message
from support.database import is_waited_for, locked, make_mailbox, stored
from support.harness import Pair
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, until

from fake_email.settings import Settings
from smtp_ingest.deadlines import Deadlines
from smtp_ingest.dialogue import Dialogue, Rest
from smtp_ingest.read_turns import ReadTurns
from smtp_ingest.session_limits import LimitReached

# More than smtp-ingest receives while a command waits.
PADDED_COMMANDS = 300
PADDED = b"NOOP " + b"x" * 2_000 + b"\r\n"


class Wire:
    """A connection whose other end is the test."""

    def __init__(self) -> None:
        self.deadlines = Deadlines(Settings(database_url="postgresql:///", domain=("mx.test",)))
        self.is_ending = self.is_draining = self.is_in_transaction = self.has_backlog = False
        self.written: list[bytes] = []
        self.is_reading = True

    def write(self, octets: bytes) -> None:
        self.written.append(octets)

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def end_at_limit(self, error: LimitReached) -> None:
        self.end_with("", error.limit)

    def end_with(self, _reply: str, _outcome: str) -> None:
        self.is_ending = True

    def end_lost(self) -> None:
        self.is_ending = True

    def abort(self) -> None:
        self.is_ending = True


class Echo:
    """Replies with the line; after a line that begins with WAIT, only once `go_on` is set."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.is_closed = asyncio.Event()
        self.dialogue: Dialogue

    def greet(self) -> None:
        pass

    def execute(self, line: bytes) -> Rest:
        if line.startswith(b"WAIT"):
            return self._wait(line)
        self.dialogue.reply(line.decode().strip())
        return None

    async def _wait(self, line: bytes) -> None:
        await self.go_on.wait()
        self.dialogue.reply(line.decode().strip())

    def close(self) -> None:
        self.is_closed.set()


@pytest.fixture
async def wire() -> Wire:
    return Wire()


@pytest.fixture
async def echo(wire: Wire) -> Echo:
    echo = Echo()
    echo.dialogue = Dialogue(wire, ReadTurns())
    echo.dialogue.begin(echo)
    return echo


async def test_nothing_is_executed_while_the_client_does_not_read_the_replies(wire: Wire, echo: Echo) -> None:
    wire.has_backlog = True
    echo.dialogue.receive(b"one\r\ntwo\r\n")
    before = list(wire.written)

    wire.has_backlog = False
    echo.dialogue.go_on()

    assert (before, wire.written) == ([], [b"one\r\ntwo\r\n"])


async def test_reading_is_paused_while_too_much_waits_for_a_command(wire: Wire, echo: Echo) -> None:
    echo.dialogue.receive(b"WAIT\r\n")
    echo.dialogue.receive(b"x" * 131_000 + b"\r\n")
    was_reading = wire.is_reading
    echo.dialogue.receive(b"y" * 1_000 + b"\r\n")
    is_reading = wire.is_reading
    echo.go_on.set()
    await until(lambda: wire.is_reading)

    assert (was_reading, is_reading) == (True, False)
    assert b"".join(wire.written) == b"WAIT\r\n" + b"x" * 131_000 + b"\r\n" + b"y" * 1_000 + b"\r\n"


async def test_after_many_commands_at_once_the_event_loop_does_other_work(wire: Wire, echo: Echo) -> None:
    echo.dialogue.receive(b"".join(b"%d\r\n" % number for number in range(250)))
    at_once = b"".join(wire.written).count(b"\n")
    await until(lambda: echo.dialogue.is_idle)

    assert at_once == 100
    assert b"".join(wire.written).split() == [b"%d" % number for number in range(250)]


async def test_a_session_that_closes_before_its_task_has_begun_drops_what_was_not_committed(echo: Echo) -> None:
    echo.dialogue.receive(b"WAIT\r\n")
    echo.dialogue.close()

    async with asyncio.timeout(DEADLINE_SECONDS):
        await echo.is_closed.wait()


async def test_a_session_that_closes_within_a_command_drops_what_was_not_committed(echo: Echo) -> None:
    echo.dialogue.receive(b"WAIT\r\n")
    await asyncio.sleep(0)
    echo.dialogue.close()

    async with asyncio.timeout(DEADLINE_SECONDS):
        await echo.is_closed.wait()


async def test_the_replies_to_pipelined_commands_are_one_write(smtp: SmtpClient) -> None:
    await smtp.converse(("EHLO client.test", 250))

    await smtp.send(b"MAIL FROM:<writer@client.test>\r\nVRFY reader\r\nRSET\r\n")
    async with asyncio.timeout(DEADLINE_SECONDS):
        octets = await smtp.reader.read(65_536)

    assert [line[:3] for line in octets.splitlines()] == [b"250", b"252", b"250"]


async def test_the_reply_before_a_command_that_waits_is_one_write_with_the_reply_to_that_command(
    smtp: SmtpClient, pair: Pair
) -> None:
    address = make_mailbox(pair.database_url)
    await smtp.converse(("EHLO client.test", 250))

    await smtp.send(f"MAIL FROM:<>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode())
    async with asyncio.timeout(DEADLINE_SECONDS):
        octets = await smtp.reader.read(65_536)

    assert [line[:3] for line in octets.splitlines()] == [b"250", b"250", b"354"]


async def test_many_commands_behind_a_commit_are_executed_in_order_after_the_commit(
    smtp: SmtpClient, pair: Pair
) -> None:
    address = make_mailbox(pair.database_url)
    await smtp.begin(address)
    with locked(pair.database_url, address) as connection:
        await smtp.send(message() + b".\r\n")
        await until(lambda: is_waited_for(connection))

        sending = asyncio.create_task(smtp.send(PADDED * PADDED_COMMANDS + b"VRFY reader\r\nQUIT\r\n"))
    codes = [(await smtp.reply()).code for _ in range(PADDED_COMMANDS + 3)]
    await sending

    assert codes == [250] * (PADDED_COMMANDS + 1) + [252, 221]
    assert stored(pair.database_url, address) == [message()]


async def test_commands_behind_a_refused_recipient_wait_for_the_delayed_reply(smtp: SmtpClient) -> None:
    await smtp.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))

    await smtp.send(b"RCPT TO:<nobody@mx.test>\r\n" * 4 + b"RSET\r\nVRFY reader\r\n")
    codes = [(await smtp.reply()).code for _ in range(6)]

    assert codes == [550] * 4 + [250, 252]


async def test_pipelined_commands_before_the_client_closes_its_side_are_executed(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    commands = f"EHLO client.test\r\nMAIL FROM:<>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode()
    await smtp.send(commands + message() + b".\r\n" + b"NOOP\r\n" * 150 + b"VRFY rea")
    smtp.writer.write_eof()

    codes = [(await smtp.reply()).code for _ in range(155)]

    assert codes == [250, 250, 250, 354, 250] + [250] * 150
    assert await smtp.is_closed()
    assert stored(pair.database_url, address) == [message()]


async def test_the_whole_session_may_come_octet_by_octet(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    session = f"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode() + message() + b".\r\nQUIT\r\n"

    for octet in session:
        await smtp.send(bytes([octet]))
    codes = [(await smtp.reply()).code for _ in range(6)]

    assert codes == [250, 250, 250, 354, 250, 221]
    assert stored(pair.database_url, address) == [message()]
