"""Lists whose response is kept: each change of the mailbox shows at once, and the token is checked each time."""

from collections.abc import Awaitable, Callable

import httpx
import msgspec
import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import DOMAINS, Pair

from http_api.schemas.message import ListedMessage
from http_api.schemas.summary import SummarizedMessage

LISTS = ["/api/inbox/poll", "/api/inbox/messages"]
# The fields that differ between any two responses.
CHANGING = {"date", "ratelimit-remaining", "ratelimit-reset"}
Change = Callable[[httpx.AsyncClient, Pair, str], Awaitable[object]]


def whole(response: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    header = [each for each in response.headers.multi_items() if each[0] not in CHANGING]
    return response.status_code, header, response.content


async def first_id(http: httpx.AsyncClient, address: str) -> str:
    return str((await http.get("/api/inbox/poll", params={"address": address, "limit": 1})).json()["messages"][0]["id"])


async def arrive(_http: httpx.AsyncClient, pair: Pair, address: str) -> None:
    await store(pair.database_url, address, message("another"))


async def mark(http: httpx.AsyncClient, _pair: Pair, address: str) -> None:
    await http.patch(f"/api/messages/{await first_id(http, address)}", json={"seen": True})


async def delete(http: httpx.AsyncClient, _pair: Pair, address: str) -> None:
    await http.delete(f"/api/messages/{await first_id(http, address)}")


async def mark_all(http: httpx.AsyncClient, _pair: Pair, address: str) -> None:
    await http.patch("/api/inbox/messages", params={"address": address}, json={"seen": True})


async def delete_all(http: httpx.AsyncClient, _pair: Pair, address: str) -> None:
    await http.delete("/api/inbox/messages", params={"address": address})


async def take(http: httpx.AsyncClient, _pair: Pair, address: str) -> None:
    await http.post("/api/inbox/take", params={"address": address})


async def end(http: httpx.AsyncClient, _pair: Pair, address: str) -> None:
    await http.delete("/api/inbox", params={"address": address})


@pytest.fixture
async def filled(pair: Pair) -> str:
    """A mailbox with two messages."""
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message("one"), message("two"))
    return address


def change_behind(pair: Pair, address: str) -> None:
    """Change messages as no statement of the services does, so that kept responses do not show it."""
    with psycopg.connect(pair.database_url) as connection:
        connection.execute(
            "UPDATE message SET subject = 'changed' FROM mailbox WHERE mailbox.id = mailbox_id AND address = %s",
            [address],
        )


@pytest.mark.parametrize("struct", [ListedMessage, SummarizedMessage])
def test_a_list_has_nothing_of_the_verdict_which_is_stored_without_a_new_revision(struct: type[msgspec.Struct]) -> None:
    assert {"authentication", "verdict"}.isdisjoint(struct.__struct_encode_fields__)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", LISTS)
async def test_a_kept_response_is_the_whole_response(
    http: httpx.AsyncClient, pair: Pair, filled: str, path: str, method: str
) -> None:
    first, second = [await http.request(method, path, params={"address": filled}) for _ in range(2)]
    change_behind(pair, filled)

    third = await http.request(method, path, params={"address": filled})
    assert whole(first) == whole(second) == whole(third)
    assert b"changed" in (await http.get(path, params={"address": filled, "limit": 9})).content


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("change", [arrive, mark, delete, mark_all, delete_all, take, end])
async def test_a_change_shows_at_once(
    http: httpx.AsyncClient, pair: Pair, filled: str, path: str, change: Change
) -> None:
    call = {"address": filled, "limit": "50"}
    before = [await http.get(path, params=call) for _ in range(3)]

    await change(http, pair, filled)

    after = await http.get(path, params=call)
    assert before[0].content == before[2].content != after.content
    assert after.content == (await http.get(path, params=call | {"limit": "51"})).content


@pytest.mark.parametrize("path", LISTS)
async def test_an_empty_list_is_kept_until_mail_arrives(
    http: httpx.AsyncClient, pair: Pair, address: str, path: str
) -> None:
    empty = [(await http.get(path, params={"address": address})).json()["messages"] for _ in range(3)]
    await store(pair.database_url, address, message("first"))

    shown = (await http.get(path, params={"address": address})).json()["messages"]
    assert (empty, [each["subject"] for each in shown]) == ([[], [], []], ["first"])


@pytest.mark.parametrize("path", LISTS)
async def test_the_kept_response_of_a_private_mailbox_needs_the_token(http: httpx.AsyncClient, path: str) -> None:
    made = (await http.post("/api/temporary-address", json={"private": True})).json()
    call = {"address": made["temp_email_addr"]}
    mine, wrong = ({"Authorization": f"Bearer {token}"} for token in (made["token"], "wrong"))
    ticket = (await http.post("/api/tickets", json={"mailboxes": [{**call, "token": made["token"]}]})).json()["ticket"]
    headers = [mine, mine, mine, {}, wrong, {}, mine]

    statuses = [(await http.get(path, params=call, headers=each)).status_code for each in headers]
    with_ticket = [(await http.get(path, params=call | {"ticket": each})).status_code for each in (*[ticket] * 3, "no")]

    assert (statuses, with_ticket) == ([200, 200, 200, 404, 404, 404, 200], [200, 200, 200, 404])


@pytest.mark.parametrize("path", LISTS)
async def test_an_expired_mailbox_is_not_found_although_its_response_was_kept(
    http: httpx.AsyncClient, pair: Pair, filled: str, path: str
) -> None:
    for _ in range(2):
        await http.get(path, params={"address": filled})
    with psycopg.connect(pair.database_url) as connection:
        connection.execute("UPDATE mailbox SET expires_at = now() WHERE address = %s", [filled])

    expired = await http.get(path, params={"address": filled})

    missing = await http.get(path, params={"address": f"missing@{DOMAINS[0]}"})
    assert whole(expired) == whole(missing)
