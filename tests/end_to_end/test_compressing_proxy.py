"""A stream behind a proxy that compresses every response, as the rewrites of Next.js do."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import COMMANDS, Pair, free_port
from support.http_client import client, stream
from support.waiting import DEADLINE_SECONDS, deadline

# Other proxies hold compressed events back. Caddy does not, so the test looks for the field that tells of compression.
CADDYFILE = """
{{
    admin off
    auto_https off
}}
http://127.0.0.1:{port} {{
    encode gzip {{
        minimum_length 1
        match {{
            header Content-Type *
        }}
    }}
    reverse_proxy {api}
}}
"""


@pytest.fixture
def url(pair: Pair, tmp_path: Path) -> Iterator[str]:
    """The proxy in front of http-api."""
    port = free_port()
    file = tmp_path / "Caddyfile"
    file.write_text(CADDYFILE.format(port=port, api=pair.http_url))
    with (tmp_path / "caddy.log").open("wb") as log:
        caddy = subprocess.Popen(
            [COMMANDS / "caddy", "run", "--config", file, "--adapter", "caddyfile"], stdout=log, stderr=log
        )
    try:
        assert any(is_up(f"http://127.0.0.1:{port}") for _ in deadline()), (tmp_path / "caddy.log").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        caddy.kill()
        caddy.wait(DEADLINE_SECONDS)


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/health", verify=False).status_code == 200
    except httpx.TransportError:
        return False


async def test_a_stream_passes_a_proxy_that_compresses_every_other_response(pair: Pair, url: str) -> None:
    address = make_mailbox(pair.database_url)
    async with client(url) as http:
        polled = await http.get("/api/inbox/poll", params={"address": address})
        async with http.stream("GET", "/api/inbox/stream", params={"address": address}) as response:
            encoding = response.headers.get("content-encoding")
        async with asyncio.timeout(DEADLINE_SECONDS), aclosing(stream(http, address)) as events:
            first = asyncio.ensure_future(anext(events))
            await store(pair.database_url, address, message("a"))
            event = await first

    assert polled.headers["content-encoding"] == "gzip"
    assert encoding is None
    assert event.data["subject"] == "a"
