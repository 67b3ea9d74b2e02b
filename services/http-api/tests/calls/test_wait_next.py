"""GET /api/inbox/wait for one message after another: the cursor of each response, `unseen`, `since=now` and `count`."""

import asyncio

import httpx
import msgspec
import psycopg
import pytest
from support.content import message
from support.database import incoming_message, make_mailbox, store
from support.harness import Pair
from support.http_client import problem

from fake_email.parsed_message import Code
from fake_email.storage import mailboxes
from fake_email.storage import store as storage_store


@pytest.fixture
async def address(pair: Pair) -> str:
    return make_mailbox(pair.database_url)


async def wait(http: httpx.AsyncClient, address: str, accept: str = "*/*", **parameters: str) -> httpx.Response:
    query = {"address": address, "timeout": "1"} | parameters
    return await http.get("/api/inbox/wait", params=query, headers={"Accept": accept})


def cursor(answer: httpx.Response) -> tuple[str | None, str | None]:
    return answer.headers.get("message-seq"), answer.headers.get("next-since")


async def store_code(pair: Pair, address: str, *values: str) -> None:
    """Store a message with each of these codes."""
    async with await psycopg.AsyncConnection.connect(pair.database_url, autocommit=True) as connection:
        mailbox = await mailboxes.fetch(connection, address=address, token_sha256=None)
        for value in values:
            arriving = incoming_message(message(f"code {value}"), mailbox.id)
            code = Code(value=value, confidence=0.9, evidence=f"Your code is {value}.", source="text")
            parsed = msgspec.structs.replace(arriving.parsed, codes=(code,))
            await storage_store.store_messages(connection, [msgspec.structs.replace(arriving, parsed=parsed)])


async def test_a_resent_code_is_found_from_the_cursor_of_the_first_response(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    await store_code(pair, address, "111111")
    first = await wait(http, address, "text/plain", has="code")
    await store_code(pair, address, "222222")

    second = await wait(http, address, "text/plain", has="code", since=first.headers["next-since"])

    assert (first.text, second.text) == ("111111", "222222")


@pytest.mark.parametrize(
    ("parameters", "accept", "status", "expected"),
    [
        ({}, "*/*", 200, ("1", "1")),
        ({"since": "1"}, "*/*", 200, ("2", "2")),
        ({"subject": "2"}, "text/plain", 200, ("2", "2")),
        ({"count": "2"}, "*/*", 200, ("2", "2")),
        ({"subject": "none"}, "*/*", 404, ("0", "3")),
        ({"subject": "none", "since": "7"}, "*/*", 404, ("0", "7")),
        ({"subject": "none", "since": "9000-01-01T00:00:00Z"}, "*/*", 404, ("0", "3")),
        ({"subject": "none", "expect": "none"}, "*/*", 204, ("0", "3")),
        ({"since": "now", "expect": "none"}, "*/*", 204, ("0", "3")),
        ({"since": "2", "expect": "none"}, "*/*", 409, ("3", "3")),
    ],
)
async def test_each_response_has_the_seq_of_its_message_and_the_next_cursor(
    pair: Pair,
    http: httpx.AsyncClient,
    address: str,
    parameters: dict[str, str],
    accept: str,
    status: int,
    expected: tuple[str, str],
) -> None:
    await store_code(pair, address, "111111", "222222", "333333")

    answer = await wait(http, address, accept, **parameters)

    assert (answer.status_code, cursor(answer)) == (status, expected)


async def test_a_response_about_no_mailbox_has_no_cursor(http: httpx.AsyncClient) -> None:
    answer = await wait(http, "missing@mx.test")

    assert (answer.status_code, cursor(answer)) == (404, (None, None))


async def test_unseen_passes_over_messages_that_are_marked_as_seen(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    await store(pair.database_url, address, message("a"), message("b"))
    first = (await wait(http, address, unseen="true")).json()
    await http.patch(f"/api/messages/{first['id']}", json={"seen": True})

    second = (await wait(http, address, unseen="true")).json()
    nothing = await wait(http, address, unseen="true", since="2")
    seen = problem(await wait(http, address, unseen="true", subject="a"))["near_misses"]

    assert (first["subject"], second["subject"], nothing.status_code) == ("a", "b", 404)
    assert isinstance(seen, list)
    assert [each["failed"] for each in seen] == [["unseen"], ["subject"]]


async def test_since_now_waits_for_a_message_that_comes_later(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    await store(pair.database_url, address, message("old"))
    task = asyncio.create_task(wait(http, address, since="now", timeout="20"))
    # Begun later, and over.
    assert (await wait(http, address, since="now")).status_code == 404

    await store(pair.database_url, address, message("new"))

    assert (await task).json()["subject"] == "new"


async def test_count_returns_the_first_so_many_in_order(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    await store(pair.database_url, address, message("this 1"), message("other"))
    task = asyncio.create_task(wait(http, address, subject="this", count="3", timeout="20"))
    await store(pair.database_url, address, message("this 2"), message("this 3"), message("this 4"))

    answer = (await task).json()

    listed = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]
    assert answer["messages"] == [listed[0], listed[2], listed[3]]
    assert (answer["subject"], answer["text"]) == ("this 1", listed[0]["body_text"])


async def test_count_of_one_has_messages_too_and_no_count_has_none(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    await store(pair.database_url, address, message("a"))

    one, none = [(await wait(http, address, **asked)).json() for asked in ({"count": "1"}, {})]

    assert [each["seq"] for each in one["messages"]] == [1]
    assert "messages" not in none


async def test_the_codes_of_several_messages_stand_on_lines(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    await store_code(pair, address, "111111", "222222", "333333")

    answer = await wait(http, address, "text/plain", count="2")

    assert answer.text == "111111\n222222"


async def test_too_few_messages_are_no_match_and_counted(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    await store(pair.database_url, address, message("this 1"), message("other"), message("this 2"))

    answer = await wait(http, address, subject="this", count="3")

    members = problem(answer)
    assert (answer.status_code, members["code"], members["matched"]) == (404, "no_match", 2)
    assert cursor(answer) == ("0", "3")


@pytest.mark.parametrize("asked", [{"count": "0"}, {"count": "101"}, {"count": "2", "expect": "none"}])
async def test_an_invalid_count_is_refused(http: httpx.AsyncClient, address: str, asked: dict[str, str]) -> None:
    answer = await wait(http, address, **asked)

    assert (answer.status_code, problem(answer)["field"]) == (400, "count")
