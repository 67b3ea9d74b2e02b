"""Why mail did not arrive: each way in which an attempt can end stands in the timeline of its mailbox."""

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing

import httpx
import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, refusing, store
from support.harness import Pair, running_smtp
from support.http_client import stream
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, until

from fake_email.storage import attempt_statements, attempts, blocks
from fake_email.storage.incoming_message import Transfer
from fake_email_client import AsyncMail, AsyncMailbox, NoMail, Problem, Timeline
from smtp_ingest import replies

Session = Callable[[SmtpClient, str], Awaitable[None]]
MAIL = ("MAIL FROM:<ada@sender.test> SIZE=1234", 250)
REFUSED = ("attempted_at", "stage", "reply", "message_id")
GREETING = ("EHLO mail.sender.test", 250)


@pytest.fixture(scope="module")
def narrow(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A daemon whose limits are soon reached."""
    limits = {
        "MAX_MESSAGE_OCTETS": "65536",
        "MAILBOX_QUOTA_OCTETS": "20000",
        "SMTP_IDLE_SECONDS": "3",
    }
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("timeline"), **limits) as (daemon, _):
        yield daemon


@pytest.fixture
async def mail(pair: Pair) -> AsyncIterator[AsyncMail]:
    async with AsyncMail(pair.http_url) as mail:
        yield mail


@pytest.fixture
async def box(mail: AsyncMail) -> AsyncIterator[AsyncMailbox]:
    async with mail.mailbox(private=True) as box:
        yield box


async def timeline(box: AsyncMailbox, *, until: int = 0) -> Timeline:
    """The timeline of a mailbox, once it has `until` attempts."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            found = await box.timeline()
            if len(found.attempts) >= until:
                return found
            await asyncio.sleep(0.05)


async def too_large_declared(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(GREETING, ("MAIL FROM:<ada@sender.test> SIZE=30000", 250), (f"RCPT TO:<{address}>", 452))


async def refused_mail(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(
        GREETING,
        ("MAIL FROM:<ada@sender.test> SIZE=65537", 552),
        (f"RCPT TO:<{address}>", 503),
        ("RSET", 250),
        (f"RCPT TO:<{address}>", 503),
    )


async def too_large(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(GREETING, MAIL, (f"RCPT TO:<{address}>", 250), ("DATA", 354))
    await smtp.send((b"x" * 998 + b"\r\n") * 70 + b".\r\n")
    assert (await smtp.reply()).code == 552


async def over_quota(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(GREETING, MAIL, (f"RCPT TO:<{address}>", 250), ("DATA", 354))
    await smtp.send((b"x" * 98 + b"\r\n") * 210 + b".\r\n")
    assert (await smtp.reply()).code == 452


async def left_in_content(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(GREETING, MAIL, (f"RCPT TO:<{address}>", 250), ("DATA", 354))
    await smtp.send(b"Subject: half\r\n\r\nand th")


async def idle_in_content(smtp: SmtpClient, address: str) -> None:
    await left_in_content(smtp, address)
    assert (await smtp.reply()).code == 421


async def only_asked(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(GREETING, ("MAIL FROM:<>", 250), (f"RCPT TO:<{address}>", 250), ("QUIT", 221))


async def refused_chunk(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(GREETING, MAIL, (f"RCPT TO:<{address}>", 250))
    await smtp.send(b"BDAT 70000\r\n" + b"x" * 70_000)
    assert (await smtp.reply()).code == 552
    await smtp.converse(("RSET", 250))


@pytest.mark.parametrize(
    ("session", "stage", "reply"),
    [
        (too_large_declared, "rcpt", "452 4.2.2 The mailbox is full"),
        (refused_mail, "rcpt", "552 5.3.4 The message is larger than 65536 bytes"),
        (too_large, "data", "552 5.3.4 The message is larger than 65536 bytes"),
        (over_quota, "commit", "452 4.2.2 The mailbox is full"),
        (left_in_content, "data", None),
        (idle_in_content, "data", "421 4.7.0 "),
        (only_asked, "rcpt", "250 2.1.5 OK"),
        (refused_chunk, "data", "552 5.3.4 "),
    ],
)
async def test_an_attempt_that_was_not_stored_is_told_with_its_stage_and_reply(
    narrow: Pair, box: AsyncMailbox, session: Session, stage: str, reply: str | None
) -> None:
    async with SmtpClient.connect(narrow.smtp_port) as smtp:
        await session(smtp, box.address)

    [attempt] = (await timeline(box, until=1)).attempts

    assert (attempt.stage, attempt.message_id) == (stage, None)
    assert attempt.reply is None if reply is None else str(attempt.reply).startswith(reply)
    assert (attempt.client_addr, attempt.client_host) == ("127.0.0.1", "mail.sender.test")
    assert attempt.sender_domain == ("" if session is only_asked else "sender.test")


async def test_a_failure_of_the_database_is_told_once_the_database_is_back(narrow: Pair, box: AsyncMailbox) -> None:
    with refusing(narrow.database_url):
        async with SmtpClient.connect(narrow.smtp_port) as smtp:
            reply = await smtp.deliver(message(), box.address)

    [attempt] = (await timeline(box, until=1)).attempts

    assert (attempt.stage, attempt.reply) == ("commit", f"{reply.code} {reply.text}")


async def test_a_stored_message_is_an_attempt_too_and_stays_one_when_it_is_deleted(
    narrow: Pair, box: AsyncMailbox
) -> None:
    content = message(secrets.token_hex())
    async with SmtpClient.connect(narrow.smtp_port) as smtp:
        await smtp.converse(GREETING, MAIL, (f"RCPT TO:<{box.address}>", 250), ("DATA", 354))
        await smtp.send(content + b".\r\n")
        assert (await smtp.reply()).code == 250
    [stored] = (await timeline(box, until=1)).attempts
    deleted = await box.clear()
    [remembered] = (await timeline(box)).attempts

    assert deleted == 1
    assert (stored.stage, stored.reply) == ("commit", "250 2.6.0 Message stored")
    assert (stored.declared_octets, stored.octets, stored.tls) == (1234, len(content), None)
    assert stored.message_id is not None
    assert stored.seconds is not None
    assert remembered == stored


async def test_a_duplicate_is_an_attempt_that_names_the_message_that_was_there(
    narrow: Pair, mail: AsyncMail, box: AsyncMailbox
) -> None:
    other = mail.open(make_mailbox(narrow.database_url))
    content = message(secrets.token_hex())
    async with SmtpClient.connect(narrow.smtp_port) as smtp:
        await smtp.deliver(content, box.address)
        await smtp.deliver(content, box.address, other.address)

    stored, duplicate = (await timeline(box, until=2)).attempts
    [of_other] = (await timeline(other, until=1)).attempts
    with pytest.raises(NoMail) as error:
        await box.wait(subject="another", timeout=1)
    await box.clear()
    after = (await timeline(box)).attempts

    assert (stored.duplicate, of_other.duplicate, duplicate.duplicate) == (False, False, True)
    assert (duplicate.message_id, duplicate.stage, duplicate.octets) == (stored.message_id, "commit", len(content))
    assert duplicate.reply == stored.reply == "250 2.6.0 Message stored"
    [refused] = error.value.refused
    assert [getattr(refused, name) for name in REFUSED] == [getattr(duplicate, name) for name in REFUSED]
    assert after == (stored, duplicate)


async def test_a_mailbox_that_is_named_twice_in_a_transaction_has_no_duplicate(narrow: Pair, box: AsyncMailbox) -> None:
    async with SmtpClient.connect(narrow.smtp_port) as smtp:
        await smtp.deliver(message(secrets.token_hex()), box.address, box.address.replace("@", "+tag@"))
        await too_large(smtp, box.address)

    told = await timeline(box, until=2)

    assert [each.stage for each in told.attempts] == ["commit", "data"]


async def test_an_open_mailbox_does_not_tell_who_the_client_is(narrow: Pair, mail: AsyncMail) -> None:
    box = mail.open(make_mailbox(narrow.database_url))
    async with SmtpClient.connect(narrow.smtp_port) as smtp:
        await too_large(smtp, box.address)

    [attempt] = (await timeline(box, until=1)).attempts

    assert (attempt.client_addr, attempt.client_host) == (None, None)
    assert attempt.sender_domain == "sender.test"


async def test_a_private_timeline_needs_the_token(mail: AsyncMail, box: AsyncMailbox) -> None:
    with pytest.raises(Problem, match="mailbox_not_found"):
        await mail.open(box.address).timeline()


async def test_whoever_asks_for_a_name_sees_what_was_tried_before(
    narrow: Pair, mail: AsyncMail, box: AsyncMailbox
) -> None:
    name, reserved = f"early-{secrets.token_hex(8)}", "admin"
    async with SmtpClient.connect(narrow.smtp_port) as smtp:
        await smtp.converse(
            GREETING, MAIL, (f"RCPT TO:<{reserved}@mx.test>", 550), (f"RCPT TO:<{name}+tag@mx.test>", 550)
        )
    with psycopg.connect(narrow.database_url, autocommit=True) as connection:
        [[secret]] = connection.execute("SELECT value FROM secret WHERE name = 'early_attempt'").fetchall()
        kept, never = (hmac.digest(secret, f"{each}@mx.test".encode(), "sha256") for each in (name, reserved))
        found = "SELECT early_attempt::text FROM early_attempt WHERE address_hmac = %s"
        await until(lambda: connection.execute(found, [kept]).rowcount == 1)
        [[row]] = connection.execute(found, [kept]).fetchall()
        of_reserved = connection.execute(found, [never]).fetchall()
    asked = await mail.mailbox(name=name, exact=True, private=True)

    assert [each.reply for each in (await timeline(asked)).before] == ["550 5.1.1 No such mailbox"]
    assert (await timeline(box)).before == ()
    assert name not in row
    assert of_reserved == []


async def test_a_blocked_sender_is_told_to_the_reader(narrow: Pair, box: AsyncMailbox) -> None:
    async with await psycopg.AsyncConnection.connect(narrow.database_url, autocommit=True) as connection:
        await blocks.add(connection, sender="blocked-sender.test", reply="No", blocked_by="ada")
    async with SmtpClient.connect(narrow.smtp_port) as smtp, asyncio.timeout(DEADLINE_SECONDS):
        await smtp.converse(GREETING)
        code = 250
        while code != 550:
            await smtp.converse(("MAIL FROM:<a@blocked-sender.test>", 250))
            code = (await smtp.command(f"RCPT TO:<{box.address}>")).code
            await smtp.converse(("RSET", 250))
            await asyncio.sleep(0.2)

    async with asyncio.timeout(DEADLINE_SECONDS):
        last: str | None = ""
        while last != "550 5.7.1 No":
            last = (await timeline(box, until=1)).attempts[-1].reply


async def test_an_open_stream_tells_attempts_when_it_is_asked_to(narrow: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(narrow.database_url)
    await store(narrow.database_url, address, message("first"))
    silent, asked = stream(http, address), stream(http, address, events="attempt")
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(silent), aclosing(asked):
        before = [await anext(each) for each in (silent, asked)]
        async with SmtpClient.connect(narrow.smtp_port) as smtp:
            await too_large(smtp, address)
        attempt = await anext(asked)
        async with SmtpClient.connect(narrow.smtp_port) as smtp:
            await smtp.deliver(message("second"), address)
        after = [await anext(each) for each in (silent, asked)]

    listed = (await http.get("/api/inbox/timeline", params={"address": address})).json()["attempts"]
    assert (attempt.event, attempt.id, attempt.data) == ("attempt", "", listed[1])
    assert [each.event for each in before + after] == ["message"] * 4


async def test_a_wait_in_vain_names_what_was_refused(narrow: Pair, box: AsyncMailbox) -> None:
    async with SmtpClient.connect(narrow.smtp_port) as smtp:
        await too_large(smtp, box.address)
    await timeline(box, until=1)

    with pytest.raises(NoMail) as error:
        await box.wait(timeout=1)

    assert [(each.stage, each.reply) for each in error.value.refused] == [
        ("data", "552 5.3.4 The message is larger than 65536 bytes")
    ]


async def test_past_200_attempts_they_are_counted_by_their_reply(narrow: Pair, mail: AsyncMail) -> None:
    address = make_mailbox(narrow.database_url)
    await store(narrow.database_url, address, *(message(str(number)) for number in range(3)))
    async with await psycopg.AsyncConnection.connect(narrow.database_url, autocommit=True) as connection:
        key = await attempts.fetch_key(connection)
        attempt = attempts.Attempt(
            address=address,
            may_be_early=True,
            stage="data",
            reply="552 too large",
            sender_domain="sender.test",
            client_address="192.0.2.1",
            host_name="mail.sender.test",
            tls="",
            octets=1,
            transfer=Transfer(declared_octets=0, rcpt=0, data=0, commit=0),
        )
        for _ in range(5):
            await attempts.store(connection, [attempt] * 50, ages=[0] * 50, key=key)

    told = await timeline(mail.open(address), until=200)

    assert len(told.attempts) == attempt_statements.MAX_ATTEMPTS
    assert [(each.reply, each.number) for each in told.others] == [
        ("552 too large", 50),
        ("250 2.6.0 Message stored", 3),
    ]


def test_the_reply_of_a_stored_message_is_that_of_the_daemon() -> None:
    assert attempt_statements.COMMITTED == replies.COMMITTED
