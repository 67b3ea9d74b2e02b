"""Through the proxy that stands in front in production: streams come at once, and outlive a restart of http-api."""

import asyncio
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest
from harness import (
    COMMANDS,
    DEADLINE_SECONDS,
    GENEROUS,
    Pair,
    client,
    deadline,
    free_port,
    make_mailbox,
    message,
    store,
    stream,
)

CADDYFILE = """
{{
    admin off
    auto_https off
    persist_config off
}}

http://127.0.0.1:{port} {{
    bind 127.0.0.1
    reverse_proxy 127.0.0.1:{http_port} {{
        flush_interval -1
    }}
}}
"""


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Pair]:
    """http-api alone."""
    service = Pair(database_url, tmp_path)
    try:
        service.start_http()
        yield service
    finally:
        service.end()


@pytest.fixture
def proxy_url(service: Pair, tmp_path: Path) -> Iterator[str]:
    """Caddy in front of http-api, ready."""
    port = free_port()
    (tmp_path / "Caddyfile").write_text(CADDYFILE.format(port=port, http_port=service.environ["HTTP_PORT"]))
    command = [str(COMMANDS / "caddy"), "run", "--config", str(tmp_path / "Caddyfile")]
    own = {name: str(tmp_path) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    with (tmp_path / "caddy.log").open("wb") as log:
        caddy = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log)
    try:
        assert any(is_listening(port) for _ in deadline()), (tmp_path / "caddy.log").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        caddy.kill()
        caddy.wait(DEADLINE_SECONDS)


@pytest.fixture
async def http(proxy_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client(proxy_url) as http:
        yield http


async def test_an_event_comes_through_the_proxy_while_the_stream_stays_open(
    service: Pair, http: httpx.AsyncClient
) -> None:
    address = make_mailbox(service.database_url)
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(stream(http, address)) as events:
        first = asyncio.ensure_future(anext(events))
        await store(service.database_url, address, message("a"))
        await store(service.database_url, address, message("b"))

        assert (await first).data["subject"] == "a"
        assert (await anext(events)).data["subject"] == "b"


async def test_a_stream_goes_on_through_the_proxy_after_a_restart_and_has_missed_nothing(
    service: Pair, http: httpx.AsyncClient
) -> None:
    address = make_mailbox(service.database_url)
    async with asyncio.timeout(2 * DEADLINE_SECONDS):
        async with aclosing(stream(http, address)) as events:
            await store(service.database_url, address, message("a"))
            last = await anext(events)
            stopping = asyncio.create_task(asyncio.to_thread(service.services[0].stop))
            assert [event async for event in events] == []
            assert await stopping == 0

        await store(service.database_url, address, message("b"))
        await asyncio.to_thread(service.start_http)
        async with aclosing(stream(http, address, last_event_id=last.id)) as events:
            missed = await anext(events)
            await store(service.database_url, address, message("c"))
            new = await anext(events)

    assert [event.data["subject"] for event in (last, missed, new)] == ["a", "b", "c"]


@pytest.mark.parametrize("forged", [{}, {"X-Forwarded-For": "203.0.113.9"}])
async def test_each_client_behind_the_proxy_is_counted_by_itself(proxy_url: str, forged: dict[str, str]) -> None:
    remaining = []
    for address in ("127.0.0.2", "127.0.0.3", "127.0.0.2"):
        transport = httpx.AsyncHTTPTransport(local_address=address, verify=False)
        async with httpx.AsyncClient(transport=transport, base_url=proxy_url, headers=forged) as http:
            answer = await http.post("/api/temporary-address")
        remaining.append(int(GENEROUS["CREATIONS_PER_MINUTE"]) - int(answer.headers["ratelimit-remaining"]))

    assert remaining == [1, 1, 2]


async def test_head_of_a_stream_ends_at_once_through_the_proxy(service: Pair, http: httpx.AsyncClient) -> None:
    answer = await http.head("/api/inbox/stream", params={"address": make_mailbox(service.database_url)}, timeout=5)

    assert (answer.status_code, answer.content) == (200, b"")
