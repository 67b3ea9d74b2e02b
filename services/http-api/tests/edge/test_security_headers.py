"""What a browser is told of every answer, so that it runs, frames and gives away none of it."""

import os

import httpx
import pytest
from litestar.types import Message, Receive, Scope, Send
from support.harness import Pair, make_mailbox, message, store

from fake_email.settings import Settings
from http_api.edge.middleware import Middleware
from http_api.edge.rate_limits import new_table

EXPECTED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
CALLS = [
    ("GET", "/api/health", 200),
    ("GET", "/api/openapi.json", 200),
    ("POST", "/api/temporary-address", 200),
    ("GET", "/api/inbox/poll?address={address}", 200),
    ("GET", "/api/inbox/stream?address={address}", 200),
    ("GET", "/api/messages/{message}/source", 200),
    ("HEAD", "/api/inbox/stream?address={address}", 200),
    ("OPTIONS", "/api/inbox/poll", 204),
    ("GET", "/api/inbox/poll", 400),
    ("GET", "/api/inbox/poll?address=missing@mx.test", 404),
    ("GET", "/nowhere", 404),
    ("DELETE", "/api/health", 405),
]


async def head(http: httpx.AsyncClient, method: str, path: str, **headers: str) -> tuple[int, httpx.Headers]:
    async with http.stream(method, path, headers=headers) as answer:
        return answer.status_code, answer.headers


async def answered(*given: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer of some application that gives these itself."""
    sent: list[Message] = []

    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": given})

    async def receive() -> None:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    settings = Settings(database_url="postgresql:///", domain=("mx.test",))
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [],
        "client": ("192.0.2.1", 1),
        "state": {},
    }
    table = new_table()
    try:
        await Middleware(application, settings, table)(scope, receive, send)  # type: ignore[arg-type]  # enough of a scope
    finally:
        os.close(table)
    assert sent[0]["type"] == "http.response.start"
    return list(sent[0]["headers"])


@pytest.mark.parametrize(("method", "path", "status"), CALLS)
async def test_every_answer_has_them(pair: Pair, http: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message())
    page = (await http.get("/api/inbox/poll", params={"address": address})).json()
    path = path.format(address=address, message=page["messages"][0]["id"])

    found, headers = await head(http, method, path)

    assert found == status
    assert {name: headers.get_list(name) for name in EXPECTED} == {name: [value] for name, value in EXPECTED.items()}


@pytest.mark.parametrize(("method", "path", "status"), CALLS)
async def test_no_answer_that_may_hold_mail_is_kept(
    pair: Pair, http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    path = path.format(address=make_mailbox(pair.database_url), message="none")

    _, headers = await head(http, method, path)

    assert headers.get_list("cache-control") == ["no-store"]


async def test_an_answer_that_says_something_else_itself_is_left_alone() -> None:
    given = ((b"Referrer-Policy", b"origin"), (b"cross-origin-resource-policy", b"cross-origin"))

    headers = await answered(*given)

    assert [each for each in headers if each[0].lower() in {b"referrer-policy", b"cross-origin-resource-policy"}] == [
        *given
    ]


async def test_an_answer_with_a_policy_of_its_own_about_frames_may_be_framed() -> None:
    headers = await answered((b"content-security-policy", b"sandbox; frame-ancestors https://a.test"))

    assert b"x-frame-options" not in dict(headers)
    assert dict(headers)[b"content-security-policy"] == b"sandbox; frame-ancestors https://a.test"


async def test_a_policy_of_its_own_that_leaves_frames_out_forbids_them() -> None:
    headers = await answered((b"content-security-policy", b"sandbox"))

    assert dict(headers)[b"x-frame-options"] == b"DENY"
