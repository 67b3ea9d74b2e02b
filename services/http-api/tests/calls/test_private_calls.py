"""Every call about a private mailbox, without its token: answered exactly as about one that does not exist."""

import json
import uuid

import httpx
import msgspec
import psycopg
import pytest
from support.harness import DOMAINS, Pair, arrival

from fake_email.storage import mailboxes, role_mailboxes, store

# Of any two answers, whatever they say.
CHANGING = {"date", "ratelimit-remaining", "ratelimit-reset"}
CALL = tuple[str, str, dict[str, int] | None]
BOXES: list[CALL] = [
    ("GET", "/api/inbox?address={address}", None),
    ("PATCH", "/api/inbox?address={address}", {"ttl_seconds": 60}),
    ("PATCH", "/api/inbox?address={address}", {"ttl_seconds": 1}),
    ("DELETE", "/api/inbox?address={address}", None),
    ("GET", "/api/inbox/poll?address={address}", None),
    ("GET", "/api/inbox/poll?address={address}&wait=60", None),
    ("GET", "/api/inbox/poll?address={address}&before=9&since=0&limit=1", None),
    ("GET", "/api/inbox/poll?address={address}&before=9&wait=1", None),
    ("GET", "/api/inbox/stream?address={address}", None),
    ("GET", "/api/inbox/stream?address={address}&since=0", None),
    ("GET", "/api/inbox/wait?address={address}&timeout=1", None),
    ("GET", "/api/inbox/wait?address={address}&timeout=120&expect=none", None),
    ("GET", "/api/inbox/wait?address={address}&text=/x/&has=code", None),
    ("GET", "/api/inbox/wait?address={address}&text=/(/", None),
    ("HEAD", "/api/inbox?address={address}", None),
    ("HEAD", "/api/inbox/wait?address={address}", None),
]
MESSAGES: list[CALL] = [
    ("GET", "/api/messages/{id}", None),
    ("HEAD", "/api/messages/{id}", None),
    ("PATCH", "/api/messages/{id}", {"seen": True}),
    ("PATCH", "/api/messages/{id}", {"seen": 1}),
    ("DELETE", "/api/messages/{id}", None),
    ("GET", "/api/messages/{id}/source", None),
    ("GET", "/api/messages/{id}/attachments/0", None),
    ("GET", "/api/messages/{id}/attachments/7", None),
    ("HEAD", "/api/messages/{id}/attachments/0", None),
]
CONTENT = b"Content-Type: image/png\r\nContent-Disposition: attachment\r\n\r\nx\r\n"


class Mine(msgspec.Struct, frozen=True):
    """A private mailbox, and a message in it."""

    address: str
    token: str
    id: str


async def private(pair: Pair, http: httpx.AsyncClient) -> Mine:
    made = (await http.post("/api/temporary-address", json={"private": True})).json()
    token = made["token"]
    return Mine(made["temp_email_addr"], token, await put_message(pair, made["temp_email_addr"]))


async def put_message(pair: Pair, address: str) -> str:
    """Commit a message to it; its id."""
    async with await psycopg.AsyncConnection.connect(pair.database_url, autocommit=True) as connection:
        [recipient] = (await mailboxes.find_recipients(connection, [address])).values()
        arriving = arrival(CONTENT + uuid.uuid4().bytes, recipient.mailbox_id)
        await store.store_messages(connection, [arriving])
    return str(arriving.deliveries[0].id)


async def everything(
    http: httpx.AsyncClient, method: str, path: str, body: object, **headers: str
) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that an answer says, but for the moment when it says so."""
    content = None if body is None else json.dumps(body).encode()
    answer = await http.request(method, path, content=content, headers=headers)
    kept = [each for each in answer.headers.multi_items() if each[0] not in CHANGING]
    return answer.status_code, kept, answer.content


async def headers(http: httpx.AsyncClient, kind: str) -> dict[str, str]:
    """What somebody sends who has no token, none that opens anything, or that of another mailbox."""
    if kind == "another":
        made = (await http.post("/api/temporary-address", json={"private": True})).json()
        return {"Authorization": f"Bearer {made['token']}"}
    more = {"known": {"If-None-Match": "*"}, "range": {"Range": "bytes=9-"}, "plain": {"Accept": "text/plain"}}
    return {"wrong": {"Authorization": "Bearer wrong"}}.get(kind) or more.get(kind, {})


@pytest.mark.parametrize("kind", ["none", "wrong", "another", "plain"])
@pytest.mark.parametrize(("method", "path", "body"), BOXES)
async def test_without_its_token_a_private_mailbox_is_as_one_that_was_never_made(
    pair: Pair, http: httpx.AsyncClient, method: str, path: str, body: object, kind: str
) -> None:
    mine = await private(pair, http)
    sent = await headers(http, kind)
    missing = f"{uuid.uuid4().hex[:16]}@{DOMAINS[0]}"

    told = await everything(http, method, path.format(address=mine.address), body, **sent)

    assert told[0] in (400, 404, 406)
    assert told == await everything(http, method, path.format(address=missing), body, **sent)


@pytest.mark.parametrize("kind", ["none", "wrong", "another", "known", "range"])
@pytest.mark.parametrize(("method", "path", "body"), MESSAGES)
async def test_without_its_token_a_message_is_as_one_that_never_came(
    pair: Pair, http: httpx.AsyncClient, method: str, path: str, body: object, kind: str
) -> None:
    mine = await private(pair, http)
    sent = await headers(http, kind)

    told = await everything(http, method, path.format(id=mine.id), body, **sent)

    assert told[0] in (400, 404, 406)
    assert told == await everything(http, method, path.format(id=uuid.uuid4()), body, **sent)


@pytest.mark.parametrize("kind", ["none", "wrong"])
async def test_the_operators_mailboxes_are_as_ones_that_were_never_made(
    pair: Pair, http: httpx.AsyncClient, kind: str
) -> None:
    async with await psycopg.AsyncConnection.connect(pair.database_url, autocommit=True) as connection:
        await role_mailboxes.create(connection, DOMAINS)
    sent = await headers(http, kind)
    message_id = await put_message(pair, f"postmaster@{DOMAINS[0]}")

    for method, path, body in BOXES:
        told = await everything(http, method, path.format(address=f"postmaster@{DOMAINS[0]}"), body, **sent)
        assert told == await everything(http, method, path.format(address=f"missing@{DOMAINS[0]}"), body, **sent)
    for method, path, body in MESSAGES:
        told = await everything(http, method, path.format(id=message_id), body, **sent)
        assert told == await everything(http, method, path.format(id=uuid.uuid4()), body, **sent)


async def test_with_its_token_all_of_it_is_there_after_all_that_was_tried_without(
    pair: Pair, http: httpx.AsyncClient
) -> None:
    mine = await private(pair, http)
    for method, path, body in BOXES + MESSAGES:
        await everything(http, method, path.format(address=mine.address, id=mine.id), body)

    token = {"Authorization": f"Bearer {mine.token}"}
    known = (await http.get("/api/inbox", params={"address": mine.address}, headers=token)).json()
    shown = await http.get(f"/api/messages/{mine.id}", headers=token)
    file = await http.get(f"/api/messages/{mine.id}/attachments/0", headers=token)
    marked = await http.patch(f"/api/messages/{mine.id}", json={"seen": True}, headers=token)
    deleted = await http.delete(f"/api/messages/{mine.id}", headers=token)

    assert (known["message_count"], known["unseen_count"]) == (1, 1)
    assert [each.status_code for each in (shown, file, marked, deleted)] == [200, 200, 200, 204]


async def test_a_token_in_the_query_opens_no_message(pair: Pair, http: httpx.AsyncClient) -> None:
    mine = await private(pair, http)

    answer = await http.get(f"/api/messages/{mine.id}", params={"access_token": mine.token})

    assert answer.status_code == 404
