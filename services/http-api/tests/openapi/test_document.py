"""GET /api/openapi.json: the document that clients are generated from."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import aclosing

import httpx
import jsonschema_rs
import msgspec
import pytest
import schemathesis
from support import calls
from support.api_document import PROBLEM_JSON, Body, Document, Media, Operation, Shape, application
from support.calls import CALLS, Call, make_known
from support.database import end_check
from support.harness import Pair
from support.http_client import stream
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS

from http_api.openapi import document as openapi_document
from http_api.openapi import properties
from http_api.protocol.problems import ProblemType

WAITED_FOR = {"address", "since", "from", "subject", "text", "has", "query", "timeout"}


@pytest.fixture
async def octets(http: httpx.AsyncClient) -> bytes:
    return (await http.get("/api/openapi.json")).content


@pytest.fixture
def document(octets: bytes) -> Document:
    return msgspec.json.decode(octets, type=Document)


def with_examples(node: object) -> Iterator[tuple[object, object]]:
    """Each schema below `node` that has examples, with each of its examples."""
    if isinstance(node, dict):
        for example in node["examples"].values() if "schema" in node and "examples" in node else ():
            yield node["schema"], example["value"]
        for each in node.values():
            yield from with_examples(each)
    elif isinstance(node, list):
        for each in node:
            yield from with_examples(each)


def is_about_something(operation: Operation) -> bool:
    """True for a call about a mailbox or a message, which may be private."""
    return any(each.name in {"address", "message_id"} for each in operation.parameters)


def failures(operation: Operation) -> set[str]:
    """The statuses of the error responses."""
    return {status for status, body in operation.responses.items() if PROBLEM_JSON in body.content}


def codes(bodies: Mapping[str, Body]) -> set[tuple[str, object]]:
    """The status and the code of each example of a problem."""
    return {
        (str(example.value["status"]), example.value["code"])
        for body in bodies.values()
        for example in body.content.get(PROBLEM_JSON, Media(schema=Shape())).examples.values()
        if isinstance(example.value, dict)
    }


async def test_the_document_is_json_of_openapi_3_1(http: httpx.AsyncClient, document: Document) -> None:
    answer = await http.get("/api/openapi.json", headers={"Accept": "text/html"})

    assert answer.status_code == 200
    assert answer.headers["content-type"].endswith("json")
    assert document.openapi.startswith("3.1.")


def test_the_document_is_valid(octets: bytes) -> None:
    schemathesis.openapi.from_dict(msgspec.json.decode(octets, type=dict[str, object])).validate()


def test_the_document_describes_exactly_the_calls(document: Document) -> None:
    routes = {
        f"{method.lower()} {route.path_format}"
        for route in application().routes
        for method in route.methods
        if method != "OPTIONS" and not route.path_format.startswith("/api/openapi.json")
    }

    assert {name for name, _ in document.operations()} == routes


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_a_request_made_of_the_examples_succeeds(pair: Pair, http: httpx.AsyncClient, call: Call) -> None:
    answer = await calls.answer(http, call.about_known(await make_known(pair.database_url)))

    assert answer.status_code == call.status, (
        f"{answer.text}\nGive the call examples that make a valid request, "
        "or its parameter a place in tests/support/calls.py."
    )


def test_each_call_parameter_and_response_has_a_description(document: Document) -> None:
    for name, operation in document.operations():
        assert operation.description, name
        assert all(each.description for each in operation.responses.values()), name
        assert all(each.description for each in operation.parameters if not each.ref), name
    assert all(each.description for each in document.components.parameters.values())


def test_each_parameter_body_and_response_has_an_example(document: Document) -> None:
    for name, operation in document.operations():
        for body in (operation.request_body, *operation.responses.values()):
            assert all(media.examples for media in body.content.values()), (name, body)
        assert all(each.examples for each in operation.parameters if not each.ref), name
    assert all(each.examples for each in document.components.parameters.values())


def test_each_example_is_valid_under_its_schema(octets: bytes) -> None:
    document = msgspec.json.decode(octets, type=dict[str, object])

    found = list(with_examples(document))

    assert len(found) > 100
    for schema, example in found:
        jsonschema_rs.validate({"components": document["components"], "allOf": [schema]}, example)


def test_the_codes_in_the_document_are_exactly_those_of_the_table(document: Document) -> None:
    known = {(str(each.status), each.code) for each in ProblemType}

    documented = [codes(operation.responses) for _, operation in document.operations()]

    assert set().union(codes(document.components.responses), *documented) == known


def test_a_problem_is_under_its_own_status(document: Document) -> None:
    for name, operation in document.operations():
        for status, body in operation.responses.items():
            assert {each for each, _ in codes({status: body})} <= {status}, name


def test_each_call_has_the_errors_of_its_parameters_and_its_body(document: Document) -> None:
    for name, operation in document.operations():
        has_body = bool(operation.request_body.content)
        expected = {
            "400": name != "get /api/health",
            "404": is_about_something(operation) or name == "post /api/tickets",
            "413": has_body,
            "416": "206" in operation.responses,
            "429": True,
        }

        assert {status: status in failures(operation) for status in expected} == expected, name


@pytest.mark.parametrize(
    ("status", "names"),
    [
        ("403", {"post /api/temporary-address", "post /api/tickets"}),
        ("406", {"get /api/inbox/stream"}),
        ("409", {"post /api/temporary-address", "patch /api/inbox", "delete /api/inbox", "get /api/inbox/wait"}),
    ],
)
def test_a_call_has_the_errors_of_its_own(document: Document, status: str, names: set[str]) -> None:
    assert names <= {name for name, operation in document.operations() if status in failures(operation)}


def test_no_call_has_another_error_status(document: Document) -> None:
    for name, operation in document.operations():
        assert failures(operation) <= {"400", "403", "404", "406", "408", "409", "413", "416", "429", "503"}, name


def test_every_response_except_a_stream_has_the_rate_limit_fields(document: Document) -> None:
    limit = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy"}
    bodies = [body for _, each in document.operations() for body in each.responses.values()]

    streams = [body for body in bodies if "text/event-stream" in body.content]

    assert not any(limit & set(body.headers) for body in streams)
    assert all(limit <= set(body.headers) for body in bodies if body not in streams)


def test_a_response_that_asks_to_retry_has_retry_after(document: Document) -> None:
    later = {status: body for _, each in document.operations() for status, body in each.responses.items()}

    assert "Retry-After" in later["429"].headers
    assert "Retry-After" in later["503"].headers


@pytest.mark.parametrize("status", ["204", "304"])
def test_a_response_without_content_has_no_media_type(document: Document, status: str) -> None:
    found = [each.responses[status] for _, each in document.operations() if status in each.responses]

    assert found
    assert not any(each.content for each in found)


def test_a_bearer_token_is_optional_for_each_call_about_a_mailbox_or_message(document: Document) -> None:
    assert document.components.security_schemes["token"]["scheme"] == "bearer"
    assert document.security == [{"token": []}, {}]
    for name, operation in document.operations():
        assert operation.security == (None if is_about_something(operation) else []), name


def test_the_options_of_a_new_mailbox_have_their_fields(document: Document) -> None:
    body = document.paths["/api/temporary-address"]["post"].request_body

    assert document.fields(body.content["application/json"]) == {
        *("username", "domain", "private", "exact", "ttl_seconds", "authentication")
    }
    assert not body.required


def test_a_patch_needs_a_body(document: Document) -> None:
    changes = [methods["patch"] for methods in document.paths.values() if "patch" in methods]

    assert changes
    assert all(each.request_body.required for each in changes)


def test_a_new_address_has_its_fields(document: Document) -> None:
    made = document.paths["/api/temporary-address"]["post"].responses["200"].content["application/json"]

    assert document.fields(made) == {"temp_email_addr", "expires_at", "token"}


def test_a_page_has_its_fields(document: Document) -> None:
    page = document.paths["/api/inbox/poll"]["get"].responses["200"].content["application/json"]

    assert document.fields(page) == {"temp_email_addr", "new_mail_count", "next_since", "messages", "next_before"}


def test_a_listed_message_has_its_fields(document: Document) -> None:
    message = document.components.schemas["ListedMessage"]

    contract = {"id", "seq", "from_addr", "to_addr", "subject", "body_text", "received_at", "truncated"}
    assert contract <= set(message.required) == set(message.properties)


def test_a_problem_has_its_fields(document: Document) -> None:
    problem = document.paths["/api/inbox/poll"]["get"].responses["404"].content[PROBLEM_JSON]

    assert document.fields(problem) == {"title", "status", "detail", "code", "error", "field"}


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/api/inbox", {"address", "ticket"}),
        ("/api/inbox/poll", {"address", "since", "before", "wait", "limit", "ticket"}),
        ("/api/inbox/stream", {"address", "since", "access_token", "ticket", "events", "Last-Event-ID", "lastEventId"}),
        ("/api/inbox/wait", {*WAITED_FOR, "unseen", "count", "expect", "ticket"}),
        ("/api/messages/{message_id}/source", {"message_id", "ticket", "If-None-Match"}),
        (
            "/api/messages/{message_id}/attachments/{number}",
            {"message_id", "number", "disposition", "ticket", "If-None-Match", "Range", "If-Range"},
        ),
    ],
)
def test_a_call_has_its_parameters(document: Document, path: str, names: set[str]) -> None:
    parameters = document.parameters(document.paths[path]["get"])

    assert {each.name for each in parameters} == names
    # A stream can do without an address, when it has a ticket.
    required = {"message_id", "number"} if path == "/api/inbox/stream" else {"address", "message_id", "number"}
    assert {each.name for each in parameters if each.required} == names & required


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ("/api/health", {"application/json", "text/plain"}),
        ("/api/inbox/wait", {"application/json", "text/plain"}),
        ("/api/inbox/stream", {"text/event-stream"}),
        ("/api/messages/{message_id}/source", {"message/rfc822"}),
        ("/api/messages/{message_id}/attachments/{number}", {"*/*"}),
    ],
)
def test_a_response_other_than_json_has_its_media_type(document: Document, path: str, types: set[str]) -> None:
    assert set(document.paths[path]["get"].responses["200"].content) == types


OPERATIONS = {
    *("getHealth", "listDomains", "createMailbox", "getMailbox", "updateMailbox", "deleteMailbox", "createTicket"),
    *("listMessages", "searchMessages", "updateMessages", "deleteMessages"),
    *("waitForMessage", "takeMessage", "streamMessages"),
    *("getMessage", "updateMessage", "deleteMessage", "getMessageHtml", "getMessageSource", "getAttachment"),
}


def test_each_operation_has_a_name_that_reads_as_a_function_a_summary_and_a_tag(document: Document) -> None:
    operations = [operation for _, operation in document.operations()]

    names = [operation.operation_id for operation in operations]
    assert sorted(set(names)) == sorted(names)
    assert set(names) >= OPERATIONS
    assert all(re.fullmatch(r"[a-z]+(?:[A-Z][a-z]*)+", name) for name in names)
    assert all(operation.summary and len(operation.tags) == 1 for operation in operations)


def test_each_property_has_a_description_and_no_default(octets: bytes) -> None:
    schemas = msgspec.json.decode(octets)["components"]["schemas"]
    found = {
        f"{name}.{each}": shape
        for name, schema in schemas.items()
        for each, shape in schema.get("properties", {}).items()
    }

    assert len(found) > 100
    assert {name for name, shape in found.items() if not shape.get("description")} == set()
    assert {name for name, shape in found.items() if "default" in shape} == set()


def test_each_description_of_a_property_is_used() -> None:
    schema = application().openapi_schema
    openapi_document.encode(schema)

    used = properties.describe(schema.components.schemas)

    assert used == set(properties.DESCRIPTIONS)


@pytest.mark.parametrize(
    ("schema", "name", "expected"),
    [
        ("ListedMessage", "id", "uuid"),
        ("ListedMessage", "received_at", "date-time"),
        ("ListedMessage", "date", "date-time"),
        ("Inbox", "last_received_at", "date-time"),
        ("TemporaryAddress", "temp_email_addr", "email"),
        ("TemporaryAddress", "expires_at", "date-time"),
        ("NearMiss", "id", "uuid"),
    ],
)
def test_a_property_has_its_format(document: Document, schema: str, name: str, expected: str) -> None:
    found = document.components.schemas[schema].properties[name]

    assert f'"format":"{expected}"' in bytes(found).decode().replace('": "', '":"')


@pytest.mark.parametrize("path", ["/api/inbox/wait", "/api/inbox/take"])
def test_the_problems_of_a_call_that_waits_are_told_apart_by_code(octets: bytes, path: str) -> None:
    raw = msgspec.json.decode(octets)
    [operation] = raw["paths"][path].values()
    schemas = raw["components"]["schemas"]

    for status in operation["responses"].keys() - {"200", "204"}:
        media = operation["responses"][status]["content"][PROBLEM_JSON]
        variants = [each["$ref"].rpartition("/")[2] for each in media["schema"].get("anyOf", [media["schema"]])]
        constants = {schemas[each]["properties"]["code"]["const"] for each in variants}
        assert constants == media["examples"].keys()
        assert len(variants) == len(constants)


async def test_each_event_of_a_stream_is_valid_under_its_schema(
    pair: Pair, http: httpx.AsyncClient, octets: bytes
) -> None:
    components = msgspec.json.decode(octets)["components"]
    known = await make_known(pair.database_url)
    message_path = f"/api/messages/{known.message_ids[0]}"
    got: dict[str, object] = {}
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(stream(http, known.address, events="attempt")) as events:
        async for event in events:
            got[event.event] = event.data
            if event.id == "2":
                async with SmtpClient.connect(pair.smtp_port) as smtp:
                    await smtp.converse(
                        ("EHLO a.test", 250), ("MAIL FROM:<>", 250), (f"RCPT TO:<{known.address}>", 250)
                    )
            elif event.event == "attempt":
                await http.patch(message_path, json={"seen": True})
            elif event.event == "seen":
                assert await end_check(pair.database_url, known.message_ids[0])
            elif event.event == "checked":
                await http.delete(message_path)
            elif event.event == "deleted":
                await http.delete("/api/inbox", params={"address": known.address})

    schemas = components["schemas"]["StreamEvents"]["properties"]
    got["expired"] = {}  # only a stream of a ticket has it: test_ticket_stream
    assert got.keys() == schemas.keys()
    for name, data in got.items():
        jsonschema_rs.validate({"components": components, "allOf": [schemas[name]]}, data)


def test_a_call_that_creates_answers_201_except_that_of_the_first_fake_email(document: Document) -> None:
    created = {
        name: "201" in operation.responses
        for name, operation in document.operations()
        if operation.operation_id.startswith("create")
    }

    assert created == dict.fromkeys(created, True) | {"post /api/temporary-address": False}
