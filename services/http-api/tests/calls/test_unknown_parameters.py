"""Each call but two refuses a parameter that it does not have; every case is derived from the document."""

import uuid

import httpx
import pytest
from support import calls
from support.api_document import Document, read
from support.calls import CALLS, Call, heads, make_known
from support.database import make_mailbox
from support.harness import Pair
from support.http_client import problem

LENIENT = {"/api/health", "/api/inbox/poll"}
STRICT = [each for each in (*CALLS, *heads(CALLS)) if each.bare_path not in LENIENT]
DOCUMENT: Document = read()
ONCE = [
    (call, each.name)
    for call in CALLS
    if call.bare_path not in LENIENT
    for each in DOCUMENT.parameters(DOCUMENT.paths[call.template][call.method.lower()])
    if each.place == "query" and not each.is_array
]


@pytest.mark.parametrize("name", ["%73ubjekt", "access_tokem=a"])
@pytest.mark.parametrize("call", STRICT, ids=str)
async def test_an_unknown_parameter_is_refused(pair: Pair, http: httpx.AsyncClient, call: Call, name: str) -> None:
    known = await make_known(pair.database_url)

    answer = await calls.answer(http, call.about_known(known).with_query(name))

    assert answer.status_code == 400
    if call.method != "HEAD":
        members = problem(answer)
        assert members["code"] == "bad_input"
        assert members["field"] in {"subjekt", "access_tokem"}


@pytest.mark.parametrize("path", sorted(LENIENT))
async def test_the_calls_of_the_first_fake_email_ignore_an_unknown_parameter(
    pair: Pair, http: httpx.AsyncClient, path: str
) -> None:
    answer = await http.get(path, params={"address": make_mailbox(pair.database_url), "subjekt": "a"})

    assert answer.status_code == 200


@pytest.mark.parametrize(("call", "name"), ONCE, ids=str)
async def test_a_parameter_that_is_not_an_array_may_be_given_once(
    http: httpx.AsyncClient, call: Call, name: str
) -> None:
    answer = await calls.answer(http, call.about("a@mx.test", str(uuid.uuid4())).with_query(f"{name}=1&{name}=1"))

    members = problem(answer)
    assert (answer.status_code, members["field"]) == (400, name)
    assert str(members["error"]).endswith("given twice; give this parameter once.")


async def test_the_nearest_name_stands_in_the_sentence(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/inbox/wait?address=a@mx.test&subjekt=reset")

    assert problem(answer)["error"] == "subjekt: not a parameter of this call; the nearest is subject."


async def test_a_token_in_the_place_of_a_name_is_not_repeated(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/domains?kD3vB0pQ9yWm2fJx7sLz1aRt5uHc8nEo")

    assert answer.status_code == 400
    assert "kD3vB0pQ" not in answer.text
