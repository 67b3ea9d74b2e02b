"""GET /api/inbox/poll: the messages of a mailbox after a cursor, and the token that it needs."""

import asyncio
import datetime
import re
import uuid

import httpx
import psycopg
import pytest
from support.content import message
from support.harness import Pair
from support.http_client import problem
from support.smtp_client import SmtpClient

MULTIPART = """\
From: =?utf-8?q?J=C3=BCrgen?= <jurgen@client.test>
To: reader@mx.test
Date: Sat, 31 Jan 2026 13:00:00 +0100
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Sch=C3=B6n.
--c
Content-Type: text/html

<p>Fine.</p>
--c--
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename=ticket.pdf
Content-Transfer-Encoding: base64

JVBERg==
--b--
""".replace("\n", "\r\n").encode()


async def page(http: httpx.AsyncClient, address: str, **parameters: str) -> dict[str, object]:
    answer = await http.get("/api/inbox/poll", params={"address": address, **parameters})
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    return body


async def listed(http: httpx.AsyncClient, address: str, **parameters: str) -> list[dict[str, object]]:
    messages = (await page(http, address, **parameters))["messages"]
    assert isinstance(messages, list)
    return messages


async def subjects(http: httpx.AsyncClient, address: str, **parameters: str) -> list[object]:
    return [each["subject"] for each in await listed(http, address, **parameters)]


async def deliver(smtp: SmtpClient, address: str, *contents: bytes, reverse_path: str = "writer@client.test") -> None:
    for content in contents:
        reply = await smtp.deliver(content, address, reverse_path=reverse_path)
        assert reply.code == 250, reply


# The fields that differ between any two responses.
CHANGING = {"date", "ratelimit-remaining", "ratelimit-reset"}


def text(body: str, headers: str = "") -> bytes:
    return f"{headers}Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n".encode()


def expire(pair: Pair, address: str) -> None:
    with psycopg.connect(pair.database_url) as connection:
        connection.execute("UPDATE mailbox SET expires_at = now() WHERE address = %s", [address])


def received_at(each: dict[str, object]) -> datetime.datetime:
    return datetime.datetime.fromisoformat(str(each["received_at"]))


def whole(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """The status, the header and the content of a response, without the fields that always differ."""
    return (
        answer.status_code,
        [each for each in answer.headers.multi_items() if each[0] not in CHANGING],
        answer.content,
    )


async def test_an_empty_mailbox_is_an_empty_page(http: httpx.AsyncClient, address: str) -> None:
    assert await page(http, address) == {
        "temp_email_addr": address,
        "new_mail_count": 0,
        "next_since": None,
        "messages": [],
    }


@pytest.mark.parametrize("plus", ["+", "%2B"])
async def test_an_address_with_a_tag_reads_the_mailbox_that_its_mail_goes_to(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str, plus: str
) -> None:
    await deliver(smtp, address.replace("@", "+tag@"), message("tagged"))

    polled = (await http.get(f"/api/inbox/poll?address={address.replace('@', plus + 'tag@')}")).json()

    assert (polled["temp_email_addr"], [each["subject"] for each in polled["messages"]]) == (address, ["tagged"])


async def test_a_listed_message_has_the_fields_of_a_list(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, MULTIPART, reverse_path="bounces@client.test")

    [shown] = await listed(http, address)

    expected = {
        "seq": 1,
        "from_addr": "jurgen@client.test",
        "to_addr": address,
        "subject": "Gr\u00fc\u00dfe",
        "body_text": "Sch\u00f6n.",
        "truncated": False,
        "from_header": "J\u00fcrgen <jurgen@client.test>",
        "reverse_path": "bounces@client.test",
        "date": "2026-01-31T12:00:00.000000Z",
        "has_html": True,
        "attachments": [
            {
                "name": "ticket.pdf",
                "type": "application/pdf",
                "size": 4,
                "content_id": None,
                "part": "2",
                "inline": False,
            },
        ],
        "octets": len(MULTIPART),
        "attachments_omitted": 0,
        "links_omitted": 0,
        "from": [{"name": "J\u00fcrgen", "address": "jurgen@client.test"}],
        "cc": [],
        "reply_to": [],
    }
    assert shown | expected == shown
    assert uuid.UUID(str(shown["id"])).version == 7
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", str(shown["received_at"]))


async def test_the_sender_of_a_message_that_an_older_release_stored_is_listed(
    pair: Pair, http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, MULTIPART)
    with psycopg.connect(pair.database_url) as connection:
        connection.execute("UPDATE message SET from_addresses = NULL, to_addresses = NULL, cc_addresses = NULL")

    [shown] = await listed(http, address)

    assert shown["from"] == [{"name": "J\u00fcrgen", "address": "jurgen@client.test"}]
    assert (shown["to"], shown["cc"]) == ([], [])


async def test_messages_are_listed_oldest_first_and_counted(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, message("a"), message("b"), message("c"))

    polled = await page(http, address)

    messages = await listed(http, address)
    assert [(each["seq"], each["subject"]) for each in messages] == [(1, "a"), (2, "b"), (3, "c")]
    assert received_at(messages[0]) < received_at(messages[1]) < received_at(messages[2])
    assert polled["new_mail_count"] == 3


async def test_next_since_is_the_time_of_the_last_message(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, message("a"), message("b"))

    polled = await page(http, address)

    assert polled["next_since"] == (await listed(http, address))[-1]["received_at"]


async def test_with_next_since_only_newer_messages_are_listed(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, message("a"), message("b"))
    since = str((await page(http, address))["next_since"])
    await deliver(smtp, address, message("c"))

    assert await subjects(http, address, since=since) == ["c"]


@pytest.mark.parametrize("since", ["7", "2026-01-31T12:00:00Z", "2026-01-31T14:00:00+02:00"])
async def test_without_newer_messages_next_since_stays_the_same(
    http: httpx.AsyncClient, address: str, since: str
) -> None:
    assert (await page(http, address, since=since))["next_since"] == since


@pytest.mark.parametrize(("since", "newer"), [("0", ["a", "b", "c"]), ("1", ["b", "c"]), ("3", []), ("99", [])])
async def test_a_seq_is_a_cursor_too(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str, since: str, newer: list[str]
) -> None:
    await deliver(smtp, address, message("a"), message("b"), message("c"))

    assert await subjects(http, address, since=since) == newer


async def test_a_time_in_another_zone_is_the_same_cursor(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, message("a"), message("b"))
    first, _ = await listed(http, address)

    since = received_at(first).astimezone(datetime.timezone(datetime.timedelta(hours=2))).isoformat()

    assert await subjects(http, address, since=since) == ["b"]


async def test_an_unencoded_plus_in_a_time_is_understood(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, message("a"), message("b"))
    first, _ = await listed(http, address)

    since = received_at(first).astimezone(datetime.timezone(datetime.timedelta(hours=2))).isoformat()
    answer = await http.get(f"/api/inbox/poll?address={address}&since={since}")

    assert [each["subject"] for each in answer.json()["messages"]] == ["b"]


async def test_limit_ends_a_page_and_next_since_continues_after_it(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, message("a"), message("b"), message("c"))

    first = await page(http, address, limit="2")
    rest = await subjects(http, address, limit="2", since=str(first["next_since"]))

    assert first["new_mail_count"] == 2
    assert rest == ["c"]


async def test_an_address_may_be_in_upper_or_lower_case(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, message("a"))

    polled = await page(http, address.upper())

    assert (polled["temp_email_addr"], polled["new_mail_count"]) == (address, 1)


async def test_the_mail_of_another_mailbox_is_not_shown(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    other = (await http.post("/api/temporary-address")).json()["temp_email_addr"]

    await deliver(smtp, other, message("not yours"))

    assert await listed(http, address) == []


async def test_a_text_over_64_kib_is_truncated(http: httpx.AsyncClient, smtp: SmtpClient, address: str) -> None:
    body = "\r\n".join(["x" * 70] * 1_000)
    await deliver(smtp, address, text(body))

    [shown] = await listed(http, address)

    assert shown["truncated"] is True
    assert shown["body_text"] == body.replace("\r\n", "\n")[:65_536]


async def test_a_text_is_truncated_between_characters(http: httpx.AsyncClient, smtp: SmtpClient, address: str) -> None:
    body = "x" + "\r\n".join(["\u00e4" * 70] * 1_000)
    await deliver(smtp, address, text(body))

    [shown] = await listed(http, address)

    shown_text = str(shown["body_text"])
    assert body.replace("\r\n", "\n").startswith(shown_text)
    assert 65_534 <= len(shown_text.encode()) <= 65_536


async def test_a_text_of_64_kib_is_complete(http: httpx.AsyncClient, smtp: SmtpClient, address: str) -> None:
    body = "\r\n".join(["x" * 63] * 1_024) + "x"
    await deliver(smtp, address, text(body))

    [shown] = await listed(http, address)

    assert shown["truncated"] is False
    assert len(str(shown["body_text"])) == 65_536


async def test_without_a_text_part_the_html_is_shown_as_text(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, b"Content-Type: text/html\r\n\r\n<h1>Hello</h1><p>Your code: <b>123456</b>\r\n")

    [shown] = await listed(http, address)

    assert shown["body_text"] == "Hello\n\nYour code: 123456"
    assert shown["has_html"] is True


@pytest.mark.parametrize(
    ("from_header", "from_addr"),
    [
        ("From: Writer <writer@author.test>\r\n", "writer@author.test"),
        ("From: writer@author.test\r\n", "writer@author.test"),
        ("From: a@author.test, b@author.test\r\n", "a@author.test"),
        ('From: "b@other.test" <a@author.test>\r\n', "a@author.test"),
        ("From: Nobody\r\n", "bounces@client.test"),
        ("From:\r\n", "bounces@client.test"),
        ("", "bounces@client.test"),
    ],
)
async def test_from_addr_is_that_of_the_from_header_else_of_the_envelope(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str, from_header: str, from_addr: str
) -> None:
    await deliver(smtp, address, text("Hello.", from_header), reverse_path="bounces@client.test")

    [shown] = await listed(http, address)

    assert (shown["from_addr"], shown["reverse_path"]) == (from_addr, "bounces@client.test")


async def test_from_addr_is_empty_without_a_from_header_and_with_the_null_reverse_path(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await deliver(smtp, address, text("Hello."), reverse_path="")

    [shown] = await listed(http, address)

    assert (shown["from_addr"], shown["reverse_path"]) == ("", "")


async def test_a_waiting_poll_responds_when_mail_arrives(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    waiting = asyncio.create_task(subjects(http, address, wait="20"))
    assert await subjects(http, address) == []
    assert not waiting.done()

    await deliver(smtp, address, message("a"))

    assert await waiting == ["a"]


async def test_a_waiting_poll_with_a_cursor_responds_with_newer_messages_only(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    waiting = asyncio.create_task(subjects(http, address, wait="20", since="2"))

    await deliver(smtp, address, message("a"), message("b"), message("c"))

    assert await waiting == ["c"]


async def test_a_waiting_poll_without_mail_responds_with_an_empty_page(http: httpx.AsyncClient, address: str) -> None:
    assert await page(http, address, wait="0.2", since="4") == {
        "temp_email_addr": address,
        "new_mail_count": 0,
        "next_since": "4",
        "messages": [],
    }


async def test_a_poll_does_not_wait_if_there_is_mail(http: httpx.AsyncClient, smtp: SmtpClient, address: str) -> None:
    await deliver(smtp, address, message("a"))

    async with asyncio.timeout(20):
        assert await subjects(http, address, wait="60") == ["a"]


async def test_all_polls_that_wait_at_a_mailbox_respond(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    waiting = [asyncio.create_task(subjects(http, address, wait="20")) for _ in range(20)]
    assert await subjects(http, address) == []

    await deliver(smtp, address, message("a"))

    assert await asyncio.gather(*waiting) == [["a"]] * 20


async def test_an_address_that_was_never_given_out_is_not_found(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/inbox/poll", params={"address": "missing@nowhere.test"})

    assert (answer.status_code, problem(answer)["code"]) == (404, "mailbox_not_found")


async def test_an_expired_mailbox_is_not_found(
    pair: Pair, http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    missing = await http.get("/api/inbox/poll", params={"address": "missing@nowhere.test"})
    await deliver(smtp, address, message("a"))
    expire(pair, address)

    answer = await http.get("/api/inbox/poll", params={"address": address})

    assert whole(answer) == whole(missing)


async def test_a_private_mailbox_is_read_with_its_token(http: httpx.AsyncClient, smtp: SmtpClient) -> None:
    made = (await http.post("/api/temporary-address", json={"private": True})).json()
    await deliver(smtp, made["temp_email_addr"], message("secret"))

    answer = await http.get(
        "/api/inbox/poll",
        params={"address": made["temp_email_addr"]},
        headers={"Authorization": f"Bearer {made['token']}"},
    )

    assert [each["subject"] for each in answer.json()["messages"]] == ["secret"]


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer wrong", "Basic {token}", "{token}", "Bearer \xff"]
)
async def test_without_its_token_a_private_mailbox_is_not_found(
    http: httpx.AsyncClient, authorization: str | None
) -> None:
    made = (await http.post("/api/temporary-address", json={"private": True})).json()
    if authorization is not None:
        http.headers = httpx.Headers([(b"Authorization", authorization.format(**made).encode("latin-1"))])
    missing = await http.get("/api/inbox/poll", params={"address": "missing@nowhere.test"})

    answer = await http.get("/api/inbox/poll", params={"address": made["temp_email_addr"]})

    assert missing.status_code == 404
    assert whole(answer) == whole(missing)


async def test_the_token_of_another_mailbox_opens_nothing(http: httpx.AsyncClient) -> None:
    mine, theirs = [(await http.post("/api/temporary-address", json={"private": True})).json() for _ in range(2)]

    answer = await http.get(
        "/api/inbox/poll",
        params={"address": theirs["temp_email_addr"]},
        headers={"Authorization": f"Bearer {mine['token']}"},
    )

    assert answer.status_code == 404


async def test_poll_does_not_accept_a_token_in_the_query(http: httpx.AsyncClient) -> None:
    made = (await http.post("/api/temporary-address", json={"private": True})).json()

    answer = await http.get(
        "/api/inbox/poll", params={"address": made["temp_email_addr"], "access_token": made["token"]}
    )

    assert answer.status_code == 404


async def test_an_open_mailbox_accepts_any_token(http: httpx.AsyncClient, address: str) -> None:
    answer = await http.get("/api/inbox/poll", params={"address": address}, headers={"Authorization": "Bearer any"})

    assert answer.status_code == 200


async def test_mail_is_not_cached(http: httpx.AsyncClient, address: str) -> None:
    answer = await http.get("/api/inbox/poll", params={"address": address})

    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", "name"),
        ("address", ""),
        ("address", "a\x00@mx.test"),
        ("since", "yesterday"),
        ("since", ""),
        ("since", "-1"),
        ("since", "9" * 30),
        ("wait", "-1"),
        ("wait", "61"),
        ("wait", "nan"),
        ("wait", "inf"),
        ("wait", "a while"),
        ("wait", ""),
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "1.5"),
        ("limit", "all"),
        ("limit", "9" * 5_000),
    ],
)
async def test_an_invalid_parameter_is_named(http: httpx.AsyncClient, address: str, field: str, value: str) -> None:
    answer = await http.get("/api/inbox/poll", params={"address": address, field: value})

    members = problem(answer)
    assert (answer.status_code, members["code"], members["field"]) == (400, "bad_input", field)
    assert str(members["error"]).startswith(f"{field}: ")


async def test_a_poll_without_an_address_is_refused_by_that_name(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/inbox/poll")

    assert answer.status_code == 400
    assert problem(answer)["error"] == "address: missing; this call needs it."


async def test_simultaneous_polls_each_get_their_own_mailbox(http: httpx.AsyncClient) -> None:
    made = [(await http.post("/api/temporary-address", json={"private": each == 1})).json() for each in range(2)]
    named = [each["temp_email_addr"] for each in made]
    token = {"Authorization": f"Bearer {made[1]['token']}"}

    answers = await asyncio.gather(
        *(http.get("/api/inbox/poll", params={"address": each}) for each in [*named, "missing@mx.test"] * 10),
        *(http.get("/api/inbox/poll", params={"address": named[1]}, headers=token) for _ in range(10)),
    )

    assert [answer.status_code for answer in answers] == [200, 404, 404] * 10 + [200] * 10
    assert {answer.json()["temp_email_addr"] for answer in answers[:30:3]} == {named[0]}
    assert {answer.json()["temp_email_addr"] for answer in answers[30:]} == {named[1]}
