"""DATA: `250` means that the message is committed, and every octet is kept."""

import asyncio
import smtplib
from email.message import EmailMessage

import httpx
import psycopg
import pytest
from support.content import message
from support.database import is_waited_for, locked, make_mailbox, stored
from support.harness import Pair
from support.smtp_client import SmtpClient
from support.waiting import until

LIMIT = 26_214_400
LINES = (b"x" * 998 + b"\r\n") * (LIMIT // 1_000)


def change(database_url: str, statement: str, *values: object) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(statement, values)


# The 250 after DATA


async def test_an_acknowledged_message_is_visible_to_every_database_connection(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)

    reply = await smtp.deliver(message(), address)

    assert stored(pair.database_url, address) == [message()]
    assert (reply.code, reply.text[:5]) == (250, "2.6.0")


async def test_a_message_is_not_acknowledged_before_it_is_committed(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)

    async with asyncio.TaskGroup() as tasks:
        with locked(pair.database_url, address) as connection:
            delivery = tasks.create_task(smtp.deliver(message(), address))
            await until(lambda: is_waited_for(connection))
            was_acknowledged = delivery.done()

    assert not was_acknowledged
    assert delivery.result().code == 250


async def test_a_message_that_is_sent_again_is_acknowledged_again_and_kept_once(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)

    replies = [await smtp.deliver(message(), address) for _ in range(3)]

    assert [reply.code for reply in replies] == [250] * 3
    assert stored(pair.database_url, address) == [message()]


async def test_a_message_that_is_sent_by_several_sessions_at_once_is_kept_once(pair: Pair) -> None:
    address = make_mailbox(pair.database_url)

    async def deliver() -> int:
        async with SmtpClient.connect(pair.smtp_port) as session:
            return (await session.deliver(message(), address)).code

    async with asyncio.TaskGroup() as tasks:
        with locked(pair.database_url, address) as connection:
            deliveries = [tasks.create_task(deliver()) for _ in range(5)]
            await until(lambda: is_waited_for(connection))

    assert [delivery.result() for delivery in deliveries] == [250] * 5
    assert stored(pair.database_url, address) == [message()]


async def test_a_connection_that_is_lost_within_data_stores_nothing(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    async with SmtpClient.connect(pair.smtp_port) as lost:
        await lost.begin(address)
        await lost.send(message("lost") + b"\r\n.")
        lost.writer.transport.abort()

    await smtp.deliver(message("whole"), address)

    assert stored(pair.database_url, address) == [message("whole")]


async def test_a_client_that_closes_its_sending_side_within_data_stores_nothing(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    await smtp.begin(address)
    await smtp.send(message() + b"\r\n.\r")

    smtp.writer.write_eof()

    assert await smtp.is_closed()
    assert stored(pair.database_url, address) == []


async def test_a_message_whose_client_disconnects_during_the_commit_is_kept_once(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)

    with locked(pair.database_url, address) as connection:
        async with SmtpClient.connect(pair.smtp_port) as gone:
            await gone.begin(address)
            await gone.send(message() + b".\r\n")
            await until(lambda: is_waited_for(connection))
            gone.writer.transport.abort()
    reply = await smtp.deliver(message(), address)

    assert reply.code == 250
    assert stored(pair.database_url, address) == [message()]


# Octet for octet


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"no header section\r\n",
        b"\r\nbody alone\r\n",
        b"bare LF\n\nand CR\rand both\n\r\r\n",
        b"NUL \0\r\n\0\r\n",
        bytes(range(256)) + b"\r\n",
        b".\r\n..\r\n...\r\n.a\r\n\r\n.\r\n",
        b"\n.\n\r.\r\n",
        "Subject: Grüße\r\n\r\nÜmlaut\r\n".encode("latin-1"),
        b"x" * 500_000 + b"\r\n",
        b"." * 500_000 + b"\r\n",
        b".\r\n" * 50_000,
        b"\0" * 200_000 + b"\r\n",
    ],
    ids=[
        "empty",
        "one empty line",
        "no header section",
        "no header field",
        "bare LF and CR",
        "NUL",
        "every octet",
        "dots",
        "dots after bare LF and CR",
        "8-bit",
        "a long line",
        "a long line of dots",
        "many dots",
        "many NUL",
    ],
)
async def test_content_is_kept_octet_for_octet(smtp: SmtpClient, pair: Pair, content: bytes) -> None:
    address = make_mailbox(pair.database_url)

    await smtp.deliver(content, address)

    assert stored(pair.database_url, address) == [content]


async def test_mail_sent_by_smtplib_is_kept(pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    sent = EmailMessage()
    sent["From"], sent["To"], sent["Subject"] = "writer@client.test", address, "Grüße"
    sent.set_content("One line.\n.\n..two dots\n")

    def deliver() -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", pair.smtp_port, timeout=20) as client:
            return client.send_message(sent)

    refused = await asyncio.to_thread(deliver)

    assert refused == {}
    assert stored(pair.database_url, address) == [sent.as_bytes(policy=sent.policy.clone(linesep="\r\n"))]


# Size


async def test_a_message_of_exactly_the_limit_is_kept(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    content = LINES + b"x" * (LIMIT - len(LINES) - 2) + b"\r\n"

    reply = await smtp.deliver(content, address)

    assert reply.code == 250
    assert stored(pair.database_url, address) == [content]


async def test_a_larger_message_is_refused_and_the_session_accepts_the_next_message(
    smtp: SmtpClient, pair: Pair
) -> None:
    address = make_mailbox(pair.database_url)

    refused = await smtp.deliver(LINES + b"x" * (LIMIT - len(LINES) - 1) + b"\r\n", address)
    accepted = await smtp.deliver(message(), address)

    assert (refused.code, refused.text[:5]) == (552, "5.3.4")
    assert accepted.code == 250
    assert stored(pair.database_url, address) == [message()]


# Several recipients


async def test_a_message_for_several_recipients_reaches_each(smtp: SmtpClient, pair: Pair) -> None:
    addresses = [make_mailbox(pair.database_url) for _ in range(3)]

    await smtp.deliver(message(), *addresses)

    assert [stored(pair.database_url, address) for address in addresses] == [[message()]] * 3


async def test_a_refused_recipient_does_not_affect_the_other_recipients(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    await smtp.converse(
        ("EHLO client.test", 250),
        ("MAIL FROM:<>", 250),
        ("RCPT TO:<nobody@mx.test>", 550),
        (f"RCPT TO:<{address}>", 250),
        ("DATA", 354),
    )

    await smtp.send(message() + b".\r\n")

    assert (await smtp.reply()).code == 250
    assert stored(pair.database_url, address) == [message()]


async def test_a_mailbox_with_two_recipient_addresses_keeps_one_message(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)

    reply = await smtp.deliver(message(), address, address.replace("@", "+tag@"))

    assert reply.code == 250
    assert stored(pair.database_url, address) == [message()]


# Mailboxes that change between RCPT and DATA


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM mailbox WHERE address = %s", "UPDATE mailbox SET expires_at = now() WHERE address = %s"],
    ids=["deleted", "expired"],
)
async def test_mail_is_refused_when_its_only_mailbox_is_gone_before_the_commit(
    smtp: SmtpClient, pair: Pair, statement: str
) -> None:
    address = make_mailbox(pair.database_url)
    await smtp.begin(address)
    change(pair.database_url, statement, address)

    await smtp.send(message() + b".\r\n")

    reply = await smtp.reply()
    assert (reply.code, reply.text[:5]) == (550, "5.1.1")


async def test_mail_reaches_the_remaining_mailboxes_when_another_is_gone_before_the_commit(
    smtp: SmtpClient, pair: Pair
) -> None:
    gone, remaining = make_mailbox(pair.database_url), make_mailbox(pair.database_url)
    await smtp.begin(gone, remaining)
    change(pair.database_url, "DELETE FROM mailbox WHERE address = %s", gone)

    await smtp.send(message() + b".\r\n")

    assert (await smtp.reply()).code == 250
    assert stored(pair.database_url, remaining) == [message()]


# Quota


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mailbox SET message_count = 500 WHERE address = %s",
        "UPDATE mailbox SET stored_octets = 104857600 WHERE address = %s",
    ],
    ids=["messages", "octets"],
)
async def test_mail_for_a_full_mailbox_is_deferred(smtp: SmtpClient, pair: Pair, statement: str) -> None:
    address = make_mailbox(pair.database_url)
    change(pair.database_url, statement, address)
    await smtp.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))

    reply = await smtp.command(f"RCPT TO:<{address}>")

    assert (reply.code, reply.text[:5]) == (452, "4.2.2")


async def test_a_stored_message_counts_towards_the_quota(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    change(pair.database_url, "UPDATE mailbox SET message_count = 499 WHERE address = %s", address)

    await smtp.deliver(message(), address)

    await smtp.converse(("MAIL FROM:<>", 250), (f"RCPT TO:<{address}>", 452))


async def test_the_api_shows_the_size_of_a_message(smtp: SmtpClient, http: httpx.AsyncClient, address: str) -> None:
    await smtp.deliver(b"Subject: a\r\n\r\n.\r\n", address)

    polled = (await http.get("/api/inbox/poll", params={"address": address})).json()

    assert [each["octets"] for each in polled["messages"]] == [17]
