"""A client of the API, with its streams and its error responses."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import httpx
import msgspec


def client(url: str, headers: Sequence[tuple[str, str]] = ()) -> httpx.AsyncClient:
    """Return a client of the API over plain HTTP; it loads no certificates, which would take long."""
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=30, verify=False)


class StreamedEvent(msgspec.Struct, frozen=True):
    """One server-sent event; `id` is "" for an event without an id."""

    event: str
    id: str
    data: dict[str, object]


async def stream(
    http: httpx.AsyncClient, address: str, *, last_event_id: str | None = None, **parameters: str
) -> AsyncGenerator[StreamedEvent, None]:
    """Yield the events of a mailbox's stream until the server ends it."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
    async with http.stream(
        "GET", "/api/inbox/stream", params={"address": address, **parameters}, headers=headers
    ) as response:
        assert response.status_code == 200, response
        async for event in events(response):
            yield event


async def events(response: httpx.Response) -> AsyncIterator[StreamedEvent]:
    """Yield the events of a response that is a stream."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        else:
            if "data" in fields:
                yield StreamedEvent(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
            fields = {}


def problem(response: httpx.Response) -> dict[str, object]:
    """Return the members of an error response, after checks of what all errors share (RFC 9457)."""
    assert response.headers["content-type"] == "application/problem+json"
    members: dict[str, object] = response.json()
    assert members["status"] == response.status_code
    assert members["title"]
    assert members["code"]
    assert str(members["detail"]).endswith(".")
    assert members["error"] == members["detail"]
    return members
