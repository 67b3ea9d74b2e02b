"""POST /api/tickets: what a ticket opens, for how long, and what is refused."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import psycopg
import pytest
from support.calls import MAILBOX_CALLS, MESSAGE_CALLS, Known, answer, make_known
from support.harness import Pair, running_http
from support.http_client import client, problem

from fake_email.postgres.pool import open_database
from fake_email.storage import purge


@pytest.fixture
async def mine(pair: Pair) -> Known:
    return await make_known(pair.database_url, is_private=True)


async def make(http: httpx.AsyncClient, *known: Known, **fields: object) -> httpx.Response:
    mailboxes = [{"address": each.address} | ({"token": each.token} if each.token else {}) for each in known]
    return await http.post("/api/tickets", json={"mailboxes": mailboxes} | fields)


async def ticket(http: httpx.AsyncClient, *known: Known) -> str:
    made = await make(http, *known)
    assert made.status_code == 201, made.text
    value: str = made.json()["ticket"]
    return value


@pytest.mark.parametrize("call", MAILBOX_CALLS + MESSAGE_CALLS, ids=str)
async def test_a_ticket_opens_every_get_of_its_mailbox_and_no_other_method(
    http: httpx.AsyncClient, mine: Known, call: object
) -> None:
    assert isinstance(call, type(MAILBOX_CALLS[0]))
    opens = await ticket(http, mine)

    told = await answer(http, call.about_known(mine).with_query(f"ticket={opens}"))

    if call.method == "GET":
        assert told.status_code == call.status
    else:  # a parameter that these calls do not have
        assert (told.status_code, problem(told)["field"]) == (400, "ticket")


async def test_a_ticket_opens_several_mailboxes_and_none_beside_them(
    pair: Pair, http: httpx.AsyncClient, mine: Known
) -> None:
    other, stranger = [await make_known(pair.database_url, is_private=True) for _ in range(2)]
    open_one = await make_known(pair.database_url)
    opens = await ticket(http, mine, other, open_one)

    for known, status in ((mine, 200), (other, 200), (open_one, 200), (stranger, 404)):
        polled = await http.get("/api/inbox/poll", params={"address": known.address, "ticket": opens})
        shown = await http.get(f"/api/messages/{known.message_ids[0]}", params={"ticket": opens})
        assert (polled.status_code, shown.status_code) == (status, status)


@pytest.mark.parametrize("path", ["/api/inbox", "/api/inbox/poll", "/api/inbox/timeline", "/api/inbox/wait"])
async def test_a_ticket_beside_an_address_that_is_none_is_told_so(http: httpx.AsyncClient, path: str) -> None:
    for address in ("a\0b@mail.example.org", "\0", "nobody", "a@"):
        told = await http.get(path, params={"address": address, "ticket": "unknown"})

        assert (told.status_code, problem(told)["field"]) == (400, "address"), (address, told.text)


async def test_a_wrong_ticket_is_as_no_ticket(pair: Pair, http: httpx.AsyncClient, mine: Known) -> None:
    open_one = await make_known(pair.database_url)

    private = await http.get("/api/inbox", params={"address": mine.address, "ticket": "wrong"})
    without = await http.get("/api/inbox", params={"address": mine.address})
    public = await http.get("/api/inbox", params={"address": open_one.address, "ticket": "wrong"})

    assert (private.status_code, private.text) == (404, without.text)
    assert public.status_code == 200


@pytest.mark.parametrize("flaw", ["wrong token", "no token", "no mailbox"])
async def test_no_ticket_is_made_when_one_of_the_mailboxes_cannot_be_read(
    pair: Pair, http: httpx.AsyncClient, mine: Known, flaw: str
) -> None:
    good = await make_known(pair.database_url)
    bad = {
        "wrong token": Known(mine.address, "wrong", ()),
        "no token": Known(mine.address, "", ()),
        "no mailbox": Known("nobody@mx.test", "wrong", ()),
    }[flaw]

    told = await make(http, good, bad)

    assert (told.status_code, problem(told)["code"]) == (404, "mailbox_not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "mailboxes"),
        ({"mailboxes": []}, "mailboxes"),
        ({"mailboxes": [{"address": "a@mx.test"}] * 51}, "mailboxes"),
        ({"mailboxes": [{"address": "nobody"}]}, "address"),
        ({"mailboxes": [{"address": "a@mx.test"}], "ttl_seconds": 59}, "ttl_seconds"),
        ({"mailboxes": [{"address": "a@mx.test"}], "ttl_seconds": "60"}, "ttl_seconds"),
        ({"mailboxes": [{"address": "a@mx.test"}], "more": 1}, "more"),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(http: httpx.AsyncClient, body: object, field: str) -> None:
    told = await http.post("/api/tickets", json=body)
    assert told.status_code == 400
    assert field in str(problem(told)["error"])


async def test_a_ticket_ends_with_the_first_of_its_mailboxes(pair: Pair, http: httpx.AsyncClient, mine: Known) -> None:
    short = await make_known(pair.database_url)
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE mailbox SET expires_at = now() + interval '5 minutes' WHERE address = %s", [short.address]
        )

    made = await make(http, mine, short, ttl_seconds=3_600)
    mailbox = (await http.get("/api/inbox", params={"address": short.address})).json()

    assert made.json()["expires_at"] == mailbox["expires_at"]


async def test_an_expired_ticket_opens_nothing_and_is_purged(pair: Pair, http: httpx.AsyncClient, mine: Known) -> None:
    opens = await ticket(http, mine)
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute("UPDATE ticket SET expires_at = now()")
        told = await http.get("/api/inbox", params={"address": mine.address, "ticket": opens})
        async with open_database(pair.database_url, connections=1) as database:
            await purge.delete_all(database)
        left = connection.execute("SELECT count(*) FROM ticket WHERE expires_at <= now()").fetchone()

    assert told.status_code == 404
    assert left == (0,)


async def test_a_ticket_is_kept_as_its_hash_alone(pair: Pair, http: httpx.AsyncClient, mine: Known) -> None:
    opens = await ticket(http, mine)
    with psycopg.connect(pair.database_url) as connection:
        kept = connection.execute("SELECT ticket::text FROM ticket").fetchall()
    assert all(opens not in row and opens.encode().hex() not in row for (row,) in kept)


@pytest.fixture
def limited(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with running_http(
        pair.database_url, tmp_path_factory.mktemp("tickets"), FAILED_TOKENS_PER_MINUTE="4", LOG_LEVEL="debug"
    ) as service:
        yield service


@pytest.fixture
async def limited_http(limited: Pair) -> AsyncIterator[httpx.AsyncClient]:
    async with client(limited.http_url) as http:
        yield http


async def test_each_wrong_token_in_a_request_counts_and_no_ticket_is_logged(
    limited: Pair, limited_http: httpx.AsyncClient, mine: Known
) -> None:
    opens = await ticket(limited_http, mine)
    wrong = [Known(mine.address, f"wrong{number}", ()) for number in range(3)]

    first = await make(limited_http, *wrong)
    second = await make(limited_http, *wrong)
    polled = await asyncio.gather(
        *(limited_http.get("/api/inbox", params={"address": mine.address, "ticket": opens}) for _ in range(2))
    )

    assert (first.status_code, first.headers["ratelimit-remaining"]) == (404, "1")
    assert second.status_code == 429
    assert {each.status_code for each in polled} == {429}
    assert opens not in limited.services[0].log.read_text()
