"""GET /api/inbox/wait: wait for a message that meets all clauses, and return it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import msgspec
import psycopg
import pytest
from support.content import message
from support.database import incoming_message, is_waited_for, locked, make_mailbox, store
from support.harness import Pair
from support.http_client import client, problem
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, until

from fake_email.parsed_message import Code, Link
from fake_email.storage import mailboxes
from fake_email.storage import store as storage_store


@pytest.fixture
async def address(pair: Pair) -> str:
    return make_mailbox(pair.database_url)


async def wait(http: httpx.AsyncClient, address: str, **parameters: str | list[str]) -> httpx.Response:
    query: dict[str, str | list[str]] = {"address": address, "timeout": "20"}
    return await http.get("/api/inbox/wait", params=query | parameters)


async def subject(http: httpx.AsyncClient, address: str, **parameters: str | list[str]) -> object:
    """The subject of the message that a wait returns."""
    answer = await wait(http, address, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["subject"]


def code(value: str) -> Code:
    return Code(value=value, confidence=0.9, evidence=f"Your code is {value}.", source="text")


async def store_with(
    pair: Pair, address: str, content: bytes, *, codes: tuple[Code, ...] = (), links: tuple[Link, ...] = ()
) -> None:
    """Store a message with these codes and links."""
    async with await psycopg.AsyncConnection.connect(pair.database_url, autocommit=True) as connection:
        mailbox = await mailboxes.fetch(connection, address=address, token_sha256=None)
        arriving = incoming_message(content, mailbox.id)
        parsed = msgspec.structs.replace(arriving.parsed, codes=codes, links=links)
        await storage_store.store_messages(connection, [msgspec.structs.replace(arriving, parsed=parsed)])


@contextlib.asynccontextmanager
async def waiting(
    http: httpx.AsyncClient, address: str, **parameters: str
) -> AsyncIterator[asyncio.Task[httpx.Response]]:
    """A wait that has certainly begun: a later wait, of one second, has already ended."""
    task = asyncio.create_task(wait(http, address, **parameters))
    await wait(http, address, timeout="1")
    try:
        yield task
    finally:
        task.cancel()


async def test_a_message_that_is_there_already_is_returned_at_once_and_whole(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    await store(pair.database_url, address, message("a"), message("b"))

    async with asyncio.timeout(15):
        answer = await wait(http, address)

    shown = (await http.get(f"/api/messages/{answer.json()['id']}")).json()
    assert answer.status_code == 200
    assert answer.json() == shown
    assert shown["subject"] == "a"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_message_that_arrives_is_returned(
    http: httpx.AsyncClient, smtp: SmtpClient, pair: Pair, address: str
) -> None:
    async with waiting(http, address) as answer:
        await smtp.deliver(message("new"), address)

        assert (await answer).json()["subject"] == "new"


async def test_a_message_that_does_not_match_is_passed_over(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    await store(pair.database_url, address, message("old"))
    async with waiting(http, address, subject="this") as answer:
        await store(pair.database_url, address, message("other"), message("and this"))

        assert (await answer).json()["subject"] == "and this"


async def test_since_is_a_seq_or_a_time(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    await store(pair.database_url, address, message("a"), message("b"), message("c"))
    listed = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]

    assert await subject(http, address) == "a"
    assert await subject(http, address, since="0") == "a"
    assert await subject(http, address, since="1") == "b"
    assert await subject(http, address, since=listed[1]["received_at"]) == "c"


async def test_a_message_committed_between_the_first_read_and_the_wait_is_not_missed(
    pair: Pair, http: httpx.AsyncClient
) -> None:
    addresses = [make_mailbox(pair.database_url) for _ in range(60)]
    async with await psycopg.AsyncConnection.connect(pair.database_url, autocommit=True) as connection:
        ids = [(await mailboxes.fetch(connection, address=each, token_sha256=None)).id for each in addresses]

        async def send() -> None:
            for mailbox_id in ids:
                await storage_store.store_messages(
                    connection, [incoming_message(message(f"for {mailbox_id}"), mailbox_id)]
                )

        sending = asyncio.create_task(send())
        subjects = await asyncio.gather(*(subject(http, each) for each in addresses))
        await sending

    assert subjects == [f"for {mailbox_id}" for mailbox_id in ids]


async def test_of_many_waiting_calls_each_gets_its_own_message(pair: Pair, address: str) -> None:
    numbers = range(40)
    async with client(pair.http_url) as http:
        answers = [asyncio.create_task(subject(http, address, subject=f"number {n}.")) for n in numbers]
        await store(pair.database_url, address, *(message(f"number {number}.") for number in numbers))

        assert await asyncio.gather(*answers) == [f"number {number}." for number in numbers]


async def test_a_message_that_commits_late_is_found(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    with locked(pair.database_url, address) as connection:
        answer = asyncio.create_task(subject(http, address))
        storing = asyncio.create_task(store(pair.database_url, address, message("late")))
        await until(lambda: is_waited_for(connection))
        connection.rollback()

        assert await answer == "late"
        await storing


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "WRITER@client"},
        {"from": "/^writer@/"},
        {"subject": "gr\u00dc\u00dfe"},
        {"subject": "/^gr.{2}e$/"},
        {"text": "over THERE"},
        {"text": "/number [0-9]{3}/"},
        {"has": "attachment"},
        {"from": "writer", "subject": "/gr/", "text": "there", "has": "attachment"},
    ],
)
async def test_each_clause_finds_the_message(
    pair: Pair, http: httpx.AsyncClient, address: str, asked: dict[str, str]
) -> None:
    content = (
        b"From: Writer <writer@client.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\nNumber 123, over there.\r\n"
        b"--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--\r\n"
    )
    other = b"From: other@author.test\r\nSubject: Other\r\n\r\nNothing.\r\n"
    await store(pair.database_url, address, other, content)

    answer = await wait(http, address, **asked)

    assert (answer.status_code, answer.json()["seq"]) == (200, 2)


async def test_has_requires_everything_that_it_names(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    link = Link(url="https://x.test/v", text="Verify", kind="verify")
    await store_with(pair, address, message("code"), codes=(code("111111"),))
    await store_with(pair, address, message("link"), links=(link,))
    await store_with(pair, address, message("both"), codes=(code("222222"),), links=(link,))

    assert await subject(http, address, has="code") == "code"
    assert await subject(http, address, has="link") == "link"
    assert await subject(http, address, has=["code", "link"]) == "both"


async def test_a_text_is_searched_to_its_end(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    lines = "\r\n".join(["x" * 70] * 12_000)
    await store(pair.database_url, address, *(message(str(n), f"{lines} end {n}.") for n in range(3)))

    assert await subject(http, address, text="end 2.") == "2"


async def test_a_full_mailbox_is_searched_completely_even_with_a_short_timeout(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    await store(pair.database_url, address, *(message(str(number), f"text {number}.") for number in range(500)))

    answers = await asyncio.gather(*(wait(http, address, text="/ 499\\./", timeout="1") for _ in range(10)))

    assert [answer.json().get("subject") for answer in answers] == ["499"] * 10


async def test_after_the_timeout_the_response_has_the_near_misses_and_their_failed_clauses(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    await store(pair.database_url, address, message("before"), message("there", "me"))
    async with waiting(http, address, since="1", subject="THIS", text="/me/", has="code", timeout="2") as task:
        await store(pair.database_url, address, message("this"))
        answer = await task

    listed = (await http.get("/api/inbox/poll", params={"address": address, "since": "1"})).json()["messages"]
    members = problem(answer)
    assert (answer.status_code, members["code"]) == (404, "no_match")
    assert members["near_misses"] == [
        {name: each[name] for name in ("id", "seq", "from_addr", "subject", "received_at")} | {"failed": failed}
        for each, failed in zip(listed, (["subject", "has=code"], ["has=code", "text"]), strict=True)
    ]


async def test_the_response_has_the_last_20_near_misses(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    await store(pair.database_url, address, *(message(str(number)) for number in range(45)))

    answer = await wait(http, address, subject="none", timeout="1")

    assert [each["seq"] for each in answer.json()["near_misses"]] == [*range(26, 46)]


async def test_without_messages_there_are_no_near_misses(http: httpx.AsyncClient, address: str) -> None:
    answer = await wait(http, address, timeout="1")

    assert (answer.status_code, problem(answer)["near_misses"]) == (404, [])


async def test_with_expect_none_a_timeout_without_a_match_succeeds(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    await store(pair.database_url, address, message("other"))

    answer = await wait(http, address, expect="none", subject="this", timeout="1")

    assert (answer.status_code, answer.content) == (204, b"")


async def test_with_expect_none_a_message_that_matches_is_a_conflict(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    async with waiting(http, address, expect="none", subject="this") as task:
        await store(pair.database_url, address, message("this"))
        answer = await task

    members = problem(answer)
    assert (answer.status_code, members["code"]) == (409, "unexpected_message")
    assert isinstance(members["message"], dict)
    assert members["message"] == (await http.get(f"/api/messages/{members['message']['id']}")).json()


async def plain(http: httpx.AsyncClient, address: str, **parameters: str | list[str]) -> httpx.Response:
    query: dict[str, str | list[str]] = {"address": address, "timeout": "1"}
    return await http.get("/api/inbox/wait", params=query | parameters, headers={"Accept": "text/plain"})


async def test_a_repeated_has_is_one_clause(http: httpx.AsyncClient, pair: Pair, address: str) -> None:
    await store(pair.database_url, address, message("no code"))

    answer = await wait(http, address, has=["code", "link"] * 2_000, timeout="1")

    [near_miss] = answer.json()["near_misses"]
    assert near_miss["failed"] == ["has=code", "has=link"]


@pytest.mark.parametrize("asked", [{"has": "code"}, {}, {"has": ["link", "code"]}])
async def test_the_plain_text_response_is_the_best_code_alone(
    pair: Pair, http: httpx.AsyncClient, address: str, asked: dict[str, str | list[str]]
) -> None:
    link = Link(url="https://x.test/v", text="Verify", kind="verify")
    await store(pair.database_url, address, message("nothing in it"))
    await store_with(pair, address, message("code"), codes=(code("AB-123"), code("999999")), links=(link,))

    answer = await plain(http, address, **asked)

    assert (answer.status_code, answer.text) == (200, "AB-123")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


async def test_the_plain_text_response_with_has_link_is_the_best_link_alone(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    links = (
        Link(url="https://x.test/u", text="Unsubscribe", kind="unsubscribe"),
        Link(url="https://x.test/o", text="Home", kind="other"),
        Link(url="https://x.test/r?a=1&b=2", text="Reset", kind="reset"),
        Link(url="https://x.test/r2", text="Reset", kind="reset"),
    )
    await store_with(pair, address, message("link"), links=links)

    answer = await plain(http, address, has="link")

    assert (answer.status_code, answer.text) == (200, "https://x.test/r?a=1&b=2")


async def test_for_plain_text_a_message_without_a_code_is_a_near_miss(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    await store(pair.database_url, address, message("nothing in it"))

    answer = await plain(http, address)

    [near_miss] = answer.json()["near_misses"]
    assert (answer.status_code, problem(answer)["code"]) == (404, "no_match")
    assert near_miss["failed"] == ["has=code"]


async def test_with_expect_none_plain_text_requires_no_code(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    await store(pair.database_url, address, message("nothing in it"))

    answer = await plain(http, address, expect="none")

    assert (answer.status_code, problem(answer)["code"]) == (409, "unexpected_message")


@pytest.mark.parametrize(
    ("accept", "is_plain"),
    [
        ("text/plain", True),
        ("Text/Plain; charset=utf-8", True),
        ("text/*", True),
        ("text/plain, application/json;q=0.5", True),
        ("application/json;q=0.1, text/plain;q=0.2", True),
        ("text/plain, */*;q=0.1", True),
        ("*/*", False),
        ("", False),
        ("application/json", False),
        ("text/plain, application/json", False),
        ("text/plain;q=0.5, application/json", False),
        ("text/plain;q=0, */*", False),
        ("text/html", False),
    ],
)
async def test_the_response_is_plain_text_if_the_client_prefers_it_to_json(
    pair: Pair, http: httpx.AsyncClient, address: str, accept: str, is_plain: bool
) -> None:
    await store_with(pair, address, message("code"), codes=(code("123456"),))

    answer = await http.get("/api/inbox/wait", params={"address": address}, headers={"Accept": accept})

    assert answer.status_code == 200
    assert (answer.text == "123456") is is_plain


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("from", "/(/"),
        ("subject", "/[/"),
        ("text", "/(?:.{1,50}){1,20}zz/"),
        ("text", "x" * 501),
        ("has", "colour"),
        ("has", ""),
        ("expect", "nothing"),
        ("timeout", "0"),
        ("timeout", "0.9"),
        ("timeout", "121"),
        ("timeout", "nan"),
        ("timeout", "inf"),
        ("timeout", "soon"),
        ("since", "yesterday"),
        ("address", "ann"),
    ],
)
async def test_an_invalid_parameter_is_named(http: httpx.AsyncClient, address: str, field: str, value: str) -> None:
    answer = await http.get("/api/inbox/wait", params={"address": address, field: value})

    members = problem(answer)
    assert (answer.status_code, members["code"], members["field"]) == (400, "bad_input", field)
    assert str(members["error"]).startswith(f"{field}: ")


async def test_a_mailbox_that_expires_meanwhile_ends_the_wait(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url, "2 seconds")

    async with asyncio.timeout(DEADLINE_SECONDS):
        waited = wait(http, address, timeout="120")
        polled = http.get("/api/inbox/poll", params={"address": address, "wait": "60"})
        answers = await asyncio.gather(waited, polled)

    assert [(answer.status_code, problem(answer)["code"]) for answer in answers] == [(404, "mailbox_not_found")] * 2


@pytest.mark.parametrize("path", ["/api/inbox/wait?timeout=120", "/api/inbox/poll?wait=60"])
async def test_a_mailbox_that_is_deleted_meanwhile_ends_the_wait(
    http: httpx.AsyncClient, address: str, path: str
) -> None:
    task = asyncio.create_task(http.get(f"{path}&address={address}"))
    await wait(http, address, timeout="1")

    await http.delete("/api/inbox", params={"address": address})

    async with asyncio.timeout(DEADLINE_SECONDS):
        answer = await task
    assert (answer.status_code, problem(answer)["code"]) == (404, "mailbox_not_found")


async def test_a_deleted_message_does_not_match(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    await store(pair.database_url, address, message("a"), message("b"))
    [first, _] = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]
    await http.delete(f"/api/messages/{first['id']}")

    assert await subject(http, address) == "b"


async def test_a_wait_at_a_private_mailbox_needs_its_token(
    pair: Pair, http: httpx.AsyncClient, smtp: SmtpClient
) -> None:
    made = (await http.post("/api/temporary-address", json={"private": True})).json()
    await smtp.deliver(message("secret"), made["temp_email_addr"])

    answer = await http.get(
        "/api/inbox/wait",
        params={"address": made["temp_email_addr"]},
        headers={"Authorization": f"Bearer {made['token']}"},
    )

    assert answer.json()["subject"] == "secret"


async def test_an_expensive_search_delays_neither_calls_nor_waits(pair: Pair, address: str) -> None:
    hard = make_mailbox(pair.database_url)
    await store(pair.database_url, hard, *(message(str(n), "\r\n".join(["a" * 998] * 260)) for n in range(20)))
    async with contextlib.AsyncExitStack() as stack:
        hostile, other = [await stack.enter_async_context(client(pair.http_url)) for _ in range(2)]
        hostile.headers["X-Forwarded-For"] = "198.51.100.77"
        searches = [
            asyncio.create_task(wait(hostile, hard, text=f"/((a{{0,30}}){{0,20}})b{number}/", timeout="60"))
            for number in range(50)
        ]
        await store(pair.database_url, address, message("here"))

        for number in range(20):
            await store(pair.database_url, address, message(f"plain {number}"))
            assert await subject(hostile, address, subject=f"plain {number}") == f"plain {number}"
            assert await subject(other, address, subject=f"/^plain {number}$/") == f"plain {number}"

        assert not any(search.done() for search in searches)
        for search in searches:
            search.cancel()
