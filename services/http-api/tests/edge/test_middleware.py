"""The rate limits of one client, as the middleware applies them: real workers, which count together."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import get_args

import httpx
import psutil
import pytest
from support import calls
from support.calls import Call, make_known
from support.database import make_mailbox
from support.harness import Pair, running_http
from support.http_client import client, problem
from support.waiting import DEADLINE_SECONDS

from fake_email.settings import Settings
from http_api.edge.middleware import LIMITED
from http_api.edge.rate_limits import LimitName

CREATIONS = 5
FAILED_TOKENS = 4
CALLS = 300
LISTED = "http://localhost:3000"
# A creation tells what is left of another limit, and a stream, which goes on, tells nothing.
MAKING = {"/api/temporary-address", "/api/tickets"}
COUNTED = [call for call in calls.CALLS if call.path not in MAKING and not call.is_stream]


@pytest.fixture(scope="module")
def service(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two workers on the pair's database, with limits that are soon reached; 127.0.0.1 is their proxy."""
    with running_http(
        pair.database_url,
        tmp_path_factory.mktemp("fair"),
        HTTP_WORKERS="2",
        TRUSTED_PROXIES="127.0.0.1",
        CREATIONS_PER_MINUTE=str(CREATIONS),
        FAILED_TOKENS_PER_MINUTE=str(FAILED_TOKENS),
        CALLS_PER_MINUTE=str(CALLS),
        TICKETS_PER_MINUTE="3",
        CORS_ALLOWED_ORIGINS=LISTED,
    ) as service:
        yield service


@asynccontextmanager
async def calling(service: Pair, forwarded: str | None, peer: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    """A client behind the proxy, or at another address of this host."""
    transport = httpx.AsyncHTTPTransport(local_address=peer, verify=False)
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    async with httpx.AsyncClient(transport=transport, base_url=service.http_url, headers=headers, timeout=30) as http:
        yield http


async def create(http: httpx.AsyncClient, times: int) -> list[int]:
    return [(await http.post("/api/temporary-address", json={})).status_code for _ in range(times)]


async def try_token(http: httpx.AsyncClient, address: str, token: str) -> httpx.Response:
    return await http.get("/api/inbox/poll", params={"address": address}, headers={"Authorization": f"Bearer {token}"})


async def private_mailbox(pair: Pair) -> tuple[str, str]:
    async with client(pair.http_url) as http:
        made = (await http.post("/api/temporary-address", json={"private": True})).json()
    return made["temp_email_addr"], made["token"]


class Connection:
    """A connection that stays open, and so stays with the worker that accepted it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, service: Pair, stack: AsyncExitStack) -> "Connection":
        reader, writer = await asyncio.open_connection("127.0.0.1", int(service.environ["HTTP_PORT"]))
        stack.callback(writer.close)
        return cls(reader, writer)

    async def ask(self, call: str, forwarded: str) -> int:
        """The status of the response."""
        self.writer.write(f"{call} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {forwarded}\r\n\r\n".encode())
        async with asyncio.timeout(DEADLINE_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            await self.reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        return int(head.split(b" ")[1])


def connected(service: Pair) -> list[int]:
    """The number of connections of each worker."""
    workers = psutil.Process(service.services[0].pid).children()
    return [sum(each.status == "ESTABLISHED" for each in worker.net_connections("tcp")) for worker in workers]


async def test_two_workers_together_let_as_many_creations_pass_as_one(service: Pair) -> None:
    async with AsyncExitStack() as stack:
        connections: list[Connection] = []
        async with asyncio.timeout(DEADLINE_SECONDS):
            while min(connected(service)) <= CREATIONS:
                if len(connections) >= 200:  # while a busy machine lets one worker wait
                    await stack.aclose()
                    connections.clear()
                connections += [await Connection.open(service, stack) for _ in range(20)]
                await asyncio.gather(
                    *(each.ask("GET /nowhere", f"2001:db8:{len(connections):x}::") for each in connections)
                )

        statuses = await asyncio.gather(
            *(each.ask("POST /api/temporary-address", "198.51.100.1") for each in connections)
        )

    assert Counter(statuses) == {200: CREATIONS, 429: len(connections) - CREATIONS}


async def test_the_response_past_a_limit_names_the_limit_and_the_time_to_retry(service: Pair) -> None:
    async with calling(service, "198.51.100.2") as http:
        await create(http, CREATIONS)
        answer = await http.post("/api/temporary-address")

    members = problem(answer)
    seconds = int(answer.headers["retry-after"])
    assert (answer.status_code, members["code"]) == (429, "rate_limited")
    assert 1 <= seconds <= 60
    assert members["error"] == f"Within a minute, one client can make 5 mailboxes; try again in {seconds} s."
    assert answer.headers["cache-control"] == "no-store"


async def test_every_creation_shows_how_many_are_left(service: Pair) -> None:
    async with calling(service, "198.51.100.3") as http:
        answers = [await http.post("/api/temporary-address") for _ in range(CREATIONS + 1)]

    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {"5"}
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {"5;w=60"}
    assert all(1 <= int(answer.headers["ratelimit-reset"]) <= 60 for answer in answers)


async def test_any_other_call_shows_how_many_calls_are_left(service: Pair) -> None:
    asked = [*COUNTED, Call("GET", "/nowhere"), Call("GET", "/api/inbox/poll")]
    async with calling(service, "198.51.100.4") as http:
        answers = [await calls.answer(http, call.about_known(await make_known(service.database_url))) for call in asked]

    left = [str(CALLS - number) for number in range(1, len(asked) + 1)]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == left
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {"300;w=60"}


async def test_a_call_that_makes_no_mailbox_does_not_count_as_a_creation(service: Pair) -> None:
    async with calling(service, "198.51.100.5") as http:
        refused = [await http.post("/api/temporary-address", content=b"{") for _ in range(2 * CREATIONS)]
        await http.get("/api/temporary-address")
        await http.options("/api/temporary-address")
        created = await create(http, CREATIONS + 1)

    assert {answer.status_code for answer in refused} == {400}
    assert {answer.headers["ratelimit-remaining"] for answer in refused} == {str(CREATIONS)}
    assert created == [200] * CREATIONS + [429]


@pytest.mark.parametrize(
    ("path", "forwarded"),
    [
        ("/api/temporary-address/", "198.51.100.6"),
        ("//api//temporary-address", "198.51.100.7"),
        ("/api/temporary%2Daddress", "198.51.100.8"),
    ],
)
async def test_another_spelling_of_the_path_counts_the_same(service: Pair, path: str, forwarded: str) -> None:
    async with calling(service, forwarded) as http:
        statuses = [(await http.post(service.http_url + path)).status_code for _ in range(CREATIONS + 1)]

    assert statuses == [200] * CREATIONS + [429]


async def test_past_the_limit_of_calls_every_call_is_refused(service: Pair) -> None:
    async with calling(service, "198.51.100.9") as http:
        statuses = Counter([(await http.get("/nowhere")).status_code for _ in range(CALLS + 5)])
        answer = await http.get("/api/health")

    assert statuses == {404: CALLS, 429: 5}
    assert str(problem(answer)["error"]).startswith("Within a minute, one client can make 300 calls; ")


async def test_past_the_limit_of_failed_tokens_the_right_token_is_refused_too(service: Pair) -> None:
    address, token = await private_mailbox(service)
    async with calling(service, "198.51.100.10") as http:
        before = await try_token(http, address, token)
        wrong = [(await try_token(http, address, f"wrong{number}")).status_code for number in range(FAILED_TOKENS + 1)]
        after = await try_token(http, address, token)

    assert before.status_code == 200
    assert wrong == [404] * FAILED_TOKENS + [429]
    assert (after.status_code, problem(after)["code"]) == (429, "rate_limited")


async def test_a_token_for_a_mailbox_that_does_not_exist_counts_like_any_other(service: Pair) -> None:
    address, _ = await private_mailbox(service)
    counts = []
    for forwarded, tried in (("198.51.100.11", address), ("198.51.100.12", "missing@mx.test")):
        async with calling(service, forwarded) as http:
            answers = [await try_token(http, tried, "wrong") for _ in range(FAILED_TOKENS + 1)]
        counts.append([(answer.status_code, answer.headers["ratelimit-remaining"]) for answer in answers])

    assert counts[0] == counts[1] == [(404, "3"), (404, "2"), (404, "1"), (404, "0"), (429, "0")]


async def test_tokens_that_are_tried_at_once_are_limited_like_tokens_in_sequence(service: Pair) -> None:
    async with calling(service, "198.51.100.13") as http:
        answers = await asyncio.gather(*(try_token(http, "missing@mx.test", str(number)) for number in range(50)))

    assert Counter(answer.status_code for answer in answers) == {404: FAILED_TOKENS, 429: 50 - FAILED_TOKENS}


async def test_past_the_limit_of_failed_tokens_a_call_without_a_token_still_works(service: Pair) -> None:
    address = make_mailbox(service.database_url)
    async with calling(service, "198.51.100.14") as http:
        for _ in range(FAILED_TOKENS + 1):
            await try_token(http, address.replace("@", "x@"), "wrong")
        answer = await http.get("/api/inbox/poll", params={"address": address})

    assert answer.status_code == 200


async def test_the_right_token_is_not_limited(service: Pair) -> None:
    address, token = await private_mailbox(service)
    async with calling(service, "198.51.100.15") as http:
        answers = [await try_token(http, address, token) for _ in range(5 * FAILED_TOKENS)]

    assert {answer.status_code for answer in answers} == {200}


async def test_a_wait_without_a_match_is_no_failed_token(service: Pair) -> None:
    address, token = await private_mailbox(service)
    async with calling(service, "198.51.100.27") as http:
        waits = [
            http.get(
                "/api/inbox/wait",
                params={"address": address, "timeout": "1"},
                headers={"Authorization": f"Bearer {token}"},
            )
            for _ in range(2 * FAILED_TOKENS)
        ]
        answers = await asyncio.gather(*waits)

    assert {(answer.status_code, problem(answer)["code"]) for answer in answers} == {(404, "no_match")}


async def test_a_name_that_is_taken_counts_as_a_creation(service: Pair) -> None:
    name = uuid.uuid4().hex
    async with calling(service, "198.51.100.28") as http:
        wish = {"username": name, "private": True, "exact": True}
        answers = [await http.post("/api/temporary-address", json=wish) for _ in range(CREATIONS + 1)]

    assert [answer.status_code for answer in answers] == [200, *[409] * (CREATIONS - 1), 429]


async def test_a_path_that_does_not_exist_is_no_failed_token(service: Pair) -> None:
    async with calling(service, "198.51.100.16") as http:
        statuses = {(await http.get("/nowhere", headers={"Authorization": "Bearer x"})).status_code for _ in range(20)}

    assert statuses == {404}


@pytest.mark.parametrize(
    ("query", "forwarded"),
    [
        ("access_token=wrong", "198.51.100.17"),
        ("%61ccess%5Ftoken=wrong", "198.51.100.18"),
        ("access%5ftoken=%77rong", "198.51.100.19"),
    ],
)
async def test_a_failed_token_in_the_query_counts_in_every_encoding(service: Pair, query: str, forwarded: str) -> None:
    url = f"{service.http_url}/api/inbox/stream?address=missing@mx.test&{query}"
    async with calling(service, forwarded) as http:
        statuses = [(await http.get(url)).status_code for _ in range(FAILED_TOKENS + 1)]

    assert statuses == [404] * FAILED_TOKENS + [429]


async def test_an_empty_token_is_no_failed_token(service: Pair) -> None:
    url = f"{service.http_url}/api/inbox/stream?address=missing@mx.test&access_token="
    async with calling(service, "198.51.100.20") as http:
        statuses = {(await http.get(url)).status_code for _ in range(2 * FAILED_TOKENS)}

    assert statuses == {404}


async def test_a_limit_that_one_client_reached_leaves_other_clients_alone(service: Pair) -> None:
    async with calling(service, "198.51.100.21") as http:
        await create(http, CREATIONS + 1)

    async with calling(service, "198.51.100.22") as http:
        assert await create(http, 1) == [200]


async def test_an_ipv6_network_of_64_bits_is_one_client(service: Pair) -> None:
    async with calling(service, "2001:db8:0:1::1") as http:
        await create(http, CREATIONS)

    async with calling(service, "2001:db8:0:1:ffff::9") as http:
        neighbour = await create(http, 1)
    async with calling(service, "2001:db8:0:2::1") as http:
        stranger = await create(http, 1)

    assert (neighbour, stranger) == ([429], [200])


async def test_a_peer_that_is_no_trusted_proxy_cannot_call_as_another_client(service: Pair) -> None:
    statuses = []
    for number in range(CREATIONS + 1):
        async with calling(service, f"203.0.113.{number}", peer="127.0.0.2") as http:
            statuses += await create(http, 1)

    assert statuses == [200] * CREATIONS + [429]


async def test_a_client_cannot_call_as_another_client_by_a_forwarded_field_of_its_own(service: Pair) -> None:
    statuses = []
    for number in range(CREATIONS + 1):
        async with calling(service, f"203.0.113.{number}, 198.51.100.23") as http:
            statuses += await create(http, 1)

    assert statuses == [200] * CREATIONS + [429]


async def test_a_web_page_may_read_that_it_is_past_a_limit_and_when_to_retry(service: Pair) -> None:
    async with calling(service, "198.51.100.24") as http:
        await create(http, CREATIONS)
        answer = await http.post("/api/temporary-address", headers={"Origin": LISTED})
        elsewhere = await http.post("/api/temporary-address", headers={"Origin": "http://evil.test"})

    exposed = set(answer.headers["access-control-expose-headers"].split(", "))
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (429, LISTED)
    assert {"retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "ratelimit-policy"} <= exposed
    assert "Origin" in answer.headers["vary"]
    assert (elsewhere.status_code, elsewhere.headers.get("access-control-allow-origin")) == (429, None)


async def test_web_pages_of_other_origins_cannot_use_up_the_creations_of_their_visitor(service: Pair) -> None:
    foreign = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}
    async with calling(service, "198.51.100.29") as http:
        answers = [await http.post("/api/temporary-address", headers=foreign) for _ in range(CREATIONS + 1)]
        created = await create(http, CREATIONS)

    assert {(answer.status_code, problem(answer)["code"]) for answer in answers} == {(403, "origin_refused")}
    assert answers[-1].headers["ratelimit-remaining"] == str(CALLS - CREATIONS - 1)
    assert created == [200] * CREATIONS


@pytest.mark.parametrize("origin", ["null", "", "https://evil.test", f"{LISTED}.evil.test", LISTED.upper()])
@pytest.mark.parametrize("path", ["/api/temporary-address", "/api/temporary-address/", "/api/temporary%2Daddress"])
async def test_a_creation_from_another_site_by_an_origin_that_is_not_listed_is_refused(
    service: Pair, origin: str, path: str
) -> None:
    async with calling(service, "198.51.100.30") as http:
        answer = await http.post(
            service.http_url + path, headers={"Origin": origin, "Sec-Fetch-Site": "cross-site"}, json={}
        )

    assert (answer.status_code, problem(answer)["code"], problem(answer)["field"]) == (403, "origin_refused", "Origin")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "forwarded"),
    [
        ({}, "203.0.113.101"),
        ({"Origin": "https://evil.test"}, "203.0.113.102"),
        ({"Sec-Fetch-Site": "cross-site"}, "203.0.113.103"),
        ({"Origin": LISTED, "Sec-Fetch-Site": "cross-site"}, "203.0.113.104"),
        # A page that calls its own host, which passes the call on with the fields of the browser.
        ({"Origin": "https://my-app.vercel.app", "Sec-Fetch-Site": "same-origin"}, "203.0.113.105"),
        ({"Origin": "https://my-app.vercel.app", "Sec-Fetch-Site": "same-site"}, "203.0.113.106"),
        ({"Sec-Fetch-Site": "none"}, "203.0.113.107"),
    ],
)
async def test_every_other_creation_works_as_without_the_fields_of_a_browser(
    service: Pair, headers: dict[str, str], forwarded: str
) -> None:
    async with calling(service, forwarded) as http:
        answer = await http.post("/api/temporary-address", headers=headers, json={})

    assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (200, str(CREATIONS - 1))


async def test_a_web_page_of_another_origin_may_make_every_other_call(service: Pair) -> None:
    address = make_mailbox(service.database_url)
    async with calling(service, "203.0.113.108") as http:
        foreign = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
        answer = await http.get("/api/inbox/poll", params={"address": address}, headers=foreign)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("origin", "logged"),
    [("https://evil.test:8443", "https://evil.test:8443"), ("https://evil.test/?token=x", "null"), ("null", "null")],
)
async def test_a_refused_origin_is_logged_once_a_minute(pair: Pair, tmp_path: Path, origin: str, logged: str) -> None:
    with running_http(pair.database_url, tmp_path) as service:
        async with client(service.http_url) as http:
            foreign = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
            statuses = {(await http.post("/api/temporary-address", headers=foreign)).status_code for _ in range(5)}

        events = [event for event in service.services[0].events() if event["event"] == "origin_refused"]

    assert statuses == {403}
    assert [(event["level"], event["origin"], event["client"]) for event in events] == [
        ("warning", logged, "127.0.0.1")
    ]


async def test_a_client_past_a_limit_is_logged_once(service: Pair) -> None:
    async with calling(service, "198.51.100.25") as http:
        await create(http, CREATIONS + 20)

    events = [event for event in service.services[0].events() if event.get("client") == "198.51.100.25"]
    assert [(event["event"], event["level"], event["limit"]) for event in events] == [
        ("limit_reached", "warning", "creations_per_minute")
    ]


# The call that each limit counts.
CALLS_TO: dict[LimitName, Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]] = {
    "calls_per_minute": lambda http: http.get("/nowhere"),
    "creations_per_minute": lambda http: http.post("/api/temporary-address"),
    "failed_tokens_per_minute": lambda http: try_token(http, "nobody@mx.test", "wrong"),
    "tickets_per_minute": lambda http: http.post("/api/tickets", json={"mailboxes": [{"address": "nobody@mx.test"}]}),
}


@pytest.mark.parametrize("limit", get_args(LimitName))
async def test_every_limit_is_told_to_the_client_and_logged(service: Pair, limit: LimitName) -> None:
    assert limit in CALLS_TO, f"no test reaches {limit}"
    number, address = int(service.environ[limit.upper()]), f"192.0.2.{get_args(LimitName).index(limit)}"
    async with calling(service, address) as http:
        for _ in range(number):
            assert (await CALLS_TO[limit](http)).status_code != 429

        answer = await CALLS_TO[limit](http)

    told = [event["limit"] for event in service.services[0].events() if event.get("client") == address]
    assert (answer.status_code, problem(answer)["code"], told) == (429, "rate_limited", [limit])
    assert f" {number} {LIMITED[limit]}; try again in {answer.headers['retry-after']} s." in str(
        problem(answer)["error"]
    )


def test_every_limit_of_http_has_a_sentence_and_a_setting() -> None:
    settings = {name for name in Settings.__struct_fields__ if name.endswith("_per_minute") and name[:5] != "smtp_"}

    assert set(get_args(LimitName)) == LIMITED.keys() == settings


async def test_a_body_past_the_limit_which_is_not_read_breaks_no_later_call(service: Pair) -> None:
    async with calling(service, "198.51.100.26") as http:
        await create(http, CREATIONS)
        answers = [await http.post("/api/temporary-address", content=b" " * 16_000) for _ in range(5)]
        health = await http.get("/api/health")

    assert {answer.status_code for answer in answers} == {429}
    assert health.status_code == 200


async def test_a_program_on_this_host_has_no_limit_of_one_client(service: Pair) -> None:
    async with calling(service, None) as http:
        answers = [await http.post("/api/temporary-address") for _ in range(2 * CREATIONS)]
        tried = [await try_token(http, "missing@mx.test", f"wrong{number}") for number in range(2 * FAILED_TOKENS)]

    assert {each.status_code for each in answers} == {200}
    assert {each.headers["ratelimit-remaining"] for each in answers} == {str(CREATIONS)}
    assert {each.status_code for each in tried} == {404}


async def test_a_proxy_on_this_host_that_names_no_client_is_one_client(service: Pair) -> None:
    async with calling(service, None) as http:
        http.headers["Via"] = "1.1 proxy"
        statuses = await create(http, CREATIONS + 1)

    assert statuses == [200] * CREATIONS + [429]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"Sec-Fetch-Site": "same-site"}),
        ("OPTIONS", {"Access-Control-Request-Method": "PATCH"}),
    ],
)
async def test_a_page_that_cannot_read_a_response_is_logged_once_with_the_setting_that_lists_origins(
    pair: Pair, tmp_path: Path, method: str, headers: dict[str, str]
) -> None:
    page, proxied = {"Origin": "http://127.0.0.1:3000"}, {"Origin": LISTED, "Sec-Fetch-Site": "same-origin"}
    with running_http(pair.database_url, tmp_path) as service:
        async with client(service.http_url) as http:
            for each in (proxied, page, page | headers, page | headers):
                await http.request(method, "/api/domains", headers=each)

        events = [event for event in service.services[0].events() if event["event"] == "origin_refused"]

    assert [(event["origin"], event["setting"]) for event in events] == [
        ("http://127.0.0.1:3000", "CORS_ALLOWED_ORIGINS")
    ]
