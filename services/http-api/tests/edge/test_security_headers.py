"""Headers of every response that keep a browser from running, framing or leaking it."""

import os

import httpx
import pytest
from litestar.types import Message, Receive, Scope, Send
from support import calls
from support.calls import CALLS, Call, heads, make_known
from support.harness import Pair

from fake_email.settings import Settings
from http_api.edge.edge_counts import EdgeCounts
from http_api.edge.middleware import Middleware
from http_api.edge.rate_limits import new_table

EXPECTED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
ALL = [
    *CALLS,
    *heads(CALLS),
    Call("GET", "/api/openapi.json"),
    Call("OPTIONS", "/api/inbox/poll", status=204),
    Call("GET", "/api/inbox/poll", status=400),
    Call("GET", "/api/inbox/poll?address=missing@mx.test", status=404),
    Call("GET", "/nowhere", status=404),
    Call("DELETE", "/api/health", status=405),
]


def is_page(call: Call) -> bool:
    """True when the content of a success is HTML, for a browser to show."""
    return "text/html" in call.media_types


async def answered(*given: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """The headers that the middleware makes of the headers which an application has `given`."""
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
        await Middleware(application, settings, table, EdgeCounts())(scope, receive, send)  # type: ignore[arg-type]  # enough of a scope
    finally:
        os.close(table)
    assert sent[0]["type"] == "http.response.start"
    return list(sent[0]["headers"])


@pytest.mark.parametrize("call", [call for call in ALL if not is_page(call)], ids=str)
async def test_every_response_has_the_security_headers(pair: Pair, http: httpx.AsyncClient, call: Call) -> None:
    answer = await calls.answer(http, call.about_known(await make_known(pair.database_url)))

    found = {name: answer.headers.get_list(name) for name in EXPECTED}
    assert answer.status_code == call.status
    assert found == {name: [value] for name, value in EXPECTED.items()}


@pytest.mark.parametrize("call", [call for call in ALL if is_page(call)], ids=str)
async def test_a_message_as_a_web_page_has_them_with_a_policy_of_its_own(
    pair: Pair, http: httpx.AsyncClient, call: Call
) -> None:
    answer = await calls.answer(http, call.about_known(await make_known(pair.database_url)))

    of_all = EXPECTED.keys() - {"content-security-policy", "x-frame-options"}
    assert answer.status_code == call.status
    assert {name: answer.headers[name] for name in of_all} == {name: EXPECTED[name] for name in of_all}
    assert {"default-src 'none'", "frame-ancestors 'none'"} < set(answer.headers["content-security-policy"].split("; "))


@pytest.mark.parametrize("call", ALL, ids=str)
async def test_no_response_is_cached(pair: Pair, http: httpx.AsyncClient, call: Call) -> None:
    answer = await calls.answer(http, call.about_known(await make_known(pair.database_url)))

    expected = "no-store, no-transform" if call.is_stream else "no-store"
    assert answer.headers.get_list("cache-control") == [expected]


async def test_a_response_keeps_security_headers_of_its_own() -> None:
    given = ((b"Referrer-Policy", b"origin"), (b"cross-origin-resource-policy", b"cross-origin"))

    headers = await answered(*given)

    assert [each for each in headers if each[0].lower() in {b"referrer-policy", b"cross-origin-resource-policy"}] == [
        *given
    ]


async def test_a_response_whose_own_policy_names_frame_ancestors_may_be_framed() -> None:
    headers = await answered((b"content-security-policy", b"sandbox; frame-ancestors https://a.test"))

    assert b"x-frame-options" not in dict(headers)
    assert dict(headers)[b"content-security-policy"] == b"sandbox; frame-ancestors https://a.test"


async def test_a_response_whose_own_policy_names_no_frame_ancestors_may_not_be_framed() -> None:
    headers = await answered((b"content-security-policy", b"sandbox"))

    assert dict(headers)[b"x-frame-options"] == b"DENY"
