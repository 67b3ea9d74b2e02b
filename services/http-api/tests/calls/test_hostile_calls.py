"""Calls under a hostile client: what it holds, whose turn it is, and what is answered past the bounds."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress

import httpx
import psycopg
import pytest
from support.content import message
from support.database import locked, make_mailbox, store
from support.harness import Pair, Service, running_http
from support.http_client import client, problem
from support.waiting import DEADLINE_SECONDS, deadline, until

from fake_email.postgres.connection import ANSWER_SECONDS
from http_api.live.shares import CLIENT_CALLS, CLIENT_QUEUED_CALLS

# As JSON each of its characters takes six.
HEAVY = message("heavy", "\x01" * 1_000_000)
HOSTILE, OTHER = {"X-Forwarded-For": "198.51.100.1"}, {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture(scope="module")
def service(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """An http-api of our own, whose log these tests read."""
    with running_http(pair.database_url, tmp_path_factory.mktemp("overload")) as service:
        yield service, service.services[0]


@pytest.fixture
async def http(service: tuple[Pair, Service]) -> AsyncIterator[httpx.AsyncClient]:
    async with client(service[0].http_url) as http:
        yield http


@pytest.fixture
def address(pair: Pair) -> str:
    return make_mailbox(pair.database_url)


@contextmanager
def unread(service: Pair, path: str, times: int) -> Iterator[list[socket.socket]]:
    """Calls of one client that reads nothing of the responses, and whose kernel buffers little."""
    connections = []
    with ExitStack() as stack:
        for _ in range(times):
            connection = stack.enter_context(closing(socket.socket()))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.connect(("127.0.0.1", int(service.environ["HTTP_PORT"])))
            fields = f"Host: localhost\r\nX-Forwarded-For: {HOSTILE['X-Forwarded-For']}"
            connection.sendall(f"GET {path} HTTP/1.1\r\n{fields}\r\n\r\n".encode())
            connections.append(connection)
        yield connections


def refusals(connections: Sequence[socket.socket]) -> list[bytes]:
    """The beginnings of the responses with another status than 200."""
    begun = []
    for each in connections:
        with suppress(BlockingIOError):
            begun.append(each.recv(4_096, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    return [each for each in begun if not each.startswith(b"HTTP/1.1 200")]


async def newest(http: httpx.AsyncClient, address: str) -> str:
    polled = await http.get("/api/inbox/poll", params={"address": address}, headers=OTHER)
    return f"/api/messages/{polled.json()['messages'][-1]['id']}"


def overloads(service: Service, resource: str) -> list[dict[str, object]]:
    return [each for each in service.events() if each["event"] == "overloaded" and each["resource"] == resource]


async def test_past_its_part_of_the_memory_a_client_gets_503_and_another_client_does_not(
    service: tuple[Pair, Service], http: httpx.AsyncClient, address: str
) -> None:
    pair, process = service
    await store(pair.database_url, address, HEAVY)
    path = await newest(http, address)

    with unread(pair, path, CLIENT_CALLS) as connections:
        answer = await http.get(path, headers=OTHER)
        await until(lambda: bool(refusals(connections)))
        refused = refusals(connections)[0]

    assert (answer.status_code, len(answer.json()["text"])) == (200, 1_000_000)
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 2\r\n" in refused
    assert b'"code":"overloaded"' in refused
    assert [each["client"] for each in overloads(process, "answer_octets")] == [HOSTILE["X-Forwarded-For"]]


async def test_calls_that_would_wait_for_mail_wait_as_long_for_their_turn(
    service: tuple[Pair, Service], http: httpx.AsyncClient, address: str
) -> None:
    pair, _ = service
    # A page of the list takes more memory than the first message, and so has no place where that has none.
    listed = (message(str(number), "a" * 60_000) for number in range(20))
    await store(pair.database_url, address, message("first", "\x01" * 600_000), *listed)
    found = await http.get("/api/inbox/wait", params={"address": address, "since": 0})
    path = f"/api/messages/{found.json()['id']}"

    with unread(pair, path, 24) as connections:
        await until(lambda: bool(refusals(connections)))  # the client's part of the memory is used up
        waiting = [
            asyncio.create_task(http.request(method, f"/api/inbox/{call}&address={address}", headers=HOSTILE))
            for method, call in (
                ("GET", "poll?wait=60"),
                ("GET", "wait?timeout=60&since=0"),
                ("POST", "take?timeout=60"),
            )
        ]
        refused = await http.get(path, headers=HOSTILE)
    answers = await asyncio.gather(*waiting)

    assert (refused.status_code, problem(refused)["code"]) == (503, "overloaded")
    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_a_heavy_message_that_the_client_has_already_is_not_read_for_its_304(
    service: tuple[Pair, Service], http: httpx.AsyncClient, address: str
) -> None:
    pair, _ = service
    await store(pair.database_url, address, HEAVY)
    path = await newest(http, address)
    tag = (await http.get(path, headers=OTHER)).headers["etag"]

    # More than the client's part of the memory, in which a message that is read would have to wait for its place.
    with unread(pair, path, 24):
        answer = await http.get(path, headers={**HOSTILE, "If-None-Match": tag})

    assert answer.status_code == 304


async def test_a_client_that_has_left_holds_nothing(
    service: tuple[Pair, Service], http: httpx.AsyncClient, address: str
) -> None:
    pair, _ = service
    await store(pair.database_url, address, HEAVY)
    path = await newest(http, address)

    for _ in range(3):
        with unread(pair, path, 10):
            pass
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (await http.get(path, headers=HOSTILE)).status_code != 200:
                pass


async def test_a_heavy_message_is_the_same_json_as_a_light_one(
    service: tuple[Pair, Service], http: httpx.AsyncClient, address: str
) -> None:
    await store(service[0].database_url, address, message("light", "hello"), HEAVY)
    polled = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]

    light, heavy = [(await http.get(f"/api/messages/{each['id']}")).json() for each in polled]

    assert list(light) == list(heavy)
    assert {name: value for name, value in heavy.items() if name in polled[1]} == polled[1]


async def test_other_clients_wait_for_no_connection_that_one_client_could_hold(
    service: tuple[Pair, Service], http: httpx.AsyncClient, address: str
) -> None:
    pair, _ = service
    other = make_mailbox(pair.database_url)
    clock = asyncio.get_running_loop().time

    for _ in deadline():
        began = clock()
        with locked(pair.database_url, address):
            # These wait for the lock, and so does each connection that they have.
            waiting = [
                asyncio.create_task(http.delete("/api/inbox", params={"address": address}, headers=HOSTILE))
                for _ in range(CLIENT_CALLS)
            ]
            await until(lambda: waiting_for_lock(pair) > 0)
            answer = await http.get("/api/inbox", params={"address": other}, headers=OTHER)
            held = waiting_for_lock(pair)
        await asyncio.gather(*waiting)
        # Else this machine stood still, and Postgres also counts connections that were given up meanwhile.
        if clock() < began + ANSWER_SECONDS:
            break

    assert answer.status_code == 200
    assert held <= 3


def waiting_for_lock(pair: Pair) -> int:
    with psycopg.connect(pair.database_url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return int(found[0]) if found else 0


async def test_bodies_that_never_come_use_up_the_calls_of_their_client_alone(
    service: tuple[Pair, Service], http: httpx.AsyncClient, address: str
) -> None:
    pair, process = service
    head = (
        f"POST /api/temporary-address HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {HOSTILE['X-Forwarded-For']}\r\n"
        "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    )
    with ExitStack() as stack:
        for _ in range(CLIENT_CALLS + CLIENT_QUEUED_CALLS):
            connection = stack.enter_context(closing(socket.socket()))
            connection.connect(("127.0.0.1", int(pair.environ["HTTP_PORT"])))
            connection.sendall(head.encode())
        answer = await http.get("/api/inbox/poll", params={"address": address}, headers=OTHER)
        refused = await http.get("/api/inbox/poll", params={"address": address}, headers=HOSTILE)

    assert answer.status_code == 200
    assert (refused.status_code, problem(refused)["code"]) == (503, "overloaded")
    assert overloads(process, "calls")


async def test_a_small_page_of_html_does_not_wait_for_large_ones(
    service: tuple[Pair, Service], http: httpx.AsyncClient, address: str
) -> None:
    html = b"Subject: x\r\nContent-Type: text/html\r\n\r\n"
    large, small = make_mailbox(service[0].database_url), address
    await store(service[0].database_url, large, html + b"<p style='color:red'>" * 40_000)
    await store(service[0].database_url, small, html + b"<p>hello</p>")
    large_path, small_path = await newest(http, large), await newest(http, small)
    made: list[str] = []

    async def make(path: str, headers: dict[str, str]) -> None:
        answer = await http.get(f"{path}/html", headers=headers)
        assert answer.status_code in {200, 503}
        made.append(path)

    async with asyncio.TaskGroup() as tasks:
        for number in range(6):
            tasks.create_task(make(large_path, {"X-Forwarded-For": f"198.51.100.{number}"}))
        tasks.create_task(make(small_path, OTHER))

    assert made[0] == small_path
