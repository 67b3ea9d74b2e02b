"""One stream for all mailboxes of a ticket: which mailbox each event names, how it resumes, and how it ends."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import msgspec
import psycopg
import pytest
from support.calls import Known, make_known
from support.content import message
from support.database import make_mailbox, store, until_one_waits
from support.harness import Pair, running_http
from support.http_client import client, problem

Event = tuple[str, str, dict[str, object]]


async def make_ticket(http: httpx.AsyncClient, *known: Known) -> str:
    mailboxes = [{"address": each.address} | ({"token": each.token} if each.token else {}) for each in known]
    made = await http.post("/api/tickets", json={"mailboxes": mailboxes})
    assert made.status_code == 201, made.text
    value: str = made.json()["ticket"]
    return value


async def events(answer: httpx.Response) -> AsyncIterator[Event]:
    """The name, the id and the data of each event."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name in {"event", "id", "data"}:
            fields[name] = value
        elif not line:
            if "event" in fields:
                yield fields["event"], fields.get("id", ""), json.loads(fields["data"])
            fields = {}


@asynccontextmanager
async def streaming(http: httpx.AsyncClient, ticket: str, **parameters: str) -> AsyncIterator[AsyncIterator[Event]]:
    async with http.stream("GET", "/api/inbox/stream", params={"ticket": ticket} | parameters) as answer:
        assert answer.status_code == 200
        yield events(answer)


async def take(stream: AsyncIterator[Event], number: int) -> list[Event]:
    return [await anext(stream) for _ in range(number)]


def told(taken: list[Event]) -> list[tuple[str, object, object]]:
    """The name of each event, its mailbox and its seq."""
    return [(name, data["temp_email_addr"], data.get("seq")) for name, _, data in taken]


async def delete(pair: Pair, http: httpx.AsyncClient, known: Known) -> None:
    headers = {"Authorization": f"Bearer {known.token}"} if known.token else {}
    assert (await http.delete("/api/inbox", params={"address": known.address}, headers=headers)).status_code == 204


@pytest.fixture
async def two(pair: Pair) -> tuple[Known, Known]:
    """Two mailboxes, one of them private, with two messages each."""
    return await make_known(pair.database_url), await make_known(pair.database_url, is_private=True)


async def test_each_event_names_its_mailbox(pair: Pair, http: httpx.AsyncClient, two: tuple[Known, Known]) -> None:
    one, _ = two
    async with streaming(http, await make_ticket(http, *two)) as stream:
        stored = await take(stream, 4)
        await store(pair.database_url, one.address, message("new"))
        [arrived] = await take(stream, 1)
        await http.patch(f"/api/messages/{one.message_ids[0]}", json={"seen": True})
        await http.delete(f"/api/messages/{one.message_ids[1]}")
        changes = await take(stream, 2)

    assert sorted(told(stored)) == sorted(("message", each.address, seq) for each in two for seq in (1, 2))
    assert told([arrived]) == [("message", one.address, 3)]
    assert told(changes) == [("seen", one.address, 1), ("deleted", one.address, 2)]
    assert arrived[2]["subject"] == "new"


@pytest.mark.parametrize("read", range(5))
async def test_a_stream_resumes_all_mailboxes_where_it_was_with_another_ticket_too(
    pair: Pair, http: httpx.AsyncClient, two: tuple[Known, Known], read: int
) -> None:
    third = await make_known(pair.database_url)
    async with streaming(http, await make_ticket(http, *two)) as stream:
        before = await take(stream, read)
    position = before[-1][1] if before else ""
    await store(pair.database_url, two[0].address, message("between"))

    ticket = await make_ticket(http, *two, third)
    async with streaming(http, ticket, **({"since": position} if position else {})) as stream:
        after = await take(stream, 4 - read + 1 + 2)

    expected = [("message", each.address, seq) for each in (*two, third) for seq in (1, 2)]
    assert sorted(told(before + after)) == sorted([*expected, ("message", two[0].address, 3)])


async def test_a_stream_since_a_time_resumes_after_it_in_mailboxes_that_had_nothing_to_send(
    pair: Pair, http: httpx.AsyncClient, two: tuple[Known, Known]
) -> None:
    one, other = two[0], await make_known(pair.database_url)
    await store(pair.database_url, other.address, message("the newest in both"))
    listed = await http.get("/api/inbox/messages", params={"address": other.address})
    await store(pair.database_url, one.address, message("later"))
    ticket = await make_ticket(http, one, other)
    async with streaming(http, ticket, since=listed.json()["messages"][0]["received_at"]) as stream:
        before = await take(stream, 1)
    await store(pair.database_url, other.address, message("between"))
    async with streaming(http, ticket, since=before[0][1]) as stream:
        after = await take(stream, 1)

    assert told(before + after) == [("message", one.address, 3), ("message", other.address, 4)]


async def test_a_stream_from_now_on_has_later_mail_alone(
    pair: Pair, http: httpx.AsyncClient, two: tuple[Known, Known]
) -> None:
    async with streaming(http, await make_ticket(http, *two), since="now") as stream:
        await store(pair.database_url, two[0].address, message("new"))
        [arrived] = await take(stream, 1)

    assert told([arrived]) == [("message", two[0].address, 3)]


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("has_ticket", [True, False])
async def test_a_stream_from_now_on_that_is_cut_before_its_first_event_misses_nothing(
    pair: Pair, http: httpx.AsyncClient, *, has_ticket: bool, number: int
) -> None:
    known = await make_known(pair.database_url)
    if not number:
        known = msgspec.structs.replace(known, address=make_mailbox(pair.database_url))
    asked = {"ticket": await make_ticket(http, known)} if has_ticket else {"address": known.address}
    asked["since"] = "now"
    async with http.stream("GET", "/api/inbox/stream", params=asked) as answer:
        lines = answer.aiter_lines()
        beginning = [await anext(lines) for _ in range(3)]
    await store(pair.database_url, known.address, message("between"))
    # As EventSource reads and sends it (HTML Living Standard §9.2.6): an id without data is the last id, and no event.
    again = {"Last-Event-ID": beginning[1].removeprefix("id: ")}
    async with http.stream("GET", "/api/inbox/stream", params=asked, headers=again) as answer:
        name, _, data = await anext(events(answer))

    assert (beginning[0], beginning[2], name, data["seq"]) == ("retry: 1000", "", "message", number + 1)


async def test_a_mailbox_that_ends_is_told_and_the_last_one_ends_the_stream(
    pair: Pair, http: httpx.AsyncClient, two: tuple[Known, Known]
) -> None:
    async with streaming(http, await make_ticket(http, *two), since="now") as stream:
        await delete(pair, http, two[1])
        first = await take(stream, 1)
        await store(pair.database_url, two[0].address, message("still here"))
        still = await take(stream, 1)
        await delete(pair, http, two[0])
        rest = [event async for event in stream]

    assert told(first) == [("gone", two[1].address, None)]
    assert told(still) == [("message", two[0].address, 3)]
    assert told(rest) == [("gone", two[0].address, None)]


async def test_a_mailbox_that_ends_while_it_is_read_is_told_once(
    pair: Pair, http: httpx.AsyncClient, two: tuple[Known, Known]
) -> None:
    one, ending = two
    ids = "SELECT mailbox_id, message.id FROM message JOIN mailbox ON mailbox.id = mailbox_id WHERE address = %s"
    async with (
        streaming(http, await make_ticket(http, *two)) as stream,
        streaming(http, await make_ticket(http, one)) as other,
    ):
        await take(stream, 4)
        await take(other, 2)
        with (
            psycopg.connect(pair.database_url, autocommit=True) as database,
            psycopg.connect(pair.database_url) as locking,
        ):
            ending_id = database.execute(ids, [ending.address]).fetchall()[0][0]
            one_id, message_id = database.execute(ids, [one.address]).fetchall()[0]
            locking.execute("LOCK TABLE mailbox")
            database.execute("SELECT pg_notify('message_stored', %s)", [f"{ending_id}:3"])
            await until_one_waits(database)
            database.execute("SELECT pg_notify('mailbox_gone', %s)", [str(ending_id)])
            database.execute("SELECT pg_notify('message_marked', %s)", [f"{one_id}:1:{message_id}:1"])
            await take(other, 1)  # so the service has heard what came before
            locking.execute("DELETE FROM mailbox WHERE id = %s", [ending_id])
        gone = await take(stream, 2)
        await store(pair.database_url, one.address, message("still here"))
        still = await take(stream, 1)

    assert sorted(told(gone)) == [("gone", ending.address, None), ("seen", one.address, 1)]
    assert told(still) == [("message", one.address, 3)]


async def test_a_mailbox_that_was_deleted_before_is_told_first(
    pair: Pair, http: httpx.AsyncClient, two: tuple[Known, Known]
) -> None:
    third = await make_known(pair.database_url)
    ticket = await make_ticket(http, *two, third)
    async with streaming(http, ticket) as stream:
        position = (await take(stream, 6))[-1][1]
    for each in two:
        await delete(pair, http, each)

    async with streaming(http, ticket, since=position) as stream:
        first = await take(stream, 2)
        await store(pair.database_url, third.address, message("still here"))
        still = await take(stream, 1)
        await delete(pair, http, third)
        rest = [event async for event in stream]

    assert sorted(told(first)) == sorted(("gone", each.address, None) for each in two)
    assert told(still) == [("message", third.address, 3)]
    assert told(rest) == [("gone", third.address, None)]


async def test_a_ticket_without_a_mailbox_that_is_left_is_as_no_ticket(
    pair: Pair, http: httpx.AsyncClient, two: tuple[Known, Known]
) -> None:
    ticket = await make_ticket(http, *two)
    for each in two:
        await delete(pair, http, each)

    whole = await http.get("/api/inbox/stream", params={"ticket": ticket})
    one = await http.get("/api/inbox/stream", params={"ticket": ticket, "address": two[0].address})

    assert [(each.status_code, problem(each)["code"]) for each in (whole, one)] == [(404, "mailbox_not_found")] * 2


async def test_a_ticket_that_a_release_before_made_tells_nothing_of_a_mailbox_that_was_deleted(
    pair: Pair, http: httpx.AsyncClient, two: tuple[Known, Known]
) -> None:
    ticket = await make_ticket(http, *two)
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute("UPDATE ticket SET addresses = NULL")
    await delete(pair, http, two[1])

    async with streaming(http, ticket) as stream:
        stored = await take(stream, 2)

    assert told(stored) == [("message", two[0].address, seq) for seq in (1, 2)]


async def test_a_stream_ends_with_its_ticket(pair: Pair, http: httpx.AsyncClient, two: tuple[Known, Known]) -> None:
    ticket = await make_ticket(http, *two)
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute("UPDATE ticket SET expires_at = now() + interval '2 seconds'")
    async with streaming(http, ticket, since="now") as stream:
        rest = [event async for event in stream]

    assert rest == [("expired", "", {})]


async def test_a_ticket_streams_one_of_its_mailboxes_by_address(
    http: httpx.AsyncClient, two: tuple[Known, Known]
) -> None:
    async with streaming(http, await make_ticket(http, *two), address=two[1].address) as stream:
        stored = await take(stream, 2)

    assert told(stored) == [("message", two[1].address, 1), ("message", two[1].address, 2)]


@pytest.mark.parametrize(
    ("parameters", "status"), [({"ticket": "wrong"}, 404), ({}, 400), ({"ticket": "wrong", "since": "x.y"}, 400)]
)
async def test_without_a_ticket_that_is_valid_there_is_no_stream(
    http: httpx.AsyncClient, parameters: dict[str, str], status: int
) -> None:
    answer = await http.get("/api/inbox/stream", params=parameters)
    assert answer.status_code == status
    assert problem(answer)["code"] == {404: "mailbox_not_found", 400: "bad_input"}[status]


@pytest.fixture
def narrow(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with running_http(
        pair.database_url,
        tmp_path_factory.mktemp("narrow"),
        HTTP_MAX_CLIENT_STREAMS="2",
        TRUSTED_PROXIES="127.0.0.1",
    ) as service:
        yield service


async def test_a_stream_of_fifty_mailboxes_is_one_stream_of_its_client(narrow: Pair) -> None:
    known = [await make_known(narrow.database_url) for _ in range(50)]
    async with client(narrow.http_url) as http:
        http.headers["X-Forwarded-For"] = "198.51.100.7"
        ticket = await make_ticket(http, *known)
        async with streaming(http, ticket) as one, streaming(http, ticket) as other:
            assert len({data["temp_email_addr"] for _, _, data in await take(one, 100)}) == 50
            await anext(other)
            third = await http.get("/api/inbox/stream", params={"ticket": ticket})

    assert (third.status_code, problem(third)["code"]) == (429, "too_many_streams")
