"""GET /api/messages/{id}/attachments/{n}: the content of an attachment, or a range of it."""

import asyncio
import base64
import binascii
from pathlib import Path

import httpx
import pytest
from support.database import make_mailbox, store
from support.harness import Pair, running_http
from support.http_client import client, problem
from support.waiting import DEADLINE_SECONDS

DATA = bytes(range(256)) * 40


def encoded(data: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(data).replace(b"\n", b"\r\n")
    return binascii.b2a_qp(data, istext=False).replace(b"\n", b"\r\n") if encoding == "quoted-printable" else data


def mail(
    body: bytes, *, encoding: str = "base64", field: str = 'attachment; filename="a.bin"', kind: str = "image/png"
) -> bytes:
    """A message with a text and one attachment, whose encoded content is `body`."""
    return (
        "Subject: File\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n"
        f"--b\r\nContent-Type: {kind}\r\nContent-Disposition: {field}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    ).encode() + b"%b\r\n--b--\r\n" % body


async def file(pair: Pair, http: httpx.AsyncClient, content: bytes) -> str:
    """The path of the first attachment of a stored message with this content."""
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, content)
    [listed] = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]
    return f"/api/messages/{listed['id']}/attachments/0"


@pytest.fixture
async def path(pair: Pair, http: httpx.AsyncClient) -> str:
    """The path of an attachment that is DATA."""
    return await file(pair, http, mail(encoded(DATA, "base64")))


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit", "binary", "7bit"])
@pytest.mark.parametrize("data", [b"", b"x", b"Text.\r\nMore.", bytes(range(1, 256)), b"a" * 200_000])
async def test_the_content_is_what_was_attached(
    pair: Pair, http: httpx.AsyncClient, encoding: str, data: bytes
) -> None:
    path = await file(pair, http, mail(encoded(data, encoding), encoding=encoding))

    answer = await http.get(path)

    assert answer.status_code == 200
    assert answer.content == data
    assert answer.headers["content-length"] == str(len(answer.content))


async def test_junk_between_the_digits_of_base64_is_skipped(pair: Pair, http: httpx.AsyncClient) -> None:
    body = base64.b64encode(DATA).replace(b"A", b" A!\r\n*")

    answer = await http.get(await file(pair, http, mail(body)))

    assert answer.content == DATA


async def test_an_attachment_of_25_mb_is_complete(pair: Pair, http: httpx.AsyncClient) -> None:
    data = DATA * 1_750

    answer = await http.get(await file(pair, http, mail(encoded(data, "base64"))))

    assert answer.content == data


async def test_a_message_with_bare_carriage_returns_has_its_attachment(pair: Pair, http: httpx.AsyncClient) -> None:
    content = mail(encoded(DATA * 100, "base64")).replace(b"\r\n", b"\r")

    answer = await http.get(await file(pair, http, content))

    assert answer.content == DATA * 100
    assert answer.headers["content-length"] == str(len(DATA * 100))


async def test_the_header_has_the_type_the_size_and_the_name_to_save_under(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)

    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'attachment; filename="a.bin"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("text/html; charset=iso-8859-1", "text/html"),
        ("text/plain", "text/plain"),
        ("IMAGE/SVG+XML", "image/svg+xml"),
        ("message/rfc822", "message/rfc822"),
        ("nonsense", "application/octet-stream"),
        ("a/b/c", "application/octet-stream"),
        ("../etc", "application/octet-stream"),
        ("image/png\u00e4", "application/octet-stream"),
        ("", "text/plain"),  # RFC 2045 §5.2
    ],
)
async def test_a_valid_media_type_is_that_of_the_message(
    pair: Pair, http: httpx.AsyncClient, kind: str, told: str
) -> None:
    answer = await http.get(await file(pair, http, mail(b"eA==", kind=kind)))

    assert (answer.status_code, answer.content) == (200, b"x")
    assert answer.headers["content-type"] == told
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("attachment; filename=ticket.pdf", 'attachment; filename="ticket.pdf"'),
        ("inline; filename=ticket.pdf", 'attachment; filename="ticket.pdf"'),
        ('attachment; filename="a;b.txt"', 'attachment; filename="a;b.txt"'),
        (r'attachment; filename="a\"b.txt"', "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"),
        (
            "attachment; filename*=utf-8''%E2%82%AC.txt",
            "attachment; filename=\"attachment.txt\"; filename*=UTF-8''%E2%82%AC.txt",
        ),
        (
            'attachment; filename="=?utf-8?q?=C3=BC?=.txt"',
            "attachment; filename=\"u.txt\"; filename*=UTF-8''%C3%BC.txt",
        ),
        ('attachment; filename="../../etc/passwd"', 'attachment; filename="passwd"'),
        (r'attachment; filename="C:\\x\\evil.exe"', 'attachment; filename="evil.exe"'),
        ('attachment; filename=".."', 'attachment; filename="attachment-1.png"'),
        ("attachment", 'attachment; filename="attachment-1.png"'),
        (f'attachment; filename="{"n" * 600}.txt"', f'attachment; filename="{"n" * 251}.txt"'),
    ],
)
async def test_the_name_is_that_of_the_message_made_safe(
    pair: Pair, http: httpx.AsyncClient, field: str, told: str
) -> None:
    answer = await http.get(await file(pair, http, mail(b"eA==", field=field)))

    assert answer.headers["content-disposition"] == told


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=5000-5999", 5_000, 6_000),
        ("bytes=10000-", 10_000, 10_240),
        ("bytes=-7", 10_233, 10_240),
        ("bytes=10239-99999", 10_239, 10_240),
    ],
)
async def test_a_range_returns_that_part(http: httpx.AsyncClient, path: str, asked: str, start: int, end: int) -> None:
    answer = await http.get(path, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (206, DATA[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/10240"
    assert answer.headers["content-length"] == str(end - start)


async def test_ranges_of_a_large_attachment_join_to_the_whole(pair: Pair, http: httpx.AsyncClient) -> None:
    data = DATA * 120
    path = await file(pair, http, mail(encoded(data, "base64")))

    parts = [
        (await http.get(path, headers={"Range": f"bytes={at}-{at + 99_998}"})).content
        for at in range(0, len(data), 99_999)
    ]

    assert b"".join(parts) == data


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
async def test_a_range_after_the_end_is_refused_with_the_size(http: httpx.AsyncClient, path: str, asked: str) -> None:
    answer = await http.get(path, headers={"Range": asked})

    members = problem(answer)
    assert (answer.status_code, members["code"], members["field"]) == (416, "range_not_satisfiable", "Range")
    assert answer.headers["content-range"] == "bytes */10240"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=9-1", "bytes=", "lines=0-1", "", "bytes=x-"])
async def test_anything_but_one_range_returns_the_whole_attachment(
    http: httpx.AsyncClient, path: str, asked: str
) -> None:
    answer = await http.get(path, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (200, DATA)


@pytest.mark.parametrize("asked", ["bytes=0-3", "bytes=99999-"])
async def test_head_has_no_ranges(http: httpx.AsyncClient, path: str, asked: str) -> None:
    answer = await http.head(path, headers={"Range": asked})

    assert (answer.status_code, answer.headers["content-length"]) == (200, "10240")


async def test_if_range_returns_the_range_only_with_the_current_tag(http: httpx.AsyncClient, path: str) -> None:
    tag = (await http.get(path)).headers["etag"]

    statuses = [
        (await http.get(path, headers={"Range": "bytes=0-9", "If-Range": known})).status_code
        for known in (tag, '"other"', f"W/{tag}", "Sat, 31 Jan 2026 12:00:00 GMT")
    ]

    assert statuses == [206, 200, 200, 200]


async def test_an_attachment_that_the_client_has_is_not_sent_again(http: httpx.AsyncClient, path: str) -> None:
    tag = (await http.get(path)).headers["etag"]

    answer = await http.get(path, headers={"If-None-Match": tag, "Range": "bytes=0-9"})

    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)


async def test_each_attachment_has_its_own_tag(pair: Pair, http: httpx.AsyncClient) -> None:
    part = b"--b\r\nContent-Disposition: attachment\r\n\r\n%d\r\n"
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part % 1 + part % 2 + b"--b--\r\n"
    path = (await file(pair, http, content)).removesuffix("0")

    first, second = [await http.get(f"{path}{number}") for number in range(2)]

    assert (first.content, second.content) == (b"1", b"2")
    assert first.headers["etag"] != second.headers["etag"]


async def test_a_position_after_the_last_attachment_is_not_found(http: httpx.AsyncClient, path: str) -> None:
    for number in ("1", "-1", "9" * 18, "9" * 40):
        answer = await http.get(path.removesuffix("0") + number)
        assert (answer.status_code, problem(answer)["code"]) == (404, "attachment_not_found")


@pytest.mark.parametrize("number", ["x", "1.5", "0x1", ""])
async def test_a_position_that_is_not_a_number_is_no_call(http: httpx.AsyncClient, path: str, number: str) -> None:
    answer = await http.get(path.removesuffix("0") + number)

    assert answer.status_code in (404, 405)


async def test_a_client_that_disconnects_during_the_response_breaks_nothing(
    pair: Pair, http: httpx.AsyncClient
) -> None:
    data = DATA * 1_000
    path = await file(pair, http, mail(encoded(data, "base64")))

    async def leave() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(pair.environ["HTTP_PORT"]))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        async with asyncio.timeout(DEADLINE_SECONDS):
            await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    await asyncio.gather(*(leave() for _ in range(30)))

    assert (await http.get(path)).content == data
    assert "call_failed" not in [event["event"] for service in pair.services for event in service.events()]


async def test_many_requests_at_once_for_a_message_that_must_be_read_whole_all_succeed(
    pair: Pair, http: httpx.AsyncClient
) -> None:
    path = await file(pair, http, mail(encoded(DATA * 100, "base64")).replace(b"\r\n", b"\r"))

    answers = await asyncio.gather(*(http.get(path) for _ in range(20)))

    assert [answer.content == DATA * 100 for answer in answers] == [True] * 20


@pytest.mark.parametrize(
    ("kind", "sent", "is_shown"),
    [
        ("image/png", "image/png", True),
        ("IMAGE/JPG", "image/jpeg", True),
        ("text/plain", "text/plain; charset=utf-8", True),
        ("image/svg+xml", "image/svg+xml", False),
        ("text/html", "text/html", False),
        ("application/pdf", "application/pdf", False),
    ],
)
async def test_what_cannot_run_is_shown_on_request(
    pair: Pair, http: httpx.AsyncClient, kind: str, sent: str, is_shown: bool
) -> None:
    path = await file(pair, http, mail(encoded(DATA, "base64"), kind=kind))

    saved, shown = await http.get(path), await http.get(path, params={"disposition": "inline"})

    assert saved.headers["content-disposition"].startswith("attachment;")
    assert shown.headers["content-disposition"].startswith("inline;" if is_shown else "attachment;")
    assert shown.headers["content-type"] == sent
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-security-policy"].endswith("sandbox") is is_shown


@pytest.mark.parametrize(
    ("referer", "policy"), [("https://mail.test/", "cross-origin"), ("https://b.test/", "same-origin")]
)
async def test_a_page_of_an_allowed_origin_may_embed_a_picture(
    pair: Pair, tmp_path: Path, referer: str, policy: str
) -> None:
    with running_http(pair.database_url, tmp_path, CORS_ALLOWED_ORIGINS="https://mail.test") as service:
        async with client(service.http_url) as http:
            path = await file(pair, http, mail(encoded(DATA, "base64")))
            shown = await http.get(path, params={"disposition": "inline"}, headers={"Referer": referer})
            saved = await http.get(path, headers={"Referer": referer})

    assert shown.headers["cross-origin-resource-policy"] == policy
    assert saved.headers["cross-origin-resource-policy"] == "same-origin"
