"""GET /api/inbox/poll with `before`: a mailbox read backwards, page by page."""

import httpx
import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair
from support.http_client import problem


@pytest.fixture
async def address(pair: Pair) -> str:
    """A mailbox with messages 1 to 10."""
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, *(message(str(number)) for number in range(1, 11)))
    return address


async def page(http: httpx.AsyncClient, address: str, **parameters: str) -> dict[str, object]:
    answer = await http.get("/api/inbox/poll", params={"address": address, **parameters})
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    return body


async def seqs(http: httpx.AsyncClient, address: str, **parameters: str) -> list[int]:
    messages = (await page(http, address, **parameters))["messages"]
    assert isinstance(messages, list)
    return [each["seq"] for each in messages]


async def back(http: httpx.AsyncClient, address: str, **parameters: str) -> list[list[int]]:
    """All pages, from that of the newest message backwards."""
    pages: list[list[int]] = []
    before: object = "9223372036854775807"
    while before is not None:
        assert len(pages) < 20
        turned = await page(http, address, before=str(before), **parameters)
        assert isinstance(turned["messages"], list)
        pages.append([each["seq"] for each in turned["messages"]])
        before = turned.get("next_before")
    return pages


def delete(pair: Pair, address: str, *numbers: int) -> None:
    with psycopg.connect(pair.database_url) as connection:
        connection.execute(
            "DELETE FROM message USING mailbox WHERE mailbox.id = mailbox_id AND address = %s AND seq = ANY(%s)",
            [address, list(numbers)],
        )


async def test_before_lists_the_last_messages_before_it_oldest_first(http: httpx.AsyncClient, address: str) -> None:
    assert await seqs(http, address, before="8", limit="3") == [5, 6, 7]


@pytest.mark.parametrize(
    ("before", "found"), [("1", []), ("0", []), ("2", [1]), ("11", [8, 9, 10]), ("99", [8, 9, 10])]
)
async def test_before_may_be_a_position_without_a_message(
    http: httpx.AsyncClient, address: str, before: str, found: list[int]
) -> None:
    assert await seqs(http, address, before=before, limit="3") == found


@pytest.mark.parametrize("limit", ["1", "3", "5", "10", "100"])
async def test_all_pages_together_have_every_message_once(http: httpx.AsyncClient, address: str, limit: str) -> None:
    pages = await back(http, address, limit=limit)

    assert [seq for each in reversed(pages) for seq in each] == [*range(1, 11)]
    assert all(len(each) <= int(limit) for each in pages)


async def test_deleted_messages_do_not_shorten_a_page(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    delete(pair, address, 1, 4, 5, 6, 9)

    assert await back(http, address, limit="2") == [[8, 10], [3, 7], [2]]


async def test_pages_end_at_since(http: httpx.AsyncClient, address: str) -> None:
    assert await back(http, address, limit="3", since="3") == [[8, 9, 10], [5, 6, 7], [4]]
    assert await seqs(http, address, since="8", before="5") == []


async def test_before_may_be_a_time(http: httpx.AsyncClient, address: str) -> None:
    listed = (await page(http, address))["messages"]
    assert isinstance(listed, list)

    assert await seqs(http, address, before=listed[7]["received_at"], limit="3") == [5, 6, 7]
    assert await seqs(http, address, before=listed[7]["received_at"], since=listed[4]["received_at"]) == [6, 7]


async def test_only_a_page_with_before_has_next_before(http: httpx.AsyncClient, address: str) -> None:
    assert "next_before" not in await page(http, address, limit="3")
    assert (await page(http, address, limit="3", before="8"))["next_before"] == 5
    assert "next_before" not in await page(http, address, limit="3", before="3")


async def test_wait_and_before_exclude_each_other(http: httpx.AsyncClient, address: str) -> None:
    answer = await http.get("/api/inbox/poll", params={"address": address, "before": "1", "wait": "1"})

    members = problem(answer)
    assert (answer.status_code, members["code"], members["field"]) == (400, "bad_input", "wait")


@pytest.mark.parametrize("before", ["", "-1", "yesterday", "9" * 30])
async def test_an_invalid_before_is_refused(http: httpx.AsyncClient, address: str, before: str) -> None:
    answer = await http.get("/api/inbox/poll", params={"address": address, "before": before})

    assert (answer.status_code, problem(answer)["field"]) == (400, "before")
