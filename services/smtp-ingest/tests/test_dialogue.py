"""The input and the output of one session: pipelined commands, and the commands behind a command that waits."""

import asyncio

from support.content import message
from support.database import is_waited_for, locked, make_mailbox, stored
from support.harness import Pair
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, until

# More than smtp-ingest receives while a command waits.
PADDED_COMMANDS = 300
PADDED = b"NOOP " + b"x" * 2_000 + b"\r\n"


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
