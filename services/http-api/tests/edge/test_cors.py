"""Web pages of listed origins may call the API from a browser (Fetch Standard, "CORS protocol"), and no others."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from support import calls
from support.api_document import read
from support.calls import CALLS, Call, make_known
from support.harness import Pair, running_http
from support.http_client import client

from fake_email.doctor import web_check
from fake_email.doctor.http_call import Site
from http_api.edge.cors import AllowedOrigins

LISTED = "http://localhost:3000"
ORIGINS = f"{LISTED}, https://my-app.vercel.app, https://my-app-*.vercel.app"
ALLOWED = [
    LISTED,
    "https://my-app.vercel.app",
    "https://my-app-1.vercel.app",
    "https://my-app-git-main-me.vercel.app",
]
FOREIGN = [
    "null",
    "http://localhost",
    "http://localhost:30000",
    "https://localhost:3000",
    "http://localhost:3000.evil.test",
    "http://my-app.vercel.app",
    "https://my-app.vercel.app:8443",
    "https://my-app-.vercel.app",
    "https://my-app-*.vercel.app",
    "https://my-app-1.evil.vercel.app",
    "https://my-app-evil.test/.vercel.app",
    "https://my-app-evil.test?.vercel.app",
    "https://my-app-evil.test#.vercel.app",
    "https://my-app-x@evil.test:.vercel.app",
    "https://my-app-1xvercel.app",
    "https://my-app-1.vercel.app.evil.test",
    "https://my-app-1.vercel.app:8443",
    "https://evil.test/https://my-app-1.vercel.app",
    "evilhttps://my-app-1.vercel.app",
    "https://my-app-1.vercel.app, https://evil.test",
]


@pytest.fixture(scope="module")
def service(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Another http-api on the database of the pair, which lists origins."""
    with running_http(pair.database_url, tmp_path_factory.mktemp("cors"), CORS_ALLOWED_ORIGINS=ORIGINS) as service:
        yield service


@pytest.fixture
async def http(service: Pair) -> AsyncIterator[httpx.AsyncClient]:
    async with client(service.http_url) as http:
        yield http


def preflight(origin: str, method: str = "POST", headers: str = "content-type") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


async def stream_headers(http: httpx.AsyncClient, address: str, **headers: str) -> httpx.Headers:
    async with http.stream("GET", "/api/inbox/stream", params={"address": address}, headers=headers) as answer:
        assert answer.status_code == 200
        return answer.headers


def test_the_doctor_s_preflight_is_allowed_for_the_listed_origins_alone(service: Pair) -> None:
    site = Site(url=service.http_url)
    origins = [each.strip() for each in ORIGINS.split(",")]

    assert [web_check.preflight(site, origin).id for origin in origins] == ["passed"] * len(origins)
    assert web_check.preflight(site, "https://evil.test").id == "cors_denied"


@pytest.mark.parametrize("origin", ALLOWED)
async def test_a_web_page_of_a_listed_origin_may_read_responses(http: httpx.AsyncClient, origin: str) -> None:
    answer = await http.get("/api/health", headers={"Origin": origin})

    assert answer.headers["access-control-allow-origin"] == origin
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_web_page_of_another_origin_may_not_read_responses(http: httpx.AsyncClient, origin: str) -> None:
    answer = await http.get("/api/health", headers={"Origin": origin})

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", ALLOWED)
async def test_a_web_page_of_a_listed_origin_may_send_the_methods_and_fields_of_the_calls(
    http: httpx.AsyncClient, origin: str
) -> None:
    asked = preflight(origin, "POST", "authorization,content-type,last-event-id")

    answer = await http.options("/api/temporary-address", headers=asked)

    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, origin)
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert {"authorization", "content-type", "last-event-id"} <= set(allowed)
    assert "Origin" in answer.headers["vary"]


async def test_libraries_in_place_of_eventsource_may_send_their_fields(http: httpx.AsyncClient) -> None:
    fields = "accept,authorization,cache-control,last-event-id,x-requested-with"

    answer = await http.options("/api/inbox/stream", headers=preflight(LISTED, "GET", fields))

    assert answer.headers["access-control-allow-origin"] == LISTED
    assert {"cache-control", "x-requested-with"} <= set(answer.headers["access-control-allow-headers"].split(", "))


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_a_page_of_a_listed_origin_may_make_every_call(
    service: Pair, http: httpx.AsyncClient, call: Call
) -> None:
    call = call.about_known(await make_known(service.database_url))

    asked = await http.options(call.path, headers=preflight(LISTED, call.method, "authorization,content-type"))
    answer = await calls.answer(http, call, Origin=LISTED)

    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, LISTED)
    assert call.method in asked.headers["access-control-allow-methods"].split(", ")
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (call.status, LISTED)


@pytest.mark.parametrize("origin", FOREIGN)
async def test_the_preflight_of_a_web_page_of_another_origin_fails(http: httpx.AsyncClient, origin: str) -> None:
    answer = await http.options("/api/temporary-address", headers=preflight(origin))

    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(("method", "header"), [("PUT", "content-type"), ("POST", "x-other")])
async def test_a_method_or_field_that_no_call_takes_is_not_allowed(
    http: httpx.AsyncClient, method: str, header: str
) -> None:
    answer = await http.options("/api/temporary-address", headers=preflight(LISTED, method, header))

    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/inbox/poll", 400), ("/api/inbox/poll?address=missing@nowhere.test", 404), ("/nowhere", 404)],
)
async def test_a_web_page_may_read_error_responses_too(http: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await http.get(path, headers={"Origin": LISTED})

    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, LISTED)


async def test_a_web_page_may_read_streams_too(http: httpx.AsyncClient, address: str) -> None:
    headers = await stream_headers(http, address, Origin=LISTED)

    assert headers["access-control-allow-origin"] == LISTED


async def test_the_stream_of_one_web_page_allows_nothing_to_another(http: httpx.AsyncClient, address: str) -> None:
    await stream_headers(http, address, Origin=LISTED)

    of_another_page = await stream_headers(http, address, Origin="https://evil.test")
    of_no_page = await stream_headers(http, address)

    assert "access-control-allow-origin" not in of_another_page
    assert not [name for name in of_no_page if name.startswith("access-control-")]


async def test_cookies_are_never_asked_for(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/health", headers={"Origin": LISTED, "Cookie": "a=b"})

    assert "access-control-allow-credentials" not in answer.headers


async def test_without_listed_origins_no_web_page_may_read_anything(pair: Pair) -> None:
    async with client(pair.http_url) as http:
        answer = await http.get("/api/health", headers={"Origin": LISTED})

    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(("origin", "method"), [("https://evil.test", "POST"), (LISTED, "PUT")])
async def test_a_preflight_that_fails_gets_the_response_of_any_options(
    http: httpx.AsyncClient, origin: str, method: str
) -> None:
    answer = await http.options("/api/temporary-address", headers=preflight(origin, method))

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "OPTIONS, POST"


def test_a_web_page_may_read_each_header_field_that_the_document_names() -> None:
    documented = {
        name.lower()
        for _, operation in read().operations()
        for body in operation.responses.values()
        for name in body.headers
    }
    headers = dict(AllowedOrigins((LISTED,)).response_headers(LISTED.encode()))

    exposed = set(headers[b"access-control-expose-headers"].decode().split(", "))

    assert {"message-seq", "next-since"} < documented
    assert documented <= exposed
    # Those that are of HTTP itself need no description.
    assert exposed - documented == {"content-length", "date", "location"}
