"""POST /api/temporary-address: the mailboxes that it creates, and the requests that it refuses."""

import datetime
import hashlib
import re
from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest
from support.harness import DOMAINS, Pair
from support.http_client import problem

TAIL = r"[a-z2-7]{8}"
ALL_RANDOM = r"[a-z2-7]{16}"
DAY = datetime.timedelta(days=1)


async def create(http: httpx.AsyncClient, **wanted: object) -> dict[str, str]:
    answer = await http.post("/api/temporary-address", json=wanted)
    assert answer.status_code == 200, answer.text
    made: dict[str, str] = answer.json()
    return made


async def local_part(http: httpx.AsyncClient, username: str | None) -> str:
    made = await create(http, username=username)
    return made["temp_email_addr"].partition("@")[0]


def lifetime(pair: Pair, made: dict[str, str]) -> datetime.timedelta:
    """The time from creation to expiry in the row of the mailbox; its end must be the `expires_at` of the response."""
    with psycopg.connect(pair.environ["DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT created_at, expires_at FROM mailbox WHERE address = %s", [made["temp_email_addr"]]
        ).fetchone()
    assert row
    assert datetime.datetime.fromisoformat(made["expires_at"]) == row[1]
    span: datetime.timedelta = row[1] - row[0]
    return span


@pytest.mark.parametrize(
    ("username", "name"),
    [
        ("alice", "alice"),
        ("Alice", "alice"),
        ("alice.smith+news", "alicesmithnews"),
        ("agent 007", "agent007"),
        ("J\u00fcrgen M\u00fc\u00dfig", "jurgenmuig"),
        ("a" * 19 + "bc", "a" * 19 + "b"),
        ("\U0001f600x\U0001f600", "x"),
        ("\u2460\uff22", "1b"),  # a circled digit, a wide letter
        ('<b>@"\r\n\x00', "b"),
    ],
)
async def test_a_name_has_the_letters_and_digits_of_the_username_and_a_random_tail(
    http: httpx.AsyncClient, username: str, name: str
) -> None:
    assert re.fullmatch(name + TAIL, await local_part(http, username))


@pytest.mark.parametrize("username", [None, "", " ", "...", "\U0001f600", "\u5f20\u4f1f", "\x00"])
async def test_without_a_usable_letter_or_digit_the_whole_name_is_random(
    http: httpx.AsyncClient, username: str | None
) -> None:
    assert re.fullmatch(ALL_RANDOM, await local_part(http, username))


@pytest.mark.parametrize("username", [None, "alice"])
async def test_the_same_request_gets_a_new_address_each_time(http: httpx.AsyncClient, username: str | None) -> None:
    names = {await local_part(http, username) for _ in range(20)}

    assert len(names) == 20


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"username": null}', b'\t{ "username" :\r\nnull } \n'])
async def test_every_option_may_be_left_out(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post("/api/temporary-address", content=body)

    assert answer.status_code == 200
    assert answer.json().keys() == {"temp_email_addr", "expires_at"}


@pytest.mark.parametrize("content_type", ["application/json", "text/plain;charset=UTF-8", "text/html", ";;;", None])
async def test_a_body_is_read_as_json_whatever_its_content_type(
    http: httpx.AsyncClient, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    answer = await http.post("/api/temporary-address", content=b'{"username": "alice"}', headers=headers)

    assert answer.json()["temp_email_addr"].startswith("alice")


async def test_the_first_domain_is_the_default(http: httpx.AsyncClient) -> None:
    made = await create(http)

    assert made["temp_email_addr"].endswith(f"@{DOMAINS[0]}")


@pytest.mark.parametrize("domain", [DOMAINS[0], DOMAINS[1], DOMAINS[1].upper()])
async def test_another_domain_can_be_chosen_in_upper_or_lower_case(http: httpx.AsyncClient, domain: str) -> None:
    made = await create(http, domain=domain)

    assert made["temp_email_addr"].endswith(f"@{domain.lower()}")


async def test_a_mailbox_lives_for_a_day_by_default(pair: Pair, http: httpx.AsyncClient) -> None:
    made = await create(http)

    assert lifetime(pair, made) == DAY


@pytest.mark.parametrize("seconds", [60, 3_600, 604_800])
async def test_a_mailbox_lives_for_its_ttl_seconds(pair: Pair, http: httpx.AsyncClient, seconds: int) -> None:
    made = await create(http, ttl_seconds=seconds)

    assert lifetime(pair, made) == datetime.timedelta(seconds=seconds)


async def test_times_are_rfc_3339_in_utc_with_microseconds(http: httpx.AsyncClient) -> None:
    made = await create(http)

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", made["expires_at"])


async def test_each_private_mailbox_has_its_own_token(http: httpx.AsyncClient) -> None:
    first, second = await create(http, private=True), await create(http, private=True)

    assert re.fullmatch(r"[\w-]{32,}", first["token"])
    assert first["token"] != second["token"]


async def test_only_the_hash_of_a_token_is_stored(pair: Pair, http: httpx.AsyncClient) -> None:
    made = await create(http, private=True)

    with psycopg.connect(pair.environ["DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT token_sha256, strpos(mailbox::text, %s) FROM mailbox WHERE address = %s",
            [made["token"], made["temp_email_addr"]],
        ).fetchone()
    assert row == (hashlib.sha256(made["token"].encode()).digest(), 0)


async def test_an_open_mailbox_has_no_token(pair: Pair, http: httpx.AsyncClient) -> None:
    made = await create(http, private=False)

    with psycopg.connect(pair.environ["DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT token_sha256 FROM mailbox WHERE address = %s", [made["temp_email_addr"]]
        ).fetchone()
    assert "token" not in made
    assert row == (None,)


async def test_a_response_that_may_have_a_token_is_not_cached(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/temporary-address", json={"private": True})

    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", 1),
        ("username", True),
        ("username", ["alice"]),
        ("domain", 1),
        ("domain", {}),
        ("domain", "nowhere.test"),
        ("domain", ""),
        ("domain", "mx.test."),
        ("domain", " mx.test"),
        ("domain", "\x00"),
        ("private", "yes"),
        ("private", None),
        ("private", []),
        ("ttl_seconds", 59),
        ("ttl_seconds", 604_801),
        ("ttl_seconds", 0),
        ("ttl_seconds", -60),
        ("ttl_seconds", 10**100),
        ("ttl_seconds", 60.5),
        ("ttl_seconds", True),
        ("ttl_seconds", "an hour"),
        ("ttl_seconds", []),
        ("user_name", "alice"),
        ("<b>", None),
    ],
)
async def test_a_field_with_an_invalid_value_is_named(http: httpx.AsyncClient, field: str, value: object) -> None:
    answer = await http.post("/api/temporary-address", json={field: value})

    members = problem(answer)
    assert (answer.status_code, members["code"], members["field"]) == (400, "bad_input", field)
    assert str(members["error"]).startswith(f"{field}: ")


async def test_an_unknown_domain_is_refused_with_the_list_of_domains(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/temporary-address", json={"domain": "nowhere.test"})

    assert problem(answer)["error"] == "domain: 'nowhere.test' is none of the domains here: mx.test, other.test."


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{}}",
        b"{'username': null}",
        b'{"username": "alice",}',
        b'{"ttl_seconds": NaN}',
        b'{"ttl_seconds": 1e999}',
        b'{"username": "\\ud800"}',
        b'{"username": "\xff"}',
        b"\xef\xbb\xbf{}",
        b"\x00",
        b" ",
        b"[]",
        b'"alice"',
        b"7",
        b"true",
        b"username=alice",
        b"\x81\xa8username\xa5alice",
        "{}".encode("utf-16"),
    ],
)
async def test_a_body_that_is_not_a_json_object_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post("/api/temporary-address", content=body)

    members = problem(answer)
    assert (answer.status_code, members["code"], members["field"]) == (400, "bad_input", "body")


@pytest.mark.parametrize("body", [b"[" * 10_000, b'{"username": ' + b"[" * 8_000 + b"]" * 8_000 + b"}"])
async def test_a_deeply_nested_body_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post("/api/temporary-address", content=body)

    assert (answer.status_code, problem(answer)["code"]) == (400, "bad_input")


async def test_a_body_of_16_kib_is_accepted(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/temporary-address", content=b"{}".ljust(16_384))

    assert answer.status_code == 200


async def test_a_larger_body_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/temporary-address", content=b"{}".ljust(16_385))

    members = problem(answer)
    assert (answer.status_code, members["code"], members["field"]) == (413, "body_too_large", "body")
    assert members["error"] == "The body is larger than 16 KiB."


async def test_a_larger_body_without_a_content_length_is_refused_too(http: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 4_096

    answer = await http.post("/api/temporary-address", content=chunks())

    assert (answer.status_code, problem(answer)["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("wish", "field"),
    [({"ttl_seconds": "60"}, "ttl_seconds"), ({"private": 1}, "private"), ({"private": "true"}, "private")],
)
async def test_a_value_of_another_type_is_refused_even_if_it_could_be_converted(
    http: httpx.AsyncClient, wish: dict[str, object], field: str
) -> None:
    answer = await http.post("/api/temporary-address", json=wish)

    assert answer.status_code == 400
    assert answer.json()["field"] == field
