"""The contract of the API: each promise of the kept OpenAPI document is still made. New promises are welcome."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from contract.promises import promises
from support import api_document

from http_api.openapi import document

KEPT = Path(__file__).with_name("openapi.json")
ADVICE = "if that is intended: .venv/bin/python tests/contract/renew.py --breaking, and a line in CHANGELOG.md"

Json = dict[str, object]


def read(octets: bytes) -> Json:
    return msgspec.json.decode(octets, type=Json)


def at(node: object, *names: str) -> Json:
    """The object below these names."""
    for name in names:
        assert isinstance(node, dict)
        node = node[name]
    assert isinstance(node, dict)
    return node


def parameters(contract: Json, path: str) -> list[Json]:
    """The parameters of the GET there, to be changed."""
    found = at(contract, "paths", path, "get")["parameters"]
    assert isinstance(found, list)
    return found


def response(contract: Json, path: str, method: str, status: str) -> Json:
    return at(contract, "paths", path, method, "responses", status)


def examples(contract: Json, path: str, method: str, status: str) -> Json:
    return at(response(contract, path, method, status), "content", "application/problem+json", "examples")


def schema(contract: Json, name: str) -> Json:
    return at(contract, "components", "schemas", name)


@pytest.fixture
def kept() -> Json:
    return read(KEPT.read_bytes())


def test_no_promise_of_the_contract_is_gone(kept: Json) -> None:
    current = read(document.encode(api_document.application().openapi_schema))

    gone = sorted(promises(kept) - promises(current))

    assert not gone, "\n".join(["gone from the API:", *gone, ADVICE])


def test_the_kept_document_is_sorted_and_indented() -> None:
    written = KEPT.read_bytes()

    assert written == msgspec.json.format(msgspec.json.encode(read(written), order="sorted"), indent=1) + b"\n"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda it: at(it, "paths").pop("/api/domains"), "/api/domains"),
        (lambda it: at(it, "paths", "/api/inbox").pop("patch"), "PATCH /api/inbox"),
        (
            lambda it: parameters(it, "/api/inbox/poll").pop(1),
            "GET /api/inbox/poll: parameter since in query",
        ),
        (
            lambda it: parameters(it, "/api/inbox/poll")[1].update(required=True),
            "GET /api/inbox/poll: parameter since in query may be left out",
        ),
        (
            lambda it: parameters(it, "/api/messages/{message_id}/attachments/{number}").pop(),
            "GET /api/messages/{message_id}/attachments/{number}: parameter If-Range in header",
        ),
        (
            lambda it: at(schema(it, "NewAddress"), "properties").pop("exact"),
            "POST /api/temporary-address: request property exact",
        ),
        (
            lambda it: schema(it, "NewAddress").update(required=["username"]),
            "POST /api/temporary-address: request property username may be left out",
        ),
        (
            lambda it: at(it, "paths", "/api/temporary-address", "post", "requestBody").update(required=True),
            "POST /api/temporary-address: request may be left out",
        ),
        (
            lambda it: at(schema(it, "Code"), "properties").pop("value"),
            "GET /api/inbox/poll: 200 property messages[].codes[].value",
        ),
        (
            lambda it: at(schema(it, "NearMiss"), "properties").pop("failed"),
            "GET /api/inbox/wait: 404 property near_misses[].failed",
        ),
        (
            lambda it: schema(it, "Inbox").update(required=[]),
            "GET /api/inbox: 200 property last_seq is always there",
        ),
        (
            lambda it: at(schema(it, "Attachment"), "properties", "size").update(type="string"),
            "GET /api/messages/{message_id}: 200 property attachments[].size is integer",
        ),
        (
            lambda it: at(schema(it, "Link"), "properties", "kind").update(enum=["verify"]),
            "GET /api/inbox/poll: 200 property messages[].links[].kind may be 'reset'",
        ),
        (
            lambda it: at(it, "paths", "/api/messages/{message_id}/source", "get", "responses").pop("304"),
            "GET /api/messages/{message_id}/source: 304",
        ),
        (
            lambda it: at(response(it, "/api/inbox/wait", "get", "200"), "content").pop("text/plain"),
            "GET /api/inbox/wait: 200 text/plain",
        ),
        (
            lambda it: at(response(it, "/api/messages/{message_id}", "get", "200"), "headers").pop("ETag"),
            "GET /api/messages/{message_id}: 200 header ETag",
        ),
        (
            lambda it: examples(it, "/api/temporary-address", "post", "409").pop("address_taken"),
            "POST /api/temporary-address: 409 code address_taken",
        ),
        (lambda it: at(it, "components", "responses").pop("no_such_call"), "any call: code no_such_call"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_a_change_that_breaks_clients_is_found(kept: Json, change: Callable[[Json], object], line: str) -> None:
    before = promises(kept)

    change(kept)

    assert line in before - promises(kept)


def test_a_schema_may_be_renamed(kept: Json) -> None:
    renamed = read(KEPT.read_bytes().replace(b"ListedMessage", b"MessageSummary"))

    assert promises(renamed) == promises(kept)


def test_an_addition_breaks_nothing(kept: Json) -> None:
    before = promises(kept)

    at(kept, "paths")["/api/new"] = at(kept, "paths", "/api/domains")
    at(schema(kept, "ListedMessage"), "properties")["size_class"] = {"type": "string"}
    at(schema(kept, "NewAddress"), "properties")["note"] = {"type": "string"}
    parameters(kept, "/api/inbox/poll").append({"name": "unseen", "in": "query", "schema": {"type": "boolean"}})

    assert before < promises(kept)
