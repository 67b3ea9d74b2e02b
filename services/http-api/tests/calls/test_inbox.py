"""GET, PATCH and DELETE /api/inbox: describe a mailbox, move its expiry, delete it."""

import datetime

import httpx
import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import DOMAINS, Pair
from support.http_client import problem

from fake_email.storage import role_mailboxes

DAY = datetime.timedelta(days=1)


async def look(http: httpx.AsyncClient, address: str, **headers: str) -> dict[str, object]:
    answer = await http.get("/api/inbox", params={"address": address}, headers=headers)
    assert answer.status_code == 200, answer.text
    known: dict[str, object] = answer.json()
    return known


async def prolong(http: httpx.AsyncClient, address: str, body: object, **headers: str) -> httpx.Response:
    return await http.patch("/api/inbox", params={"address": address}, json=body, headers=headers)


async def end(http: httpx.AsyncClient, address: str, **headers: str) -> httpx.Response:
    return await http.delete("/api/inbox", params={"address": address}, headers=headers)


async def private(http: httpx.AsyncClient) -> tuple[str, dict[str, str]]:
    """The address of a new private mailbox, and the header that opens it."""
    made = (await http.post("/api/temporary-address", json={"private": True})).json()
    return made["temp_email_addr"], {"Authorization": f"Bearer {made['token']}"}


async def operators_token(pair: Pair) -> dict[str, str]:
    """The header that opens the operator's mailboxes."""
    async with await psycopg.AsyncConnection.connect(pair.database_url, autocommit=True) as connection:
        await role_mailboxes.create(connection, DOMAINS)
        await role_mailboxes.set_token(connection, DOMAINS, "operator")
    return {"Authorization": "Bearer operator"}


def age(pair: Pair, address: str, *, created: str, lives: str) -> None:
    """Set the age of the mailbox to `created`, and the rest of its life to `lives`."""
    with psycopg.connect(pair.database_url) as connection:
        connection.execute(
            """
                UPDATE mailbox
                SET created_at = now() - %s::interval, expires_at = now() + %s::interval
                WHERE address = %s
            """,
            [created, lives, address],
        )


def time(known: dict[str, object], name: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(str(known[name]))


def now(pair: Pair) -> datetime.datetime:
    """The time of the database, which decides about expiry."""
    with psycopg.connect(pair.database_url) as connection:
        [(moment,)] = connection.execute("SELECT clock_timestamp()").fetchall()
    found: datetime.datetime = moment
    return found


async def test_an_empty_mailbox_is_described_with_its_expiry_and_its_quota(http: httpx.AsyncClient) -> None:
    made = (await http.post("/api/temporary-address", json={"ttl_seconds": 3_600})).json()

    known = await look(http, made["temp_email_addr"])

    assert time(known, "expires_at") - time(known, "created_at") == datetime.timedelta(hours=1)
    assert known == {
        "temp_email_addr": made["temp_email_addr"],
        "private": False,
        "created_at": known["created_at"],
        "expires_at": made["expires_at"],
        "message_count": 0,
        "unseen_count": 0,
        "stored_octets": 0,
        "quota": {"messages": 500, "octets": 104_857_600},
        "last_seq": 0,
        "last_received_at": None,
        "changes": 0,
    }


async def test_a_mailbox_counts_its_messages_and_octets(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message("a"), message("b"))
    listed = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]
    await http.patch(f"/api/messages/{listed[0]['id']}", json={"seen": True})

    known = await look(http, address)

    assert (known["message_count"], known["unseen_count"], known["last_seq"]) == (2, 1, 2)
    assert known["stored_octets"] == len(message("a")) + len(message("b"))
    assert known["last_received_at"] == listed[1]["received_at"]


async def test_last_seq_stays_when_the_newest_message_is_deleted(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message("a"), message("b"))
    listed = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]

    await http.delete(f"/api/messages/{listed[1]['id']}")

    known = await look(http, address)
    assert (known["message_count"], known["last_seq"]) == (1, 2)
    assert known["stored_octets"] == len(message("a"))


async def test_an_address_may_be_in_upper_or_lower_case(http: httpx.AsyncClient, address: str) -> None:
    assert (await look(http, address.upper()))["temp_email_addr"] == address


async def test_a_private_mailbox_is_described_as_private(http: httpx.AsyncClient) -> None:
    address, token = await private(http)

    assert (await look(http, address, **token))["private"] is True


@pytest.mark.parametrize("seconds", [60, 7_200, 6 * 86_400])
async def test_a_new_expiry_counts_from_now(pair: Pair, http: httpx.AsyncClient, address: str, seconds: int) -> None:
    before = now(pair)

    answer = await prolong(http, address, {"ttl_seconds": seconds})

    span = datetime.timedelta(seconds=seconds)
    assert answer.status_code == 200
    assert before + span <= time(answer.json(), "expires_at") <= now(pair) + span
    assert answer.json() == await look(http, address)


async def test_no_mailbox_lives_longer_than_seven_days_from_its_creation(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    age(pair, address, created="6 days", lives="1 hour")

    known = (await prolong(http, address, {"ttl_seconds": 604_800})).json()

    assert time(known, "expires_at") - time(known, "created_at") == 7 * DAY


async def test_an_expiry_within_the_seven_days_is_not_shortened(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    age(pair, address, created="6 days", lives="1 hour")

    known = (await prolong(http, address, {"ttl_seconds": 7_200})).json()

    assert datetime.timedelta(days=6, hours=2) <= time(known, "expires_at") - time(known, "created_at") < 7 * DAY


async def test_a_private_mailbox_gets_a_new_expiry_with_its_token(http: httpx.AsyncClient) -> None:
    address, token = await private(http)

    without = await prolong(http, address, {"ttl_seconds": 60})
    answer = await prolong(http, address, {"ttl_seconds": 60}, **token)

    assert (without.status_code, answer.status_code) == (404, 200)
    assert (await look(http, address, **token))["expires_at"] == answer.json()["expires_at"]


async def test_an_expired_mailbox_does_not_come_back(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    age(pair, address, created="1 hour", lives="0 seconds")

    answer = await prolong(http, address, {"ttl_seconds": 3_600})

    assert (answer.status_code, problem(answer)["code"]) == (404, "mailbox_not_found")
    assert (await http.get("/api/inbox", params={"address": address})).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"ttl_seconds": 59}', "ttl_seconds"),
        (b'{"ttl_seconds": 604801}', "ttl_seconds"),
        (b'{"ttl_seconds": "60"}', "ttl_seconds"),
        (b'{"ttl_seconds": 60.5}', "ttl_seconds"),
        (b'{"ttl_seconds": null}', "ttl_seconds"),
        (b'{"ttl_seconds": true}', "ttl_seconds"),
        (b'{"ttl_seconds": 60, "more": 1}', "more"),
        (b'{"ttl": 60}', "ttl"),
        (b"{}", "ttl_seconds"),
        (b"", "body"),
        (b"null", "body"),
        (b"[]", "body"),
        (b"60", "body"),
        (b"{", "body"),
        (b"\xff", "body"),
        (b"[" * 10_000, "body"),
    ],
)
async def test_a_body_without_a_valid_expiry_is_refused(
    http: httpx.AsyncClient, address: str, body: bytes, field: str
) -> None:
    before = await look(http, address)

    answer = await http.patch("/api/inbox", params={"address": address}, content=body)

    members = problem(answer)
    assert (answer.status_code, members["code"], members["field"]) == (400, "bad_input", field)
    assert await look(http, address) == before


async def test_a_deleted_mailbox_is_gone_with_its_mail_at_once(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message("a"))
    [listed] = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]

    answer = await end(http, address)

    assert (answer.status_code, answer.content) == (204, b"")
    for path in ("/api/inbox", "/api/inbox/poll", "/api/inbox/stream", "/api/inbox/wait"):
        gone = await http.get(path, params={"address": address})
        assert (gone.status_code, problem(gone)["code"]) == (404, "mailbox_not_found")
    for path in ("", "/source", "/attachments/0"):
        gone = await http.get(f"/api/messages/{listed['id']}{path}")
        assert (gone.status_code, problem(gone)["code"]) == (404, "message_not_found")


async def test_a_mailbox_is_deleted_once(http: httpx.AsyncClient, address: str) -> None:
    first, second = await end(http, address), await end(http, address)

    assert (first.status_code, second.status_code) == (204, 404)


async def test_a_private_mailbox_is_deleted_with_its_token(http: httpx.AsyncClient) -> None:
    address, token = await private(http)

    assert (await end(http, address)).status_code == 404
    assert (await look(http, address, **token))["private"] is True
    assert (await end(http, address, **token)).status_code == 204
    assert (await end(http, address, **token)).status_code == 404


async def test_the_address_of_a_deleted_mailbox_is_not_given_out_again(http: httpx.AsyncClient) -> None:
    address, token = await private(http)
    await end(http, address, **token)

    answer = await http.post(
        "/api/temporary-address",
        json={"username": address.partition("@")[0], "private": True, "exact": True},
    )

    assert (answer.status_code, problem(answer)["code"]) == (409, "address_taken")


@pytest.mark.parametrize("name", ["postmaster", "abuse"])
async def test_the_operators_mailboxes_can_be_neither_changed_nor_deleted(
    pair: Pair, http: httpx.AsyncClient, name: str
) -> None:
    token = await operators_token(pair)
    address = f"{name}@{DOMAINS[0]}"

    answers = [await prolong(http, address, {"ttl_seconds": 60}, **token), await end(http, address, **token)]

    assert [(answer.status_code, problem(answer)["code"]) for answer in answers] == [(409, "operators_mailbox")] * 2
    assert time(await look(http, address, **token), "expires_at").year == 9000


async def test_without_their_token_the_operators_mailboxes_are_not_found(pair: Pair, http: httpx.AsyncClient) -> None:
    await operators_token(pair)
    address = f"postmaster@{DOMAINS[0]}"

    answers = [await prolong(http, address, {"ttl_seconds": 60}), await end(http, address)]

    assert [(answer.status_code, problem(answer)["code"]) for answer in answers] == [(404, "mailbox_not_found")] * 2
