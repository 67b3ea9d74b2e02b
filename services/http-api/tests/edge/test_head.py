"""HEAD: the response to GET, without the content (RFC 9110 §9.3.2)."""

import asyncio

import httpx
import pytest
from support.calls import CALLS, Call, Known, make_known
from support.harness import Pair
from support.waiting import DEADLINE_SECONDS

UNEVEN = {"date", "ratelimit-remaining", "ratelimit-reset", "transfer-encoding"}
MORE = [
    Call("GET", "/api/openapi.json"),
    Call("GET", "/api/inbox/wait?address={address}&since=2&timeout=1", status=404),
    Call("GET", "/api/inbox/poll", status=400),
    Call("GET", "/api/inbox/poll?address=missing@mx.test", status=404),
    Call("GET", "/api/messages/00000000-0000-0000-0000-000000000000/source", status=404),
    Call("GET", "/api/inbox/stream?address=missing@mx.test", status=404),
    Call("GET", "/api/temporary-address", status=405),
    Call("GET", "/nowhere", status=404),
]
GETS = [*(call for call in CALLS if call.method == "GET"), *MORE]


@pytest.fixture
async def known(pair: Pair) -> Known:
    """A mailbox, and messages in it."""
    return await make_known(pair.database_url)


def told(answer: httpx.Response) -> tuple[int, dict[str, str]]:
    return answer.status_code, {name: value for name, value in answer.headers.items() if name not in UNEVEN}


@pytest.mark.parametrize("call", [call for call in GETS if not call.is_stream], ids=str)
async def test_head_has_the_status_and_header_of_get_with_the_length_of_its_content(
    http: httpx.AsyncClient, known: Known, call: Call
) -> None:
    path = call.about_known(known).path

    head, get = await http.head(path), await http.get(path)

    assert get.status_code == call.status
    assert head.content == b""
    assert told(head) == told(get)
    assert int(head.headers["content-length"]) == len(get.content) > 0


@pytest.mark.parametrize("call", [call for call in CALLS if call.is_stream], ids=str)
async def test_the_response_to_head_of_a_stream_ends_after_its_header(pair: Pair, known: Known, call: Call) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(pair.environ["HTTP_PORT"]))
    path = call.about_known(known).path

    writer.write(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(DEADLINE_SECONDS):
        octets = await reader.read()
    writer.close()

    assert octets.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\ncontent-type: text/event-stream; charset=utf-8\r\n" in octets
    assert octets.endswith(b"\r\n\r\n")
    assert octets.count(b"\r\n\r\n") == 1


async def test_the_connection_stays_usable_after_head(pair: Pair, known: Known) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(pair.environ["HTTP_PORT"]))

    statuses = []
    for call in GETS:
        writer.write(f"HEAD {call.about_known(known).path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        async with asyncio.timeout(DEADLINE_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        statuses.append(int(head.split(b" ")[1]))
    writer.close()

    assert statuses == [call.status for call in GETS]
