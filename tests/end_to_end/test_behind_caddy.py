"""The API behind Caddy, with the Caddyfile of production."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import GENEROUS, Pair, free_port, running_http
from support.http_client import problem, stream
from support.proxy import API, MAIL, Proxy, running_proxy
from support.waiting import DEADLINE_SECONDS, deadline, until

SECRET = "c2VjcmV0"


@pytest.fixture
async def http(shared_proxy: Proxy) -> AsyncIterator[httpx.AsyncClient]:
    async with shared_proxy.client() as http:
        yield http


@pytest.fixture(scope="module")
def stopped_service(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """An http-api beside that of the pair, for all tests that stop it."""
    with running_http(pair.database_url, tmp_path_factory.mktemp("stopped")) as service:
        yield service


@pytest.fixture(scope="module")
def own_proxy(stopped_service: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with running_proxy(tmp_path_factory.mktemp("own_proxy"), int(stopped_service.environ["HTTP_PORT"])) as proxy:
        yield proxy


@pytest.fixture
def service(stopped_service: Pair) -> Pair:
    """An http-api that runs, and that no other test uses meanwhile."""
    if stopped_service.services[-1].process.poll() is not None:
        stopped_service.start_http()
    return stopped_service


@pytest.fixture
async def own_http(own_proxy: Proxy) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service that the test has for itself."""
    async with own_proxy.client() as http:
        yield http


@pytest.fixture
def proxy(pair: Pair, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy in front of the pair whose log has the requests of the test alone."""
    with running_proxy(tmp_path, int(pair.environ["HTTP_PORT"])) as proxy:
        yield proxy


@pytest.fixture
def own_address(service: Pair) -> str:
    return make_mailbox(service.database_url)


# Streams


async def test_an_event_passes_the_proxy_while_the_stream_stays_open(
    pair: Pair, http: httpx.AsyncClient, address: str
) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(stream(http, address)) as events:
        first = asyncio.ensure_future(anext(events))
        await store(pair.database_url, address, message("a"))
        await store(pair.database_url, address, message("b"))

        assert (await first).data["subject"] == "a"
        assert (await anext(events)).data["subject"] == "b"


async def test_a_stream_resumes_through_the_proxy_after_a_restart_without_a_missed_message(
    service: Pair, own_http: httpx.AsyncClient, own_address: str
) -> None:
    async with asyncio.timeout(2 * DEADLINE_SECONDS):
        async with aclosing(stream(own_http, own_address)) as events:
            await store(service.database_url, own_address, message("a"))
            last = await anext(events)
            stopping = asyncio.create_task(asyncio.to_thread(service.services[-1].stop))
            assert [event async for event in events] == []
            assert await stopping == 0

        await store(service.database_url, own_address, message("b"))
        await asyncio.to_thread(service.start_http)
        async with aclosing(stream(own_http, own_address, last_event_id=last.id)) as events:
            missed = await anext(events)
            await store(service.database_url, own_address, message("c"))
            new = await anext(events)

    assert [event.data["subject"] for event in (last, missed, new)] == ["a", "b", "c"]


async def test_a_response_may_take_longer_than_the_deadline_for_a_request(
    pair: Pair, tmp_path: Path, address: str
) -> None:
    with running_proxy(tmp_path, int(pair.environ["HTTP_PORT"]), request_seconds=2) as proxy:
        async with proxy.client() as http, aclosing(stream(http, address)) as events:
            first = asyncio.ensure_future(anext(events))
            polled = await http.get("/api/inbox/poll", params={"address": address, "wait": "2.5"})
            await store(pair.database_url, address, message("a"))

            assert polled.status_code == 200
            assert (await first).data["subject"] == "a"


async def test_the_public_name_has_no_metrics(http: httpx.AsyncClient) -> None:
    answer = await http.get("/metrics")

    assert answer.status_code == 404
    assert problem(answer)["code"] == "no_such_call"


@pytest.mark.parametrize(("client", "forged"), [(2, {}), (4, {"X-Forwarded-For": "203.0.113.9"})])
async def test_each_client_behind_the_proxy_is_counted_by_itself(
    shared_proxy: Proxy, client: int, forged: dict[str, str]
) -> None:
    remaining = []
    for number in (client, client + 1, client):
        async with shared_proxy.client(local_address=f"127.0.0.{number}", **forged) as http:
            response = await http.post("/api/temporary-address")
        remaining.append(int(GENEROUS["CREATIONS_PER_MINUTE"]) - int(response.headers["ratelimit-remaining"]))

    assert remaining == [1, 1, 2]


async def test_head_of_a_stream_ends_at_once_through_the_proxy(http: httpx.AsyncClient, address: str) -> None:
    response = await http.head("/api/inbox/stream", params={"address": address}, timeout=5)

    assert (response.status_code, response.content) == (200, b"")


async def test_a_stream_is_not_compressed(http: httpx.AsyncClient, address: str) -> None:
    async with http.stream("GET", "/api/inbox/stream", params={"address": address}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in response.headers


# Restarts of http-api


async def test_requests_during_a_restart_of_http_api_are_answered_after_it(
    service: Pair, own_http: httpx.AsyncClient, own_address: str
) -> None:
    await asyncio.to_thread(service.services[-1].stop)
    calls = [
        asyncio.create_task(own_http.get("/api/inbox/poll", params={"address": own_address})),
        asyncio.create_task(own_http.post("/api/temporary-address", json={"username": "ann"})),
    ]

    await asyncio.to_thread(service.start_http)

    assert [response.status_code for response in await asyncio.gather(*calls)] == [200, 200]


async def test_no_request_fails_while_http_api_restarts_five_times(
    service: Pair, own_proxy: Proxy, own_address: str
) -> None:
    over = asyncio.Event()
    statuses: set[int] = set()

    async def call_until_over() -> None:
        async with own_proxy.client() as http:
            while not over.is_set():
                statuses.add((await http.get("/api/inbox/poll", params={"address": own_address})).status_code)
                statuses.add((await http.post("/api/temporary-address", json={"username": "ann"})).status_code)

    await asyncio.to_thread(service.services[-1].stop)
    # Like the socket of a socket unit.
    with socket.create_server(("127.0.0.1", int(service.environ["HTTP_PORT"])), backlog=4_096) as bound:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(call_until_over())
            for _ in range(5):
                await asyncio.to_thread(service.start_http, bound)
                await asyncio.to_thread(service.services[-1].stop)
            await asyncio.to_thread(service.start_http, bound)
            over.set()

    assert statuses == {200}


# Refused requests


async def test_a_body_over_16_kib_is_refused(http: httpx.AsyncClient) -> None:
    response = await http.post("/api/temporary-address", content=b'{"username": "' + 16_384 * b"a" + b'"}')

    assert response.status_code == 413
    assert problem(response)["code"] == "body_too_large"


async def test_a_body_of_16_kib_is_read(http: httpx.AsyncClient) -> None:
    body = b'{"username": "ann"}'.ljust(16_384)

    response = await http.post("/api/temporary-address", content=body)

    assert response.status_code == 200


async def test_the_mail_host_has_a_certificate_and_an_empty_404(shared_proxy: Proxy) -> None:
    async with shared_proxy.client(MAIL) as http:
        response = await http.get("/")

    assert response.status_code == 404
    assert response.text == ""


async def test_plain_http_is_redirected_to_https(shared_proxy: Proxy) -> None:
    async with httpx.AsyncClient() as http:
        response = await http.get(
            f"http://127.0.0.1:{shared_proxy.http_port}/api/health", headers={"Host": "api.fake-email.example"}
        )

    assert response.status_code == 308
    assert response.headers["location"].startswith("https://api.fake-email.example")


# Header fields of every response


async def test_hsts_makes_browsers_use_https_only(http: httpx.AsyncClient) -> None:
    response = await http.get("/api/health")

    assert response.headers["strict-transport-security"] == "max-age=31536000"
    assert "server" not in response.headers


async def test_a_list_of_messages_is_compressed(pair: Pair, http: httpx.AsyncClient, address: str) -> None:
    await store(pair.database_url, address, message(body="word " * 1_000))

    response = await http.get("/api/inbox/poll", params={"address": address}, headers={"Accept-Encoding": "gzip"})

    assert response.headers["content-encoding"] == "gzip"
    assert response.json()["new_mail_count"] == 1


async def test_caddy_asks_whether_http_api_runs_and_forwards_no_x_forwarded_for_of_a_client(tmp_path: Path) -> None:
    heads: list[bytes] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    port = free_port()
    async with await asyncio.start_server(respond, "127.0.0.1", port):
        with running_proxy(tmp_path, port) as proxy:
            async with proxy.client(**{"X-Forwarded-For": "192.0.2.7"}) as http:
                await http.get("/called")
            await until(lambda: any(head.startswith(b"GET /api/health?live ") for head in heads))

    [head] = [head for head in heads if head.startswith(b"GET /called ")]
    assert b"\r\nX-Forwarded-For: 127.0.0.1\r\n" in head
    assert b"192.0.2.7" not in head


# The log


async def test_a_request_is_logged_without_its_query_and_header_fields(proxy: Proxy, address: str) -> None:
    async with proxy.client() as http:
        await http.get(
            "/api/inbox/poll",
            params={"address": address, "access_token": SECRET},
            headers={"Authorization": f"Bearer {SECRET}", "Referer": f"https://app.example/?{SECRET}"},
        )

    [logged] = logged_requests(proxy)
    assert logged["status"] == 200
    assert isinstance(logged["request"], dict)
    assert logged["request"]["uri"] == "/api/inbox/poll"
    assert SECRET not in json.dumps(proxy.log())


async def test_a_query_that_is_disguised_as_a_path_is_not_logged(proxy: Proxy) -> None:
    disguised = ["%3ftoken=", "%3Ftok%65n=", "%253f%74oken=", ";token=", "&token=", "=", "%0a"]

    for each in disguised:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", proxy.https_port, ssl=proxy.context(), server_hostname=API
        )
        writer.write(f"GET /api/inbox{each}{SECRET} HTTP/1.1\r\nHost: {API}\r\nConnection: close\r\n\r\n".encode())
        await reader.read()
        writer.close()

    requests = [logged["request"] for logged in logged_requests(proxy, len(disguised))]
    assert {request["uri"] for request in requests if isinstance(request, dict)} == {"/api/inbox"}
    assert SECRET not in json.dumps(proxy.log())


async def test_a_stream_that_breaks_is_logged_without_its_query(
    service: Pair, tmp_path: Path, own_address: str
) -> None:
    parameters = {"address": own_address, "access_token": SECRET}
    with running_proxy(tmp_path, int(service.environ["HTTP_PORT"])) as proxy:
        async with proxy.client() as http, http.stream("GET", "/api/inbox/stream", params=parameters) as response:
            service.services[-1].kill()
            with pytest.raises(httpx.RemoteProtocolError):
                await response.aread()

        logged_requests(proxy)
        assert "aborting with incomplete response" in {line.get("msg") for line in proxy.log()}
        assert SECRET not in json.dumps(proxy.log())


def logged_requests(proxy: Proxy, number: int = 1) -> list[dict[str, object]]:
    """Wait for `number` entries in the access log; return all of its entries."""
    for _ in deadline():
        logged = [line for line in proxy.log() if str(line.get("logger")).startswith("http.log.access")]
        if len(logged) >= number:
            return logged
    raise AssertionError("no request is logged")
