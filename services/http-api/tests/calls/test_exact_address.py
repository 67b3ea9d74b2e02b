"""POST /api/temporary-address with `exact`, and with INBOX_ACCESS=private."""

import asyncio
import uuid
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from support.content import message
from support.harness import DOMAINS, Pair, running_http
from support.http_client import client, problem
from support.smtp_client import SmtpClient


async def ask(http: httpx.AsyncClient, username: object, **more: object) -> httpx.Response:
    wish = {"username": username, "private": True, "exact": True} | more
    return await http.post("/api/temporary-address", json=wish)


def name(start: str = "") -> str:
    """A name that nobody has."""
    return f"{start}{uuid.uuid4().hex}"[:40]


@pytest.fixture(scope="module")
def all_private(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Another http-api on the pair's database, with INBOX_ACCESS=private."""
    with running_http(pair.database_url, tmp_path_factory.mktemp("private"), INBOX_ACCESS="private") as service:
        yield service


async def test_an_exact_name_is_given_unchanged(http: httpx.AsyncClient) -> None:
    wanted = name("ann.b_c-")

    answer = await ask(http, wanted, domain=DOMAINS[1])

    assert answer.status_code == 200
    assert answer.json()["temp_email_addr"] == f"{wanted}@{DOMAINS[1]}"
    assert len(answer.json()["token"]) >= 22  # 128 bits in base 64


@pytest.mark.parametrize(
    "username",
    ["abc", "a.b", "---", "___", "_-_", "0x0", "a" * 64, "a." * 31 + "aa", "postmaster1", "my-abuse", "rooter"],
)
async def test_3_to_64_allowed_characters_make_a_name(http: httpx.AsyncClient, username: str) -> None:
    answer = await ask(http, username)

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "username",
    [
        *(None, "", "a", "ab", "a" * 65, "ab\n", "abc\x00"),
        *("Abc", "a b", "a+b", "a@b", "a/b", "\u00e4bc", "\u0430bc", "a\u200bbc", '"abc"'),
        *(".abc", "abc.", "a..b", "..."),
    ],
)
async def test_any_other_name_is_refused_with_the_rule(http: httpx.AsyncClient, username: str | None) -> None:
    answer = await ask(http, username)

    members = problem(answer)
    assert (answer.status_code, members["code"], members["field"]) == (400, "bad_input", "username")
    assert "3 to 64 of a-z, 0-9" in str(members["error"])


@pytest.mark.parametrize(
    "username",
    ["postmaster", "abuse", "admin", "hostmaster", "webmaster", "security", "noreply", "no-reply", "root", "support"],
)
async def test_a_name_of_the_operator_is_reserved(http: httpx.AsyncClient, username: str) -> None:
    answer = await ask(http, username)

    assert (answer.status_code, problem(answer)["code"]) == (409, "address_reserved")


async def test_a_name_is_given_once(http: httpx.AsyncClient) -> None:
    wanted = name()

    first, second = await ask(http, wanted), await ask(http, wanted)

    assert first.status_code == 200
    assert (second.status_code, problem(second)["code"]) == (409, "address_taken")


async def test_of_many_requests_at_once_one_gets_the_name(http: httpx.AsyncClient) -> None:
    wanted = name()

    answers = await asyncio.gather(*(ask(http, wanted) for _ in range(20)))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19


async def test_the_same_name_at_another_domain_is_another_address(http: httpx.AsyncClient) -> None:
    wanted = name()

    answers = [await ask(http, wanted, domain=domain) for domain in DOMAINS]

    assert [answer.status_code for answer in answers] == [200, 200]


async def test_a_name_that_was_made_at_random_is_taken_too(http: httpx.AsyncClient, address: str) -> None:
    answer = await ask(http, address.partition("@")[0])

    assert (answer.status_code, problem(answer)["code"]) == (409, "address_taken")


async def test_the_name_of_an_expired_mailbox_is_not_given_again(pair: Pair, http: httpx.AsyncClient) -> None:
    wanted = name()
    made = (await ask(http, wanted)).json()
    with psycopg.connect(pair.database_url) as connection:
        connection.execute("UPDATE mailbox SET expires_at = now() WHERE address = %s", [made["temp_email_addr"]])

    answer = await ask(http, wanted)

    assert (answer.status_code, problem(answer)["code"]) == (409, "address_taken")


async def test_the_name_of_a_purged_mailbox_is_not_given_again(pair: Pair, http: httpx.AsyncClient) -> None:
    wanted = name()
    with psycopg.connect(pair.database_url) as connection:
        connection.execute(
            "INSERT INTO tombstone (address_sha256) VALUES (sha256(convert_to(%s, 'UTF8')))", [f"{wanted}@{DOMAINS[0]}"]
        )

    answer = await ask(http, wanted)

    assert (answer.status_code, problem(answer)["code"]) == (409, "address_taken")


async def test_an_exact_name_of_which_nothing_else_is_left_is_not_given_again(
    pair: Pair, http: httpx.AsyncClient
) -> None:
    wanted = name()
    made = (await ask(http, wanted)).json()
    with psycopg.connect(pair.database_url) as connection:
        connection.execute("DELETE FROM mailbox WHERE address = %s", [made["temp_email_addr"]])

    answer = await ask(http, wanted)

    assert (answer.status_code, problem(answer)["code"]) == (409, "address_taken")


@pytest.mark.parametrize("more", [{"private": False}, {}])
async def test_only_a_private_mailbox_can_have_an_exact_name(http: httpx.AsyncClient, more: dict[str, object]) -> None:
    answer = await http.post("/api/temporary-address", json={"username": name(), "exact": True} | more)

    members = problem(answer)
    assert (answer.status_code, members["code"], members["field"]) == (400, "bad_input", "exact")


@pytest.mark.parametrize("exact", [None, 1, "true", []])
async def test_exact_is_true_or_false(http: httpx.AsyncClient, exact: object) -> None:
    answer = await ask(http, name(), exact=exact)

    assert (answer.status_code, problem(answer)["field"]) == (400, "exact")


async def test_an_exact_address_gets_mail_and_is_read_with_its_token(http: httpx.AsyncClient, smtp: SmtpClient) -> None:
    made = (await ask(http, name("ann."))).json()

    reply = await smtp.deliver(message("hello"), made["temp_email_addr"])

    answer = await http.get(
        "/api/inbox/poll",
        params={"address": made["temp_email_addr"]},
        headers={"Authorization": f"Bearer {made['token']}"},
    )
    assert reply.code == 250
    assert [each["subject"] for each in answer.json()["messages"]] == ["hello"]


async def test_with_private_access_a_mailbox_is_private_by_default(all_private: Pair) -> None:
    async with client(all_private.http_url) as http:
        made = (await http.post("/api/temporary-address")).json()
        polls = [
            await http.get("/api/inbox/poll", params={"address": made["temp_email_addr"]}, headers=headers)
            for headers in ({}, {"Authorization": f"Bearer {made['token']}"})
        ]

    assert [poll.status_code for poll in polls] == [404, 200]


async def test_with_private_access_an_open_mailbox_is_available_on_request(all_private: Pair) -> None:
    async with client(all_private.http_url) as http:
        made = (await http.post("/api/temporary-address", json={"private": False})).json()
        poll = await http.get("/api/inbox/poll", params={"address": made["temp_email_addr"]})

    assert "token" not in made
    assert poll.status_code == 200


async def test_with_private_access_an_exact_name_does_not_need_private(all_private: Pair) -> None:
    wanted = name()
    async with client(all_private.http_url) as http:
        answer = await http.post("/api/temporary-address", json={"username": wanted, "exact": True})

    assert answer.status_code == 200
    assert answer.json()["temp_email_addr"].startswith(f"{wanted}@")
    assert answer.json()["token"]
