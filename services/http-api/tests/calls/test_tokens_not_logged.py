"""Only the creation of a mailbox shows its token: no log repeats it, and no error response."""

from collections.abc import AsyncIterator, Iterator

import httpx
import msgspec
import psycopg
import pytest
from support.calls import MAILBOX_CALLS, MESSAGE_CALLS, Call
from support.harness import Pair, running_http
from support.http_client import client


def named(call: Call, name: str) -> Call:
    """The call about a mailbox or a message with this name."""
    return msgspec.structs.replace(call, path=call.path.format(address=name, message_id=name))


PLACES = [
    *((call, "Bearer {token}x") for call in MAILBOX_CALLS),
    *((call, "Basic {token}") for call in MAILBOX_CALLS),
    *((call, "{token}") for call in MAILBOX_CALLS),
    *((call.with_query("access_token={token}x"), "") for call in MAILBOX_CALLS),
    *((named(call, "{token}@mx.test"), "") for call in MAILBOX_CALLS),
    *((named(call, "{token}"), "Bearer {token}") for call in MAILBOX_CALLS + MESSAGE_CALLS),
    *((named(call, "{token}").with_query("access_token={token}"), "") for call in MAILBOX_CALLS + MESSAGE_CALLS),
    (Call("GET", "/api/inbox/poll?address={address}&access_token={token}"), ""),
    (Call("GET", "/api/inbox/stream?address={address}x&access_token={token}"), ""),
    (Call("GET", "/api/inbox/stream?access_token={token}"), ""),
    (Call("GET", "/api/inbox/poll?address={address}&since={token}"), ""),
    (Call("GET", "/api/inbox/poll?address={address}&wait={token}"), ""),
    (Call("GET", "/api/inbox/poll?address={address}&limit={token}"), ""),
    (Call("GET", "/api/inbox/poll?{token}"), ""),
    (Call("GET", "/api/{token}"), "Bearer {token}"),
    (Call("GET", "/{token}?access_token={token}"), ""),
    (Call("PUT", "/api/inbox/poll?access_token={token}"), "Bearer {token}"),
]
BODIES = [
    '{{"domain": "{token}"}}',
    '{{"{token}": 1}}',
    '{{"private": "{token}"}}',
    '{{"ttl_seconds": "{token}"}}',
    "{token}",
    '"{token}"',
]


@pytest.fixture(scope="module")
def service(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """An http-api that logs at the lowest level."""
    with running_http(pair.database_url, tmp_path_factory.mktemp("untold"), LOG_LEVEL="debug") as service:
        yield service


@pytest.fixture
async def http(service: Pair) -> AsyncIterator[httpx.AsyncClient]:
    async with client(service.http_url) as http:
        yield http


@pytest.fixture
async def made(http: httpx.AsyncClient) -> dict[str, str]:
    """A private mailbox and its token."""
    answer = (await http.post("/api/temporary-address", json={"private": True})).json()
    return {"address": answer["temp_email_addr"], "token": answer["token"]}


def log(service: Pair) -> str:
    return service.services[0].log.read_text()


@pytest.mark.parametrize(("call", "authorization"), PLACES, ids=str)
async def test_neither_the_response_nor_the_log_repeats_a_token_in_any_part_of_a_call(
    service: Pair, http: httpx.AsyncClient, made: dict[str, str], call: Call, authorization: str
) -> None:
    path = call.path.format(**made)

    answer = await http.request(
        call.method, path, json=call.body, headers={"Authorization": authorization.format(**made)}
    )

    assert answer.status_code >= 400
    assert made["token"] not in answer.text
    assert made["token"] not in str(answer.headers)
    assert made["token"] not in log(service)


@pytest.mark.parametrize("body", BODIES)
async def test_neither_the_response_nor_the_log_repeats_a_token_in_any_part_of_a_body(
    service: Pair, http: httpx.AsyncClient, made: dict[str, str], body: str
) -> None:
    answer = await http.post("/api/temporary-address", content=body.format(**made))

    assert answer.status_code == 400
    assert made["token"] not in answer.text
    assert made["token"] not in log(service)


async def test_an_internal_error_logs_no_token(service: Pair, http: httpx.AsyncClient, made: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {made['token']}"}
    with psycopg.connect(service.database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE mailbox RENAME TO elsewhere")
        try:
            answer = await http.get(
                "/api/inbox/poll", params={"address": made["address"], "access_token": made["token"]}, headers=headers
            )
        finally:
            connection.execute("ALTER TABLE elsewhere RENAME TO mailbox")

    assert answer.status_code == 500
    assert made["token"] not in answer.text
    assert '"call_failed"' in log(service)
    assert made["token"] not in log(service)
    assert made["address"] not in log(service)
