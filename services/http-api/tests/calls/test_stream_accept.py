"""A stream is sent to clients that accept text/event-stream (RFC 9110 §12.5.1)."""

import httpx
import pytest
from support.http_client import problem


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "text/event-stream",
        "TEXT/Event-Stream",
        "text/*",
        "text/event-stream;charset=utf-8",
        "application/json, text/event-stream;q=0.1",
        "application/json;q=0.9, */*;q=0.001",
        "text/html, text/*; q=0.5",
        "text/*;q=0, text/event-stream",
        "text/event-stream;q=junk",
        "nonsense, */*",
    ],
)
async def test_a_client_that_accepts_event_streams_gets_one(
    http: httpx.AsyncClient, address: str, accept: str | None
) -> None:
    if accept is None:
        del http.headers["Accept"]
    else:
        http.headers["Accept"] = accept

    async with http.stream("GET", "/api/inbox/stream", params={"address": address}) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "text/html, application/xhtml+xml",
        "text/event-stream;q=0",
        "*/*, text/event-stream;q=0",
        "text/*;q=0.0, */*",
        "text/event-streams",
        "event-stream",
        ";;;,,,",
    ],
)
async def test_a_client_that_does_not_is_told_what_to_accept(
    http: httpx.AsyncClient, address: str, accept: str
) -> None:
    answer = await http.get("/api/inbox/stream", params={"address": address}, headers={"Accept": accept})

    members = problem(answer)
    assert (answer.status_code, members["code"]) == (406, "not_acceptable")
    assert "text/event-stream" in str(members["detail"])


async def test_two_accept_fields_count_as_one(http: httpx.AsyncClient, address: str) -> None:
    headers = [("Accept", "application/json"), ("Accept", "text/event-stream")]
    del http.headers["Accept"]

    async with http.stream("GET", "/api/inbox/stream", params={"address": address}, headers=headers) as answer:
        assert answer.status_code == 200
