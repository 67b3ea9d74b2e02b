"""HEAD: what GET would answer, without the content (RFC 9110 §9.3.2)."""

import asyncio

import httpx
import pytest
from support.harness import DEADLINE_SECONDS, Pair, make_mailbox, message, store

UNEVEN = {"date", "ratelimit-remaining", "ratelimit-reset", "transfer-encoding"}
PATHS = [
    "/api/health",
    "/api/openapi.json",
    "/api/domains",
    "/api/inbox?address={address}",
    "/api/inbox/poll?address={address}",
    "/api/inbox/wait?address={address}",
    "/api/inbox/wait?address={address}&since=1&timeout=1",
    "/api/messages/{message}",
    "/api/messages/{message}/attachments/0",
    "/api/inbox/poll",
    "/api/inbox/poll?address=missing@mx.test",
    "/api/messages/{message}/source",
    "/api/messages/00000000-0000-0000-0000-000000000000/source",
    "/api/inbox/stream?address=missing@mx.test",
    "/api/temporary-address",
    "/nowhere",
]


@pytest.fixture
async def places(pair: Pair, http: httpx.AsyncClient) -> dict[str, str]:
    """A mailbox, and a message in it."""
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message())
    page = (await http.get("/api/inbox/poll", params={"address": address})).json()
    return {"address": address, "message": page["messages"][0]["id"]}


def told(answer: httpx.Response) -> tuple[int, dict[str, str]]:
    return answer.status_code, {name: value for name, value in answer.headers.items() if name not in UNEVEN}


@pytest.mark.parametrize("path", PATHS)
async def test_it_tells_what_get_would_and_how_long_that_is(
    http: httpx.AsyncClient, places: dict[str, str], path: str
) -> None:
    path = path.format(**places)

    head, get = await http.head(path), await http.get(path)

    assert head.content == b""
    assert told(head) == told(get)
    assert int(head.headers["content-length"]) == len(get.content) > 0


async def test_of_a_stream_it_tells_that_there_is_one_and_ends(pair: Pair, places: dict[str, str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(pair.environ["HTTP_PORT"]))
    call = (
        f"HEAD /api/inbox/stream?address={places['address']} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )

    writer.write(call.encode())
    async with asyncio.timeout(DEADLINE_SECONDS):
        octets = await reader.read()
    writer.close()

    assert octets.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\ncontent-type: text/event-stream; charset=utf-8\r\n" in octets
    assert octets.endswith(b"\r\n\r\n")
    assert octets.count(b"\r\n\r\n") == 1


async def test_the_connection_goes_on_behind_it(pair: Pair, places: dict[str, str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(pair.environ["HTTP_PORT"]))
    paths = [path.format(**places) for path in (*PATHS, "/api/inbox/stream?address={address}")]

    statuses = []
    for path in paths:
        writer.write(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        async with asyncio.timeout(DEADLINE_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        statuses.append(int(head.split(b" ")[1]))
    writer.close()

    assert statuses == [*[200] * 6, 404, 200, 404, 400, 404, 200, 404, 404, 405, 404, 200]
