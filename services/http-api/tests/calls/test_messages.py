"""GET, PATCH and DELETE /api/inbox/messages: list, search, mark and delete many messages of a mailbox."""

import httpx
import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair
from support.http_client import problem


@pytest.fixture
async def address(pair: Pair) -> str:
    """A mailbox with the messages m1 to m5, in this order; m2 and m4 have a code."""
    made = make_mailbox(pair.database_url)
    bodies = ("Hello there.", "Your code is 482913.", "Gr\u00fc\u00dfe aus Berlin.", "Your code is 771204.", "Bye.")
    contents = [message(f"m{number}", body) for number, body in enumerate(bodies, 1)]
    await store(pair.database_url, made, *contents)
    return made


async def listed(http: httpx.AsyncClient, address: str, **parameters: str | int) -> list[str]:
    """The subjects of a page."""
    answer = await http.get("/api/inbox/messages", params={"address": address, **parameters})
    assert answer.status_code == 200, answer.text
    return [each["subject"] for each in answer.json()["messages"]]


@pytest.mark.parametrize("query", ["", "smaller:1M"])  # which all messages meet
@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("limit", [1, 2, 5, 100])
async def test_pages_go_through_all_messages_once_in_either_order(
    http: httpx.AsyncClient, address: str, order: str, limit: int, query: str
) -> None:
    subjects: list[str] = []
    parameters: dict[str, str | int] = {"address": address, "order": order, "limit": limit, "query": query}
    while True:
        page = (await http.get("/api/inbox/messages", params=parameters)).json()
        assert 0 < len(page["messages"]) <= limit
        subjects += [each["subject"] for each in page["messages"]]
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]

    assert subjects == (["m1", "m2", "m3", "m4", "m5"] if order == "oldest" else ["m5", "m4", "m3", "m2", "m1"])


async def test_a_listed_message_has_a_preview_and_no_text(http: httpx.AsyncClient, address: str) -> None:
    answer = await http.get("/api/inbox/messages", params={"address": address, "query": "code:482913"})

    [shown] = answer.json()["messages"]
    assert shown["preview"] == "Your code is 482913."
    assert shown["codes"][0]["value"] == "482913"
    assert "body_text" not in shown


async def test_an_empty_mailbox_has_an_empty_page(pair: Pair, http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/inbox/messages", params={"address": make_mailbox(pair.database_url)})
    assert answer.json() == {"messages": [], "next_cursor": None}


_LINKS = "\r\n".join(f"https://example.com/{number}/{'x' * 900}" for number in range(250))
_PEOPLE = ",".join(f"{'n' * 60} <p{number}@example.com>" for number in range(100))
_WITH_PEOPLE = [
    f"Subject: m{number}\r\nFrom: {_PEOPLE}\r\nTo: {_PEOPLE}\r\nCc: {_PEOPLE}\r\nReply-To: {_PEOPLE}\r\n\r\nx".encode()
    for number in range(60)
]


@pytest.mark.parametrize(
    "contents",
    [
        [message(f"m{number}", _LINKS) for number in range(12)],
        _WITH_PEOPLE,
    ],
    ids=["links", "people"],
)
async def test_a_page_ends_early_when_its_messages_are_large(
    pair: Pair, http: httpx.AsyncClient, contents: list[bytes]
) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, *contents)

    parameters: dict[str, str | int] = {"address": address, "order": "oldest", "limit": 100}
    subjects: list[str] = []
    pages = 0
    while True:
        answer = await http.get("/api/inbox/messages", params=parameters)
        assert len(answer.content) < 1_048_576
        pages += 1
        subjects += [each["subject"] for each in answer.json()["messages"]]
        if answer.json()["next_cursor"] is None:
            break
        parameters["cursor"] = answer.json()["next_cursor"]

    assert pages > 1
    assert subjects == [f"m{number}" for number in range(len(contents))]


async def test_many_messages_of_a_wait_with_many_people_are_bounded(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, *_WITH_PEOPLE)

    answer = await http.get("/api/inbox/wait", params={"address": address, "count": len(_WITH_PEOPLE)})

    assert len(answer.content) < 1_310_720
    assert len(answer.json()["messages"]) < len(_WITH_PEOPLE)


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("code", ["m2", "m4"]),
        ("has:code", ["m2", "m4"]),
        ("-has:code", ["m1", "m3", "m5"]),
        ('"your code" -771204', ["m2"]),
        ("gr\u00fcsse", ["m3"]),
        ("subject:m1", ["m1"]),
        ("from:writer@client.test bye", ["m5"]),
        ("to:@mx.test subject:m5", ["m5"]),
        (r"/[0-9]{6}/", ["m2", "m4"]),
        (r"-/[0-9]{6}/ -bye", ["m1", "m3"]),
        ("code:771204", ["m4"]),
        ("is:unread", ["m1", "m2", "m3", "m4", "m5"]),
        ("is:read", []),
        ("larger:1M", []),
        ("smaller:1M subject:m3", ["m3"]),
        ("after:2020-01-01 before:2021-01-01", []),
    ],
)
async def test_a_search_finds_the_messages_that_meet_all_terms(
    http: httpx.AsyncClient, address: str, query: str, subjects: list[str]
) -> None:
    assert await listed(http, address, query=query, order="oldest") == subjects


async def test_a_wait_takes_the_same_search(http: httpx.AsyncClient, address: str) -> None:
    answer = await http.get("/api/inbox/wait", params={"address": address, "query": "has:code -482913"})
    assert answer.json()["subject"] == "m4"

    missed = await http.get("/api/inbox/wait", params={"address": address, "query": "invoice m1", "timeout": 1})
    assert missed.json()["near_misses"][0]["failed"] == ["invoice"]


async def test_many_messages_are_marked_and_deleted_at_once(http: httpx.AsyncClient, address: str) -> None:
    parameters = {"address": address}

    marked = await http.patch("/api/inbox/messages", params=parameters | {"query": "has:code"}, json={"seen": True})
    again = await http.patch("/api/inbox/messages", params=parameters, json={"seen": True})
    deleted = await http.delete("/api/inbox/messages", params=parameters | {"query": "is:read m4"})
    left = await listed(http, address)
    everything = await http.delete("/api/inbox/messages", params=parameters)
    mailbox = (await http.get("/api/inbox", params=parameters)).json()

    assert (marked.json(), again.json()) == ({"changed": 2}, {"changed": 3})
    assert (deleted.json(), left) == ({"deleted": 1}, ["m5", "m3", "m2", "m1"])
    assert everything.json() == {"deleted": 4}
    assert (mailbox["message_count"], mailbox["stored_octets"], mailbox["changes"]) == (0, 0, 10)


async def test_open_streams_hear_of_each_mark_and_deletion(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    async with http.stream("GET", "/api/inbox/stream", params={"address": address}) as stream:
        lines = stream.aiter_lines()
        while await anext(lines) != "id: 5":
            pass
        await http.patch("/api/inbox/messages", params={"address": address, "query": "m1"}, json={"seen": True})
        await http.delete("/api/inbox/messages", params={"address": address, "query": "m2"})

        events: list[tuple[str, str]] = []
        while len(events) < 2:
            line = await anext(lines)
            if line in {"event: seen", "event: deleted"}:
                events.append((line, await anext(lines)))

    assert events[0][0] == "event: seen"
    assert '"seq":1,"seen":true' in events[0][1]
    assert events[1][0] == "event: deleted"
    assert '"seq":2' in events[1][1]


async def test_one_message_that_is_marked_is_a_change_only_when_its_flag_changes(
    http: httpx.AsyncClient, address: str
) -> None:
    found = (await http.get("/api/inbox/messages", params={"address": address, "limit": 1})).json()["messages"][0]

    for seen in (True, True, False):
        answer = await http.patch(f"/api/messages/{found['id']}", json={"seen": seen})
        assert answer.json() == {"seen": seen}

    assert (await http.get("/api/inbox", params={"address": address})).json()["changes"] == 2


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"query": "has:atachment"}, "query"),
        ({"query": "code:\0"}, "query"),
        ({"query": "/(/"}, "query"),
        ({"cursor": "next"}, "cursor"),
    ],
)
async def test_a_wrong_search_is_refused(
    http: httpx.AsyncClient, address: str, parameters: dict[str, str], field: str
) -> None:
    answer = await http.get("/api/inbox/messages", params={"address": address} | parameters)
    assert (answer.status_code, problem(answer)["field"]) == (400, field)


async def test_a_mailbox_that_expires_during_the_call_loses_nothing_to_it(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute("UPDATE mailbox SET expires_at = now() WHERE address = %s", [address])
        answer = await http.delete("/api/inbox/messages", params={"address": address})
        [(count,)] = connection.execute("SELECT count(*) FROM message").fetchall()
    assert answer.status_code == 404
    assert count >= 5
