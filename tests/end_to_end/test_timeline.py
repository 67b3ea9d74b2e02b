"""Why mail did not arrive: each way in which an attempt can end stands in the timeline of its mailbox."""

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing

import httpx
import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, refusing, store
from support.harness import Pair, running_smtp
from support.http_client import problem, stream
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, until

from fake_email.storage import attempt_statements, attempts, blocks
from fake_email.storage.store import Transfer
from smtp_ingest import replies

Timeline = dict[str, list[dict[str, object]]]
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
        "SMTP_IDLE_SECONDS": "1",
    }
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("timeline"), **limits) as (daemon, _):
        yield daemon


async def make_private(http: httpx.AsyncClient, exact: str | None = None) -> tuple[str, dict[str, str]]:
    """A private mailbox, and the header field that opens it."""
    wanted = {"private": True, "exact": exact is not None, "username": exact}
    made = await http.post("/api/temporary-address", json=wanted)
    assert made.status_code == 200, made.text
    return made.json()["temp_email_addr"], {"Authorization": f"Bearer {made.json()['token']}"}


async def timeline(
    http: httpx.AsyncClient, address: str, headers: dict[str, str] | None = None, *, until: int = 0
) -> Timeline:
    """The timeline of a mailbox, once it has `until` attempts."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            answer = await http.get("/api/inbox/timeline", params={"address": address}, headers=headers)
            assert answer.status_code == 200, answer.text
            found: Timeline = answer.json()
            if len(found["attempts"]) >= until:
                return found
            await asyncio.sleep(0.05)


async def too_large_declared(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(GREETING, ("MAIL FROM:<ada@sender.test> SIZE=30000", 250), (f"RCPT TO:<{address}>", 452))


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
        (too_large, "data", "552 5.3.4 The message is larger than 65536 bytes"),
        (over_quota, "commit", "452 4.2.2 The mailbox is full"),
        (left_in_content, "data", None),
        (idle_in_content, "data", "421 4.7.0 "),
        (only_asked, "rcpt", "250 2.1.5 OK"),
        (refused_chunk, "data", "552 5.3.4 "),
    ],
)
async def test_an_attempt_that_was_not_stored_is_told_with_its_stage_and_reply(
    narrow: Pair, http: httpx.AsyncClient, session: Session, stage: str, reply: str | None
) -> None:
    address, key = await make_private(http)
    async with SmtpClient.connect(narrow.smtp_port) as smtp:
        await session(smtp, address)

    [attempt] = (await timeline(http, address, key, until=1))["attempts"]

    assert (attempt["stage"], attempt["message_id"]) == (stage, None)
    assert attempt["reply"] is None if reply is None else str(attempt["reply"]).startswith(reply)
    assert attempt["client_addr"] == "127.0.0.1"
    assert attempt["client_host"] == "mail.sender.test"
    assert attempt["sender_domain"] == ("" if session is only_asked else "sender.test")


async def test_a_failure_of_the_database_is_told_once_the_database_is_back(
    narrow: Pair, http: httpx.AsyncClient
) -> None:
    address, key = await make_private(http)
    with refusing(narrow.database_url):
        async with SmtpClient.connect(narrow.smtp_port) as smtp:
            reply = await smtp.deliver(message(), address)

    [attempt] = (await timeline(http, address, key, until=1))["attempts"]

    assert (attempt["stage"], attempt["reply"]) == ("commit", f"{reply.code} {reply.text}")


async def test_a_stored_message_is_an_attempt_too_and_stays_one_when_it_is_deleted(
    narrow: Pair, http: httpx.AsyncClient
) -> None:
    address, key = await make_private(http)
    content = message(secrets.token_hex())
    async with SmtpClient.connect(narrow.smtp_port) as smtp:
        await smtp.converse(GREETING, MAIL, (f"RCPT TO:<{address}>", 250), ("DATA", 354))
        await smtp.send(content + b".\r\n")
        assert (await smtp.reply()).code == 250
    [stored] = (await timeline(http, address, key, until=1))["attempts"]
    deleted = await http.delete(f"/api/messages/{stored['message_id']}", headers=key)
    [remembered] = (await timeline(http, address, key))["attempts"]

    assert deleted.status_code == 204
    assert (stored["stage"], stored["reply"]) == ("commit", "250 2.6.0 Message stored")
    assert (stored["declared_octets"], stored["octets"], stored["tls"]) == (1234, len(content), None)
    assert set(stored["seconds"]) == {"rcpt", "data", "commit"}  # type: ignore[call-overload]  # an object
    assert remembered == stored


async def test_a_duplicate_is_an_attempt_that_names_the_message_that_was_there(
    narrow: Pair, http: httpx.AsyncClient
) -> None:
    address, key = await make_private(http)
    other = make_mailbox(narrow.database_url)
    content = message(secrets.token_hex())
    async with SmtpClient.connect(narrow.smtp_port) as smtp:
        await smtp.deliver(content, address)
        await smtp.deliver(content, address, other)

    stored, duplicate = (await timeline(http, address, key, until=2))["attempts"]
    [of_other] = (await timeline(http, other, until=1))["attempts"]
    waited = await http.get("/api/inbox/wait", params={"address": address, "since": "1", "timeout": 1}, headers=key)
    await http.delete(f"/api/messages/{stored['message_id']}", headers=key)
    after = (await timeline(http, address, key))["attempts"]

    assert (stored["duplicate"], of_other["duplicate"], duplicate["duplicate"]) == (False, False, True)
    assert (duplicate["message_id"], duplicate["stage"], duplicate["octets"]) == (
        stored["message_id"],
        "commit",
        len(content),
    )
    assert duplicate["reply"] == stored["reply"] == "250 2.6.0 Message stored"
    assert problem(waited)["refused"] == [{name: duplicate[name] for name in REFUSED}]
    assert after == [stored, duplicate]


async def test_a_mailbox_that_is_named_twice_in_a_transaction_has_no_duplicate(
    narrow: Pair, http: httpx.AsyncClient
) -> None:
    address, key = await make_private(http)
    async with SmtpClient.connect(narrow.smtp_port) as smtp:
        await smtp.deliver(message(secrets.token_hex()), address, address.replace("@", "+tag@"))
        await too_large(smtp, address)

    told = await timeline(http, address, key, until=2)

    assert [each["stage"] for each in told["attempts"]] == ["commit", "data"]


async def test_an_open_mailbox_does_not_tell_who_the_client_is(narrow: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(narrow.database_url)
    async with SmtpClient.connect(narrow.smtp_port) as smtp:
        await too_large(smtp, address)

    [attempt] = (await timeline(http, address, until=1))["attempts"]

    assert (attempt["client_addr"], attempt["client_host"]) == (None, None)
    assert attempt["sender_domain"] == "sender.test"


async def test_a_private_timeline_needs_the_token(http: httpx.AsyncClient) -> None:
    address, _ = await make_private(http)

    refused = await http.get("/api/inbox/timeline", params={"address": address})

    assert problem(refused)["code"] == "mailbox_not_found"


async def test_whoever_asks_for_a_name_sees_what_was_tried_before(narrow: Pair, http: httpx.AsyncClient) -> None:
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
    address, key = await make_private(http, name)
    other, other_key = await make_private(http)

    told = await timeline(http, address, key)

    assert [each["reply"] for each in told["before"]] == ["550 5.1.1 No such mailbox"]
    assert (await timeline(http, other, other_key))["before"] == []
    assert name not in row
    assert of_reserved == []


async def test_a_blocked_sender_is_told_to_the_reader(narrow: Pair, http: httpx.AsyncClient) -> None:
    address, key = await make_private(http)
    async with await psycopg.AsyncConnection.connect(narrow.database_url, autocommit=True) as connection:
        await blocks.add(connection, sender="blocked-sender.test", reply="No", blocked_by="ada")
    async with SmtpClient.connect(narrow.smtp_port) as smtp, asyncio.timeout(DEADLINE_SECONDS):
        await smtp.converse(GREETING)
        code = 250
        while code != 550:
            await smtp.converse(("MAIL FROM:<a@blocked-sender.test>", 250))
            code = (await smtp.command(f"RCPT TO:<{address}>")).code
            await smtp.converse(("RSET", 250))
            await asyncio.sleep(0.2)

    async with asyncio.timeout(DEADLINE_SECONDS):
        last: dict[str, object] = {}
        while last.get("reply") != "550 5.7.1 No":
            last = (await timeline(http, address, key, until=1))["attempts"][-1]


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

    [known] = [each for each in (await timeline(http, address))["attempts"] if each["message_id"] is None]
    assert (attempt.event, attempt.id, attempt.data) == ("attempt", "", known)
    assert [each.event for each in before + after] == ["message"] * 4


async def test_a_wait_in_vain_names_what_was_refused(narrow: Pair, http: httpx.AsyncClient) -> None:
    address, key = await make_private(http)
    async with SmtpClient.connect(narrow.smtp_port) as smtp:
        await too_large(smtp, address)
    await timeline(http, address, key, until=1)

    waited = await http.get("/api/inbox/wait", params={"address": address, "timeout": 1}, headers=key)

    told = problem(waited).get("refused", waited.text)
    assert isinstance(told, list)
    assert [(each["stage"], each["reply"]) for each in told] == [
        ("data", "552 5.3.4 The message is larger than 65536 bytes")
    ]


async def test_past_200_attempts_they_are_counted_by_their_reply(narrow: Pair, http: httpx.AsyncClient) -> None:
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

    told = await timeline(http, address, until=200)

    assert len(told["attempts"]) == attempt_statements.MAX_ATTEMPTS
    assert told["others"] == [
        {"reply": "552 too large", "number": 50},
        {"reply": "250 2.6.0 Message stored", "number": 3},
    ]


def test_the_reply_of_a_stored_message_is_that_of_the_daemon() -> None:
    assert attempt_statements.COMMITTED == replies.COMMITTED
