"""Malformed requests get an error response, never a 500 or HTML, and the service goes on."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from support import calls
from support.calls import CALLS, MAILBOX_CALLS, Call, make_known
from support.harness import Pair
from support.http_client import problem
from support.waiting import DEADLINE_SECONDS

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "BREW", "TRACE")
UNREADABLE = [b"{", b"[]", b'"x"', b'{"x": 1}', b"\xff", b"x" * 1_000]


def methods_of_paths() -> dict[str, str]:
    """The value of Allow for each path."""
    methods = {"/api/openapi.json": {"GET"}}
    for call in CALLS:
        methods.setdefault(call.about(message_id="x").bare_path, set()).add(call.method)
    return {
        path: ", ".join(sorted(found | ({"HEAD", "OPTIONS"} if "GET" in found else {"OPTIONS"})))
        for path, found in methods.items()
    }


PATHS = methods_of_paths()
HOST = b"Host: localhost\r\nConnection: close\r\n"
POLL = b"GET /api/inbox/poll?address=missing@nowhere.test HTTP/1.1\r\n"
POST = b"POST /api/temporary-address HTTP/1.1\r\n"


@pytest.fixture
async def connection(pair: Pair) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(pair.environ["HTTP_PORT"]))
    yield reader, writer
    writer.close()


def allowed(answer: httpx.Response) -> str:
    return ", ".join(sorted(answer.headers["allow"].split(", ")))


def status_and_type(octets: bytes) -> tuple[int, str]:
    """The status and the content type of a response as it was on the wire."""
    head = octets.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:])
    return int(head[0].split(" ")[1]), headers.get("content-type", "")


@pytest.mark.parametrize(
    ("method", "path"),
    [(method, path) for path, methods in PATHS.items() for method in METHODS if method not in methods.split(", ")],
)
async def test_a_method_that_a_path_does_not_have_is_refused_with_the_methods_that_it_has(
    http: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await http.request(method, path)

    assert (answer.status_code, problem(answer)["code"]) == (405, "method_not_allowed")
    assert allowed(answer) == PATHS[path]


@pytest.mark.parametrize("path", PATHS)
async def test_options_lists_the_methods_of_a_path(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.options(path)

    assert (answer.status_code, answer.content) == (204, b"")
    assert allowed(answer) == PATHS[path]


@pytest.mark.parametrize("path", PATHS)
async def test_the_response_to_head_has_no_content(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.head(path)

    assert answer.content == b""
    assert "html" not in answer.headers["content-type"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/index.html",
        "/favicon.ico",
        "/robots.txt",
        "/api",
        "/api/",
        "/api/inbox/poll/x",
        "/api/openapi.json/x",
        "/api/openapi.json/swagger",
        "/docs",
        "/schema",
        "/schema/swagger",
        "/static/../../etc/passwd",
        "/%2e%2e/etc/passwd",
        "/%00",
        "/%ff",
        "/<b>bold<%2fb>",
        "/" + "a" * 20_000,
    ],
)
async def test_a_path_without_a_call_gets_a_problem_even_in_a_browser(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert (answer.status_code, problem(answer)["code"]) == (404, "no_such_call")
    assert len(answer.content) < 1_000


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("address", 400),
        ("&&&==&", 400),
        ("address[]=missing@nowhere.test", 400),
        ("address=%00@nowhere.test", 400),
        ("address=missing@nowhere.test%00", 400),
        ("address=%ff@nowhere.test", 404),
        ("address=%c0%80@nowhere.test", 404),
        ("address=%ed%a0%80@nowhere.test", 404),
        ("address=%@nowhere.test", 404),
        ("address=%zz@nowhere.test", 404),
        ("address=%f0%9f%98%80@nowhere.test", 404),
        ("address=a@nowhere.test;since=1", 404),
        ("address=" + "a" * 30_000 + "@nowhere.test", 404),
    ],
)
@pytest.mark.parametrize("call", MAILBOX_CALLS, ids=str)
async def test_an_odd_query_is_an_error_of_the_client(
    http: httpx.AsyncClient, call: Call, query: str, status: int
) -> None:
    answer = await http.request(call.method, f"{call.bare_path}?{query}", json=call.body)

    problem(answer)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "query",
    [
        "address=a@nowhere.test&address=b@nowhere.test",
        "address=missing@nowhere.test" + "&x=1" * 5_000,
        "address=missing@nowhere.test&since=1&since=2",
        "address=missing@nowhere.test&access%5Ftoken=%ff%00&access_token=",
    ],
)
@pytest.mark.parametrize("call", MAILBOX_CALLS, ids=str)
async def test_poll_alone_ignores_a_name_that_is_unknown_or_repeated(
    http: httpx.AsyncClient, call: Call, query: str
) -> None:
    answer = await http.request(call.method, f"{call.bare_path}?{query}", json=call.body)

    problem(answer)
    assert answer.status_code == (404 if call.bare_path == "/api/inbox/poll" else 400)


@pytest.mark.parametrize("since", ["%00", "%ff", "1%0a"])
@pytest.mark.parametrize("call", [call for call in MAILBOX_CALLS if "since" in call.parameters], ids=str)
async def test_an_odd_cursor_is_an_error_of_the_client(http: httpx.AsyncClient, call: Call, since: str) -> None:
    answer = await calls.answer(http, call.about("missing@nowhere.test").with_query(f"since={since}"))

    assert (answer.status_code, problem(answer)["field"]) == (400, "since")


@pytest.mark.parametrize("call", MAILBOX_CALLS, ids=str)
async def test_a_call_without_its_address_is_refused_by_that_name(http: httpx.AsyncClient, call: Call) -> None:
    answer = await http.request(call.method, call.bare_path, json=call.body)

    assert (answer.status_code, problem(answer)["field"]) == (400, "address")


@pytest.mark.parametrize(
    ("call", "body"),
    [
        *((call, body) for call in CALLS if call.takes_body for body in UNREADABLE),
        *((call, body) for call in CALLS if call.body is not None for body in (b"", b"null", b"{}")),
    ],
    ids=str,
)
async def test_an_odd_body_is_an_error_of_the_client(
    pair: Pair, http: httpx.AsyncClient, call: Call, body: bytes
) -> None:
    path = call.about_known(await make_known(pair.database_url)).path

    answer = await http.request(call.method, path, content=body)

    assert (answer.status_code, problem(answer)["code"]) == (400, "bad_input")


@pytest.mark.parametrize("call", [call for call in CALLS if call.body is not None], ids=str)
async def test_a_missing_body_is_called_so(http: httpx.AsyncClient, call: Call) -> None:
    call = call.about("missing@nowhere.test", "019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11")

    answer = await http.request(call.method, call.path)

    assert problem(answer)["detail"] == "body: missing; this call needs JSON."


@pytest.mark.parametrize("call", [call for call in CALLS if call.takes_body], ids=str)
async def test_a_body_that_is_too_large_is_an_error_of_the_client(
    pair: Pair, http: httpx.AsyncClient, call: Call
) -> None:
    path = call.about_known(await make_known(pair.database_url)).path

    answer = await http.request(call.method, path, content=b" " * 16_385)

    assert (answer.status_code, problem(answer)["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept-Encoding": "gzip, br, zstd"},
        {"Range": "bytes=0-3"},
        {"If-None-Match": "*"},
        {"If-Modified-Since": "Sat, 31 Jan 2026 12:00:00 GMT"},
        {"Expect": "100-continue"},
        {"Upgrade": "websocket", "Connection": "upgrade", "Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "13"},
        {"Content-Type": "multipart/form-data"},
        {"Cookie": b"\xff=\x80; ;=;"},
        {"Accept": b"\xff"},
        {"Origin": b"\xff"},
        {"Authorization": b"Bearer \xff"},
        {"Host": "[::1"},
        {"Host": "localhost:99999999"},
        {"X-Forwarded-For": "'; DROP TABLE mailbox; --"},
        {"X-Long": "x" * 40_000},
    ],
    ids=str,
)
async def test_an_odd_header_field_changes_nothing(
    http: httpx.AsyncClient, address: str, headers: dict[str, str | bytes]
) -> None:
    octets = {name.encode(): value if isinstance(value, bytes) else value.encode() for name, value in headers.items()}

    answer = await http.get("/api/inbox/poll", params={"address": address}, headers=octets)

    assert answer.status_code == 200
    assert answer.json()["temp_email_addr"] == address


async def test_an_odd_host_field_does_not_change_an_error_response(http: httpx.AsyncClient) -> None:
    answer = await http.get("/nowhere", headers={"Host": "localhost:99999999"})

    assert (answer.status_code, problem(answer)["code"]) == (404, "no_such_call")


@pytest.mark.parametrize(
    "octets",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 500,
        b"hello\r\n\r\n",
        b"GET /api/health\r\n\r\n",
        b"GET /api/health HTTP/2.0\r\n" + HOST + b"\r\n",
        b"GET /api/inbox/poll?address=\xff@nowhere.test HTTP/1.1\r\n" + HOST + b"\r\n",
        POLL + HOST + b"no colon\r\n\r\n",
        POLL + HOST + b"X Y: z\r\n\r\n",
        POLL + HOST + b"X: \x00\r\n\r\n",
        POLL + HOST + b"X: y\r\n" * 500 + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        POST + HOST + b"Content-Length: -1\r\n\r\n{}",
        POST + HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        POST + HOST + b"Content-Length: 99999999999\r\n\r\n{}",
        POST + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        POST + HOST + b"Transfer-Encoding: gzip\r\n\r\n{}",
    ],
)
async def test_malformed_http_is_refused_and_the_next_request_is_served(
    http: httpx.AsyncClient, connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], octets: bytes
) -> None:
    reader, writer = connection

    writer.write(octets)
    async with asyncio.timeout(DEADLINE_SECONDS):
        answer = await reader.read(65_536)

    status, content_type = status_and_type(answer)
    assert 400 <= status < 500
    assert content_type in {"", "application/problem+json"}
    assert (await http.get("/api/health")).status_code == 200


@pytest.mark.parametrize(
    "octets",
    [
        POST + HOST + b"Content-Length: 50\r\n\r\n{}",
        POST + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}",
    ],
)
async def test_a_body_that_ends_too_early_is_an_error_of_the_client(
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], octets: bytes
) -> None:
    reader, writer = connection

    writer.write(octets)
    writer.write_eof()
    async with asyncio.timeout(DEADLINE_SECONDS):
        answer = await reader.read()

    assert status_and_type(answer) == (400, "application/problem+json")


async def test_a_request_may_arrive_a_byte_at_a_time(
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    reader, writer = connection

    for octet in POLL + HOST + b"\r\n":
        writer.write(bytes([octet]))
        await writer.drain()
    async with asyncio.timeout(DEADLINE_SECONDS):
        answer = await reader.read()

    assert status_and_type(answer) == (404, "application/problem+json")


async def test_the_body_of_a_get_is_ignored(http: httpx.AsyncClient, address: str) -> None:
    answer = await http.request("GET", "/api/inbox/poll", params={"address": address}, content=b"x" * 100_000)

    assert answer.status_code == 200
