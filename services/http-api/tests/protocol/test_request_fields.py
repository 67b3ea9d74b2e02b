"""The fields of a request: each one that the service reads is read whole by one reader, or is refused when repeated."""

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import calls
from support.api_document import read
from support.calls import make_known
from support.harness import Pair, running_http
from support.http_client import client, problem

import http_api
from http_api.protocol import request_fields

SOURCES = Path(http_api.__file__).parent
READERS = {"get", "getall", "joined"}
FAILED_TOKENS = 3


def names_read(program: ast.Module) -> Iterator[str]:
    """The names of fields that a module takes from `headers`, or from a parameter that is a field."""
    for node in ast.walk(program):
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr=reader), args=[*_, ast.Constant(value=name)]) if (
                reader == "joined"
            ):
                yield text(name)
            case ast.Call(func=ast.Attribute(value=owner, attr=reader), args=[ast.Constant(value=name), *_]) if (
                reader in READERS and ast.unparse(owner).endswith("headers")
            ):
                yield text(name)
            case ast.Subscript(value=ast.Name(id="headers"), slice=ast.Constant(value=name), ctx=ast.Load()):
                yield text(name)
            case ast.Compare(left=ast.Constant(value=name), comparators=[ast.Name(id="headers")]):
                yield text(name)
            case ast.Call(func=ast.Name(id="HeaderParameter"), keywords=[*options]):
                yield from (
                    text(each.value.value)
                    for each in options
                    if each.arg == "name" and isinstance(each.value, ast.Constant)
                )


def text(name: object) -> str:
    assert isinstance(name, (str, bytes))
    return (name.decode() if isinstance(name, bytes) else name).lower()


def test_each_field_that_the_service_reads_is_a_list_or_may_be_sent_once() -> None:
    found = {name for path in SOURCES.rglob("*.py") for name in names_read(ast.parse(path.read_text()))}
    documented = {
        parameter.name.lower()
        for methods in read().paths.values()
        for operation in methods.values()
        for parameter in read().parameters(operation)
        if parameter.place == "header"
    }

    known = {name.lower() for name in (*request_fields.SENT_ONCE, *request_fields.LISTS)}
    assert found | documented == known


@pytest.mark.parametrize("call", calls.CALLS, ids=str)
async def test_a_call_with_a_repeated_field_is_refused(pair: Pair, call: calls.Call) -> None:
    call = call.about_known(await make_known(pair.database_url))
    refused = {}
    for name in request_fields.SENT_ONCE:
        async with client(pair.http_url, [(name, "x"), (name.lower(), "x")]) as http:
            response = await calls.answer(http, call)
        refused[name] = (response.status_code, problem(response)["code"], problem(response)["field"])

    assert refused == {name: (400, "bad_input", name) for name in request_fields.SENT_ONCE}


@pytest.mark.parametrize("name", request_fields.SENT_ONCE)
async def test_a_preflight_with_a_repeated_field_is_refused(pair: Pair, name: str) -> None:
    fields = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    repeated = [*fields.items(), (name, fields.get(name, "x"))] + [(name, "x")] * (name not in fields)
    async with client(pair.http_url, repeated) as http:
        response = await http.options("/api/temporary-address")

    assert (response.status_code, problem(response)["field"]) == (400, name)


@pytest.mark.parametrize(
    "lines",
    [["text/html", "application/json"], ["application/json", "text/html"], ["text/html, application/json"]],
)
async def test_the_lines_of_a_list_are_one_list(pair: Pair, lines: list[str]) -> None:
    async with client(pair.http_url) as http:
        response = await http.get("/api/health", headers=[("Accept", line) for line in lines])

    assert response.json() == {"status": "ok"}


async def test_a_preflight_may_announce_its_fields_in_several_lines(pair: Pair) -> None:
    announced = [("Access-Control-Request-Headers", name) for name in ("x-other", "content-type")]
    fields = [("Origin", "http://mail.page.test"), ("Access-Control-Request-Method", "POST")]
    async with client(pair.http_url, [*fields, *announced]) as http:
        response = await http.options("/api/temporary-address")

    assert "access-control-allow-origin" not in response.headers  # the first line names a field that no call takes


@pytest.fixture(scope="module")
def limited(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """An http-api with a limit of failed tokens; 127.0.0.1 is its proxy."""
    settings = {"FAILED_TOKENS_PER_MINUTE": str(FAILED_TOKENS), "TRUSTED_PROXIES": "127.0.0.1"}
    with running_http(pair.database_url, tmp_path_factory.mktemp("limited"), **settings) as limited:
        yield limited


@pytest.mark.parametrize(
    ("other", "is_first", "visitor"),
    [
        (other, is_first, f"198.51.100.{number}")
        for number, (other, is_first) in enumerate(itertools.product(["Basic x", "", "Bearer other"], [True, False]))
    ],
)
async def test_a_second_authorization_field_lets_no_token_pass_uncounted(
    limited: Pair, other: str, visitor: str, *, is_first: bool
) -> None:
    async with client(limited.http_url, [("X-Forwarded-For", visitor)]) as http:
        statuses = []
        for number in range(FAILED_TOKENS + 2):
            values = [f"Bearer wrong{number}", other]
            headers = [("Authorization", value) for value in (values if is_first else reversed(values))]
            response = await http.get("/api/inbox/poll?address=missing@mx.test", headers=headers)
            statuses.append(response.status_code)

    assert 404 not in statuses
