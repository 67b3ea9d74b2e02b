"""GET /api/version: the version of the release."""

import importlib.metadata

import httpx


async def test_the_version_is_that_of_the_package(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/version")

    assert answer.status_code == 200
    assert answer.json() == {"version": importlib.metadata.version("http-api")}
