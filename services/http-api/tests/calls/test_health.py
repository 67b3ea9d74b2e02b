"""GET /api/health: the call of monitors and of the first frontend."""

import httpx
import pytest


@pytest.mark.parametrize("accept", [None, "*/*", "text/plain", "text/html,*/*;q=0.8"])
async def test_a_healthy_service_responds_ok(http: httpx.AsyncClient, accept: str | None) -> None:
    answer = await http.get("/api/health", headers={"Accept": accept} if accept else {})

    assert (answer.status_code, answer.content) == (200, b"OK")
    assert answer.headers["content-type"].partition(";")[0] == "text/plain"


async def test_a_client_that_accepts_json_gets_the_status_as_json(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/health", headers={"Accept": "application/json"})

    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert answer.headers["content-type"] == "application/json"


async def test_the_response_is_not_cached(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/health")

    assert answer.headers["cache-control"] == "no-store"
