"""GET, PATCH and DELETE /api/messages/{id}: return the whole message, mark it as seen, delete it."""

import asyncio
import uuid

import httpx
import pytest
from support import calls
from support.calls import MESSAGE_CALLS, Call
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair
from support.http_client import problem
from support.smtp_client import SmtpClient

ALTERNATIVE = b"""\
From: Writer <writer@client.test>\r
Subject: Both\r
Content-Type: multipart/alternative; boundary=b\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
\r
Plain \xc3\xa9.\r
--b\r
Content-Type: text/html; charset=utf-8\r
\r
<p onclick="alert(1)">Fine <script>x</script>\xc3\xa9.</p>\r
--b--\r
"""


async def newest(http: httpx.AsyncClient, address: str) -> str:
    """The id of the newest message in a mailbox."""
    polled = await http.get("/api/inbox/poll", params={"address": address})
    found: str = polled.json()["messages"][-1]["id"]
    return found


async def look(http: httpx.AsyncClient, message_id: str, **headers: str) -> dict[str, object]:
    answer = await http.get(f"/api/messages/{message_id}", headers=headers)
    assert answer.status_code == 200, answer.text
    shown: dict[str, object] = answer.json()
    return shown


async def opened(pair: Pair, http: httpx.AsyncClient, content: bytes) -> dict[str, object]:
    """The whole message of this content, stored in a mailbox of its own."""
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, content)
    return await look(http, await newest(http, address))


async def fields(pair: Pair, http: httpx.AsyncClient, header: bytes) -> list[tuple[str, str]]:
    """The header fields of the whole message that has this header."""
    shown = (await opened(pair, http, header + b"\r\nText.\r\n"))["headers"]
    assert isinstance(shown, list)
    return [(each["name"], each["value"]) for each in shown]


async def test_a_message_has_every_field_of_a_listed_message(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, ALTERNATIVE)
    [listed] = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]

    shown = await look(http, listed["id"])

    assert shown | listed == shown


async def test_text_and_html_are_as_they_were_written(pair: Pair, http: httpx.AsyncClient) -> None:
    shown = await opened(pair, http, ALTERNATIVE)

    assert shown["text"] == "Plain \u00e9."
    assert shown["html"] == '<p onclick="alert(1)">Fine <script>x</script>\u00e9.</p>'


async def test_a_message_without_html_has_none(pair: Pair, http: httpx.AsyncClient) -> None:
    shown = await opened(pair, http, message())

    assert (shown["text"], shown["html"]) == ("Hello there.", None)


async def test_a_long_text_is_complete(pair: Pair, http: httpx.AsyncClient) -> None:
    body = "\r\n".join(f"line {number:060}" for number in range(8_000))

    shown = await opened(pair, http, message(body=body))

    assert shown["text"] == body.replace("\r\n", "\n")
    assert shown["truncated"] is True


async def test_the_envelope_and_the_protocol_are_shown(http: httpx.AsyncClient, smtp: SmtpClient, address: str) -> None:
    tagged = address.replace("@", "+tag@")
    await smtp.deliver(message(), tagged, reverse_path="bounces@client.test")

    shown = await look(http, await newest(http, address))

    assert shown["temp_email_addr"] == address
    assert shown["tls"] is None
    assert shown["envelope"] == {
        "reverse_path": "bounces@client.test",
        "recipient": tagged,
        "client_address": "127.0.0.1",
        "host_name": "client.test",
        "protocol": "ESMTP",
    }


async def test_header_fields_are_in_order_with_repeated_fields(pair: Pair, http: httpx.AsyncClient) -> None:
    header = b"Received: one\r\nReceived: two\r\nSubject: S\r\nRECEIVED: three\r\nx-odd_name.1: v\r\nSubject: T\r\n"

    assert await fields(pair, http, header) == [
        ("Received", "one"),
        ("Received", "two"),
        ("Subject", "S"),
        ("RECEIVED", "three"),
        ("x-odd_name.1", "v"),
        ("Subject", "T"),
    ]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"Subject: plain\r\n", "plain"),
        (b"Subject:no blank\r\n", "no blank"),
        (b"Subject : a blank before\r\n", "a blank before"),
        (b"Subject:\r\n", ""),
        (b"Subject:   \r\n", ""),
        (b"Subject: a\r\n b\r\n\tc\r\n", "a b c"),
        (b"Subject:\r\n on the next line\r\n", "on the next line"),
        (b"Subject: a: b: c\r\n", "a: b: c"),
        (b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n", "Gr\u00fc\u00dfe"),
        (b"Subject: =?utf-8?b?w7w=?=\r\n =?utf-8?b?w7w=?=\r\n", "\u00fc\u00fc"),
        (b"Subject: =?nowhere?x?oops?=\r\n", "=?nowhere?x?oops?="),
        (b"Subject: \xc3\xbc raw\r\n", "\u00fc raw"),
        (b"Subject: \xfc raw\r\n", "\u00fc raw"),
        (b"Subject: NUL \x00 and \x07.\r\n", "NUL  and  ."),
    ],
)
async def test_a_header_field_is_unfolded_and_decoded(
    pair: Pair, http: httpx.AsyncClient, written: bytes, shown: str
) -> None:
    assert await fields(pair, http, b"From: a@b.test\r\n" + written) == [("From", "a@b.test"), ("Subject", shown)]


async def test_a_long_header_field_is_shown_up_to_16_kib(pair: Pair, http: httpx.AsyncClient) -> None:
    long = b"\r\n ".join([b"x" * 100] * 400)

    [(_, _), (name, value)] = await fields(pair, http, b"From: a@b.test\r\nX-Long: " + long + b"\r\n")

    assert name == "X-Long"
    assert long.replace(b"\r\n", b"").decode().startswith(value)
    assert 15_000 < len(value) <= 16_384


async def test_a_header_of_very_many_fields_is_shown(pair: Pair, http: httpx.AsyncClient) -> None:
    shown = await fields(pair, http, b"From: a@b.test\r\n" + b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(10_000)))

    assert shown[1:] == [(f"X-{number}", str(number)) for number in range(10_000)]


async def test_bare_line_ends_end_a_header_field_too(pair: Pair, http: httpx.AsyncClient) -> None:
    bare_lf = await opened(pair, http, b"From: a@b.test\nSubject: S\n\nText.\n")
    bare_cr = await opened(pair, http, b"From: a@b.test\rSubject: S\r\rText.\r")

    expected = [{"name": "From", "value": "a@b.test"}, {"name": "Subject", "value": "S"}]
    assert (bare_lf["headers"], bare_lf["text"]) == (expected, "Text.")
    assert (bare_cr["headers"], bare_cr["text"]) == (expected, "Text.")


@pytest.mark.parametrize("content", [b"\r\nNo header at all.\r\n", b"Just a line.\r\n", b"\r\n", b"\xff\x00\r\n"])
async def test_a_message_may_have_no_header(pair: Pair, http: httpx.AsyncClient, content: bytes) -> None:
    shown = await opened(pair, http, content)

    assert (shown["headers"], shown["subject"]) == ([], "")


async def test_a_line_of_the_text_that_looks_like_a_header_field_is_not_one(
    pair: Pair, http: httpx.AsyncClient
) -> None:
    shown = await opened(pair, http, b"Subject: S\r\n\r\nBcc: evil\r\n\r\nReceived: x\r\n")

    assert shown["headers"] == [{"name": "Subject", "value": "S"}]


async def test_a_message_that_the_client_has_is_not_sent_again(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message())
    path = f"/api/messages/{await newest(http, address)}"
    tag = (await http.get(path)).headers["etag"]

    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = await http.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert answer.headers["cache-control"] == "no-store"
    for unknown in ('"other"', tag.strip('"'), ""):
        assert (await http.get(path, headers={"If-None-Match": unknown})).status_code == 200


async def test_if_none_match_may_be_several_fields(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message())
    path = f"/api/messages/{await newest(http, address)}"
    tag = (await http.get(path)).headers["etag"]

    answer = await http.get(path, headers=[("If-None-Match", '"other"'), ("If-None-Match", tag)])

    assert answer.status_code == 304


@pytest.mark.parametrize("seen", [True, False])
async def test_a_message_is_marked_as_seen_and_as_not_seen(pair: Pair, http: httpx.AsyncClient, seen: bool) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message())
    message_id = await newest(http, address)
    await http.patch(f"/api/messages/{message_id}", json={"seen": not seen})

    answer = await http.patch(f"/api/messages/{message_id}", json={"seen": seen})

    [listed] = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]
    assert (answer.status_code, answer.json()) == (200, {"seen": seen})
    assert (await look(http, message_id))["seen"] is seen
    assert listed["seen"] is seen


async def test_reading_a_message_does_not_mark_it(pair: Pair, http: httpx.AsyncClient) -> None:
    shown = await opened(pair, http, message())

    assert (await look(http, str(shown["id"])))["seen"] is False


async def test_marking_a_message_changes_its_tag(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message())
    path = f"/api/messages/{await newest(http, address)}"
    tag = (await http.get(path)).headers["etag"]
    await http.patch(path, json={"seen": True})

    answer = await http.get(path, headers={"If-None-Match": tag})

    assert (answer.status_code, answer.json()["seen"]) == (200, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"seen": 1}', "seen"),
        (b'{"seen": "true"}', "seen"),
        (b'{"seen": null}', "seen"),
        (b'{"seen": true, "subject": "x"}', "subject"),
        (b'{"Seen": true}', "Seen"),
        (b"{}", "seen"),
        (b"", "body"),
        (b"null", "body"),
        (b"true", "body"),
        (b"[]", "body"),
        (b"{", "body"),
        (b"\xff", "body"),
        (b"[" * 10_000, "body"),
    ],
)
async def test_a_body_without_a_valid_flag_is_refused(
    pair: Pair, http: httpx.AsyncClient, body: bytes, field: str
) -> None:
    shown = await opened(pair, http, message())

    answer = await http.patch(f"/api/messages/{shown['id']}", content=body)

    members = problem(answer)
    assert (answer.status_code, members["code"], members["field"]) == (400, "bad_input", field)
    assert (await look(http, str(shown["id"])))["seen"] is False


async def test_a_body_that_is_too_large_is_refused(pair: Pair, http: httpx.AsyncClient) -> None:
    shown = await opened(pair, http, message())

    answer = await http.patch(f"/api/messages/{shown['id']}", content=b'{"seen": true}'.ljust(16_385))

    assert (answer.status_code, problem(answer)["code"]) == (413, "body_too_large")


async def test_a_deleted_message_is_gone_everywhere(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message("a"), message("b"), message("c"))
    listed = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]

    answer = await http.delete(f"/api/messages/{listed[1]['id']}")

    left = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]
    assert (answer.status_code, answer.content) == (204, b"")
    assert [each["subject"] for each in left] == ["a", "c"]
    for call in MESSAGE_CALLS:
        gone = await calls.answer(http, call.about(message_id=listed[1]["id"]))
        assert (gone.status_code, problem(gone)["code"]) == (404, "message_not_found"), call


async def test_of_many_requests_at_once_one_deletes_the_message(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message("a"), message("b"))
    message_id = await newest(http, address)

    answers = await asyncio.gather(*(http.delete(f"/api/messages/{message_id}") for _ in range(10)))

    known = (await http.get("/api/inbox", params={"address": address})).json()
    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 9
    assert (known["message_count"], known["stored_octets"]) == (1, len(message("a")))


async def test_the_same_content_can_arrive_again_after_a_deletion(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    await smtp.deliver(message("again"), address)
    await http.delete(f"/api/messages/{await newest(http, address)}")

    await smtp.deliver(message("again"), address)

    listed = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]
    assert [(each["seq"], each["subject"]) for each in listed] == [(2, "again")]


async def test_an_id_may_be_written_in_upper_case(pair: Pair, http: httpx.AsyncClient) -> None:
    shown = await opened(pair, http, message())

    assert (await look(http, str(shown["id"]).upper()))["id"] == shown["id"]


@pytest.mark.parametrize("call", MESSAGE_CALLS, ids=str)
@pytest.mark.parametrize("message_id", [str(uuid.UUID(int=7)), "7", "x" * 100, "\x00", "\u00e4"])
async def test_an_unknown_message_is_not_found(http: httpx.AsyncClient, call: Call, message_id: str) -> None:
    answer = await calls.answer(http, call.about(message_id=message_id))

    assert (answer.status_code, problem(answer)["code"]) == (404, "message_not_found")
