"""Without the token, each call about a private mailbox responds exactly as for a mailbox that does not exist."""

import uuid

import httpx
import psycopg
import pytest
from support import calls
from support.calls import CONTENT, MAILBOX_CALLS, MESSAGE_CALLS, Call, heads, make_known
from support.database import incoming_message
from support.harness import DOMAINS, Pair
from support.http_client import problem

from fake_email.storage import recipients, role_mailboxes, store

# The fields that differ between any two responses.
CHANGING = {"date", "ratelimit-remaining", "ratelimit-reset"}
BOXES = [
    *MAILBOX_CALLS,
    *heads(MAILBOX_CALLS),
    Call("PATCH", "/api/inbox?address={address}", body={"ttl_seconds": 1}),
    Call("GET", "/api/inbox/poll?address={address}&wait=60"),
    Call("GET", "/api/inbox/poll?address={address}&before=9&since=0&limit=1"),
    Call("GET", "/api/inbox/poll?address={address}&before=9&wait=1"),
    Call("GET", "/api/inbox/stream?address={address}&since=0"),
    Call("GET", "/api/inbox/wait?address={address}&timeout=120&expect=none"),
    Call("GET", "/api/inbox/wait?address={address}&text=/x/&has=code"),
    Call("GET", "/api/inbox/wait?address={address}&text=/(/"),
]
MESSAGES = [
    *MESSAGE_CALLS,
    *heads(MESSAGE_CALLS),
    Call("PATCH", "/api/messages/{message_id}", body={"seen": 1}),
    Call("GET", "/api/messages/{message_id}/attachments/7"),
]


async def put_message(pair: Pair, address: str) -> str:
    """Store a message in the mailbox and return its id."""
    async with await psycopg.AsyncConnection.connect(pair.database_url, autocommit=True) as connection:
        [recipient] = (await recipients.find(connection, [address])).values()
        arriving = incoming_message(CONTENT + uuid.uuid4().bytes, recipient.mailbox_id)
        await store.store_messages(connection, [arriving])
    return str(arriving.deliveries[0].id)


async def everything(http: httpx.AsyncClient, call: Call, **headers: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """The status, the header and the content of a response, without the fields that always differ."""
    answer = await calls.answer(http, call, **headers)
    kept = [each for each in answer.headers.multi_items() if each[0] not in CHANGING]
    return answer.status_code, kept, answer.content


async def headers(http: httpx.AsyncClient, kind: str) -> dict[str, str]:
    """The header fields of a client with no token, a wrong one, or that of another mailbox."""
    if kind == "another":
        made = (await http.post("/api/temporary-address", json={"private": True})).json()
        return {"Authorization": f"Bearer {made['token']}"}
    more = {"known": {"If-None-Match": "*"}, "range": {"Range": "bytes=9-"}, "plain": {"Accept": "text/plain"}}
    return {"wrong": {"Authorization": "Bearer wrong"}}.get(kind) or more.get(kind, {})


@pytest.mark.parametrize("kind", ["none", "wrong", "another", "plain"])
@pytest.mark.parametrize("call", BOXES, ids=str)
async def test_without_its_token_a_private_mailbox_looks_like_one_that_does_not_exist(
    pair: Pair, http: httpx.AsyncClient, call: Call, kind: str
) -> None:
    mine = await make_known(pair.database_url, is_private=True)
    sent = await headers(http, kind)
    missing = f"{uuid.uuid4().hex[:16]}@{DOMAINS[0]}"

    told = await everything(http, call.about_known(mine), **sent)

    assert told[0] in (400, 404, 406)
    assert told == await everything(http, call.about(missing), **sent)


@pytest.mark.parametrize("kind", ["none", "wrong", "another", "known", "range"])
@pytest.mark.parametrize("call", MESSAGES, ids=str)
async def test_without_its_token_a_message_looks_like_one_that_does_not_exist(
    pair: Pair, http: httpx.AsyncClient, call: Call, kind: str
) -> None:
    mine = await make_known(pair.database_url, is_private=True)
    sent = await headers(http, kind)

    told = await everything(http, call.about_known(mine), **sent)

    assert told[0] in (400, 404, 406)
    assert told == await everything(http, call.about(message_id=str(uuid.uuid4())), **sent)


@pytest.mark.parametrize("is_message", [False, True], ids=["mailbox", "message"])
async def test_one_sentence_names_all_causes_of_a_response_without_the_mailbox_or_message(
    pair: Pair, http: httpx.AsyncClient, *, is_message: bool
) -> None:
    mine = await make_known(pair.database_url, is_private=True)
    expired = await make_known(pair.database_url)
    with psycopg.connect(pair.database_url) as connection:
        connection.execute("UPDATE mailbox SET expires_at = now() WHERE address = %s", [expired.address])
    if is_message:
        paths = [f"/api/messages/{each}" for each in (mine.message_ids[0], expired.message_ids[0], uuid.uuid4())]
    else:
        paths = [f"/api/inbox?address={each}" for each in (mine.address, expired.address, f"missing@{DOMAINS[0]}")]

    answers = [await http.get(path) for path in paths]

    [sentence] = {str(problem(answer)["error"]) for answer in answers}
    assert {answer.status_code for answer in answers} == {404}
    assert all(cause in sentence for cause in ("never existed", "expired", "private and the token is missing or wrong"))


@pytest.mark.parametrize("kind", ["none", "wrong"])
async def test_without_their_token_the_operators_mailboxes_look_like_ones_that_do_not_exist(
    pair: Pair, http: httpx.AsyncClient, kind: str
) -> None:
    async with await psycopg.AsyncConnection.connect(pair.database_url, autocommit=True) as connection:
        await role_mailboxes.create(connection, DOMAINS)
    sent = await headers(http, kind)
    message_id = await put_message(pair, f"postmaster@{DOMAINS[0]}")

    for call in BOXES:
        told = await everything(http, call.about(f"postmaster@{DOMAINS[0]}"), **sent)
        assert told == await everything(http, call.about(f"missing@{DOMAINS[0]}"), **sent)
    for call in MESSAGES:
        told = await everything(http, call.about(message_id=message_id), **sent)
        assert told == await everything(http, call.about(message_id=str(uuid.uuid4())), **sent)


async def test_calls_without_the_token_change_nothing(pair: Pair, http: httpx.AsyncClient) -> None:
    mine = await make_known(pair.database_url, is_private=True)
    for call in BOXES + MESSAGES:
        await everything(http, call.about_known(mine))

    token = {"Authorization": f"Bearer {mine.token}"}
    known = (await http.get("/api/inbox", params={"address": mine.address}, headers=token)).json()
    message = f"/api/messages/{mine.message_ids[-1]}"
    shown = await http.get(message, headers=token)
    file = await http.get(f"{message}/attachments/0", headers=token)
    marked = await http.patch(message, json={"seen": True}, headers=token)
    deleted = await http.delete(message, headers=token)

    assert (known["message_count"], known["unseen_count"]) == (2, 2)
    assert [each.status_code for each in (shown, file, marked, deleted)] == [200, 200, 200, 204]


async def test_a_message_does_not_accept_a_token_in_the_query(pair: Pair, http: httpx.AsyncClient) -> None:
    mine = await make_known(pair.database_url, is_private=True)

    answer = await http.get(f"/api/messages/{mine.message_ids[-1]}", params={"access_token": mine.token})

    assert (answer.status_code, problem(answer)["field"]) == (400, "access_token")
