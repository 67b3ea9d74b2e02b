"""POST /api/inbox/take: as wait, and the message is marked as seen, so that each message goes to one caller."""

import asyncio
from urllib.parse import urlsplit

import httpx
import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair
from support.http_client import problem
from support.relay import running_relay


@pytest.fixture
async def address(pair: Pair) -> str:
    return make_mailbox(pair.database_url)


async def take(http: httpx.AsyncClient, address: str, accept: str = "*/*", **parameters: str) -> httpx.Response:
    query = {"address": address, "timeout": "1"} | parameters
    return await http.post("/api/inbox/take", params=query, headers={"Accept": accept})


async def seen(http: httpx.AsyncClient, address: str) -> list[bool]:
    """The flag of each message, oldest first."""
    listed = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]
    return [each["seen"] for each in listed]


async def test_each_call_takes_the_next_message_and_marks_it_as_seen(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    await store(pair.database_url, address, message("a"), message("b"), message("c"))

    answers = [await take(http, address) for _ in range(2)]

    assert [each.json()["subject"] for each in answers] == ["a", "b"]
    assert all(each.json()["seen"] for each in answers)
    assert [each.headers["message-seq"] for each in answers] == ["1", "2"]
    assert await seen(http, address) == [True, True, False]


async def test_calls_at_the_same_time_take_different_messages(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    calls = [asyncio.create_task(take(http, address, timeout="20")) for _ in range(20)]
    await store(pair.database_url, address, *(message(str(number)) for number in range(20)))

    answers = await asyncio.gather(*calls)

    assert sorted(int(each.json()["subject"]) for each in answers) == [*range(20)]


@pytest.mark.parametrize("octets", [0, 600], ids=["nothing", "body"])
async def test_a_message_whose_response_is_cut_is_marked_and_wait_with_since_finds_it(
    pair: Pair, http: httpx.AsyncClient, address: str, octets: int
) -> None:
    await store(pair.database_url, address, message("a"))

    with running_relay(urlsplit(pair.http_url).port or 0) as relay:
        cut = relay.cut_response(octets)
        async with httpx.AsyncClient(base_url=relay.url) as caller:
            with pytest.raises(httpx.RemoteProtocolError):
                await take(caller, address)
    again = [await http.get("/api/inbox/wait", params={"address": address, "since": "0"}) for _ in range(2)]

    assert cut.is_set()
    assert [(each.json()["subject"], each.json()["seen"]) for each in again] == [("a", True)] * 2


async def test_only_the_message_that_matches_is_marked(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    await store(pair.database_url, address, message("other"), message("this"))

    answer = await take(http, address, subject="this")

    assert answer.json()["seq"] == 2
    assert await seen(http, address) == [False, True]


async def test_the_plain_text_is_the_code_alone(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    codes = [message(f"{number}", f"Your code is {number}.") for number in (482913, 482914)]
    await store(pair.database_url, address, *codes)

    answers = [await take(http, address, "text/plain") for _ in codes]

    assert [each.text for each in answers] == ["482913", "482914"]


async def test_without_an_unseen_message_there_is_no_match(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    await store(pair.database_url, address, message("a"))
    await take(http, address)

    answer = await take(http, address)

    members = problem(answer)
    assert (answer.status_code, members["code"]) == (404, "no_match")
    assert isinstance(members["near_misses"], list)
    assert [each["failed"] for each in members["near_misses"]] == [["unseen"]]
    assert answer.headers["next-since"] == "1"


async def test_with_count_so_many_are_taken_together(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    await store(pair.database_url, address, *(message(each) for each in "abcde"))

    taken = await take(http, address, count="2")
    too_few = await take(http, address, count="4")

    assert [each["subject"] for each in taken.json()["messages"]] == ["a", "b"]
    assert all(each["seen"] for each in [taken.json(), *taken.json()["messages"]])
    assert taken.headers["next-since"] == "2"
    assert (too_few.status_code, problem(too_few)["matched"]) == (404, 3)
    assert await seen(http, address) == [True, True, False, False, False]


async def test_calls_with_count_at_the_same_time_share_no_message(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    calls = [asyncio.create_task(take(http, address, count="3", timeout="20")) for _ in range(6)]
    await store(pair.database_url, address, *(message(str(number)) for number in range(18)))

    answers = await asyncio.gather(*calls)

    taken = [int(each["subject"]) for answer in answers for each in answer.json()["messages"]]
    assert sorted(taken) == [*range(18)]


async def test_wait_takes_nothing(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    await store(pair.database_url, address, message("a"))

    await http.get("/api/inbox/wait", params={"address": address, "unseen": "true"})

    assert await seen(http, address) == [False]


@pytest.mark.parametrize(
    ("name", "value"), [("timeout", "0"), ("subject", "/(/"), ("expect", "none"), ("count", "0"), ("unseen", "true")]
)
async def test_an_invalid_parameter_is_named(http: httpx.AsyncClient, address: str, name: str, value: str) -> None:
    answer = await take(http, address, **{name: value})

    assert (answer.status_code, problem(answer)["field"]) == (400, name)
