"""GET /api/health: what a monitor, and the first frontend, ask."""

import httpx
import pytest


@pytest.mark.parametrize("accept", [None, "*/*", "text/plain", "text/html,*/*;q=0.8"])
async def test_a_service_that_can_do_its_work_says_ok(http: httpx.AsyncClient, accept: str | None) -> None:
    answer = await http.get("/api/health", headers={"Accept": accept} if accept else {})

    assert (answer.status_code, answer.content) == (200, b"OK")
    assert answer.headers["content-type"].partition(";")[0] == "text/plain"


async def test_who_accepts_json_gets_the_status_as_json(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/health", headers={"Accept": "application/json"})

    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert answer.headers["content-type"] == "application/json"


async def test_health_is_asked_anew_each_time(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/health")

    assert answer.headers["cache-control"] == "no-store"
