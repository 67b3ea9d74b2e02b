"""The metrics of http-api: those of all of its workers together."""

from collections.abc import Iterator
from contextlib import aclosing

import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair, running_http
from support.http_client import client, stream
from support.metrics import read
from support.waiting import until


@pytest.fixture(scope="module")
def measured(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, str]]:
    """An http-api of two workers on the pair's database, and the address of its metrics."""
    environ = {"HTTP_METRICS_PORT": "0", "HTTP_WORKERS": "2", "CREATIONS_PER_MINUTE": "1"}
    with running_http(pair.database_url, tmp_path_factory.mktemp("measured"), **environ) as api:
        shown = api.services[0].wait_for_event("metrics_listening")
        yield api, f"http://{shown['host']}:{shown['port']}/metrics"


async def test_the_calls_of_all_workers_are_counted_once(measured: tuple[Pair, str]) -> None:
    api, url = measured
    refused, limited = ("http_api_responses_total", "4xx"), ("http_api_limits_reached_total", "creations_per_minute")
    before = read(url)

    for _ in range(20):
        async with client(api.http_url) as http:  # on another connection, which either worker accepts
            assert (await http.get("/metrics")).status_code == 404
    async with client(api.http_url, [("X-Forwarded-For", "192.0.2.7")]) as http:
        assert (await http.post("/api/temporary-address")).status_code == 200
        assert (await http.post("/api/temporary-address")).status_code == 429

    await until(lambda: read(url)[refused] >= before[refused] + 21)
    after = read(url)
    assert after[refused] == before[refused] + 21
    assert after[limited] == before[limited] + 1


async def test_a_message_that_arrives_on_an_open_stream_counts_and_an_older_one_does_not(
    measured: tuple[Pair, str],
) -> None:
    api, url = measured
    address = make_mailbox(api.database_url)
    delivered, streams = ("http_api_stored_to_event_seconds_count",), ("http_api_streams",)
    await store(api.database_url, address, message("older"))
    before = read(url)

    async with client(api.http_url) as http, aclosing(stream(http, address)) as events:
        first = await anext(events)
        await until(lambda: read(url)[streams] == before[streams] + 1)
        await store(api.database_url, address, message("newer"))
        second = await anext(events)
        await until(lambda: read(url)[delivered] > before[delivered])

    assert [first.event, second.event] == ["message", "message"]
    assert read(url)[delivered] == before[delivered] + 1
