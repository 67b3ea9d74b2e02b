"""GET /api/openapi.json: what a client can be made from."""

from collections.abc import Iterator, Mapping

import httpx
import jsonschema_rs
import msgspec
import pytest
import schemathesis

from http_api.protocol import problems

CALLS = {
    ("get", "/api/health"),
    ("get", "/api/domains"),
    ("post", "/api/temporary-address"),
    ("get", "/api/inbox"),
    ("patch", "/api/inbox"),
    ("delete", "/api/inbox"),
    ("get", "/api/inbox/poll"),
    ("get", "/api/inbox/stream"),
    ("get", "/api/inbox/wait"),
    ("get", "/api/messages/{message_id}"),
    ("patch", "/api/messages/{message_id}"),
    ("delete", "/api/messages/{message_id}"),
    ("get", "/api/messages/{message_id}/html"),
    ("get", "/api/messages/{message_id}/source"),
    ("get", "/api/messages/{message_id}/attachments/{number}"),
}
OPEN_TO_ALL = {"/api/health", "/api/domains", "/api/temporary-address"}
PROBLEM_JSON = "application/problem+json"


class Example(msgspec.Struct, frozen=True):
    value: object


class Shape(msgspec.Struct, frozen=True):
    """A schema, as far as it names fields or refers to one that does."""

    ref: str | None = msgspec.field(default=None, name="$ref")
    one_of: list["Shape"] = msgspec.field(default_factory=list, name="oneOf")
    properties: dict[str, msgspec.Raw] = {}
    required: list[str] = []


class Media(msgspec.Struct, frozen=True):
    schema: Shape
    examples: dict[str, Example] = {}


class Body(msgspec.Struct, frozen=True):
    content: dict[str, Media] = {}
    headers: dict[str, Shape] = {}
    description: str = ""
    required: bool = False


class Parameter(msgspec.Struct, frozen=True):
    name: str = ""
    place: str = msgspec.field(name="in", default="")
    required: bool = False
    description: str = ""
    ref: str = msgspec.field(default="", name="$ref")
    examples: dict[str, Example] = {}


class Operation(msgspec.Struct, frozen=True, rename="camel"):
    responses: dict[str, Body]
    description: str
    parameters: list[Parameter] = []
    request_body: Body = Body()
    security: list[dict[str, list[str]]] | None = None


class Components(msgspec.Struct, frozen=True, rename="camel"):
    schemas: dict[str, Shape]
    responses: dict[str, Body]
    parameters: dict[str, Parameter]
    security_schemes: dict[str, dict[str, str]]


class Document(msgspec.Struct, frozen=True):
    openapi: str
    paths: dict[str, dict[str, Operation]]
    components: Components
    security: list[dict[str, list[str]]]

    def operations(self) -> Iterator[tuple[str, Operation]]:
        for path, methods in self.paths.items():
            for method, operation in methods.items():
                yield f"{method} {path}", operation

    def fields(self, media: Media) -> set[str]:
        """Of the object that a body holds."""
        [ref] = [each.ref for each in (media.schema, *media.schema.one_of) if each.ref]
        return set(self.components.schemas[ref.rpartition("/")[2]].properties)

    def parameters(self, path: str) -> list[Parameter]:
        """Of the GET there."""
        return [
            self.components.parameters[each.ref.rpartition("/")[2]] if each.ref else each
            for each in self.paths[path]["get"].parameters
        ]


@pytest.fixture
async def octets(http: httpx.AsyncClient) -> bytes:
    return (await http.get("/api/openapi.json")).content


@pytest.fixture
def document(octets: bytes) -> Document:
    return msgspec.json.decode(octets, type=Document)


def with_examples(node: object) -> Iterator[tuple[object, object]]:
    """Each example in what is under `node`, behind the schema that it has to be valid under."""
    if isinstance(node, dict):
        for example in node["examples"].values() if "schema" in node and "examples" in node else ():
            yield node["schema"], example["value"]
        for each in node.values():
            yield from with_examples(each)
    elif isinstance(node, list):
        for each in node:
            yield from with_examples(each)


def codes(bodies: Mapping[str, Body]) -> set[tuple[str, object]]:
    """Status and code of each example of a problem."""
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


def test_it_is_valid(octets: bytes) -> None:
    schemathesis.openapi.from_dict(msgspec.json.decode(octets, type=dict[str, object])).validate()


def test_it_describes_each_call_and_nothing_else(document: Document) -> None:
    assert {(method, path) for path, methods in document.paths.items() for method in methods} == CALLS


def test_each_call_parameter_and_answer_is_described(document: Document) -> None:
    for name, operation in document.operations():
        assert operation.description, name
        assert all(each.description for each in operation.responses.values()), name
        assert all(each.description for each in operation.parameters if not each.ref), name
    assert all(each.description for each in document.components.parameters.values())


def test_each_parameter_body_and_answer_has_an_example(document: Document) -> None:
    for name, operation in document.operations():
        for body in (operation.request_body, *operation.responses.values()):
            assert all(media.examples for media in body.content.values()), (name, body)
        assert all(each.examples for each in operation.parameters if not each.ref), name
    assert all(each.examples for each in document.components.parameters.values())


def test_each_example_is_what_its_schema_asks_for(octets: bytes) -> None:
    document = msgspec.json.decode(octets, type=dict[str, object])

    found = list(with_examples(document))

    assert len(found) > 100
    for schema, example in found:
        jsonschema_rs.validate({"components": document["components"], "allOf": [schema]}, example)


def test_every_code_is_in_the_document_and_no_other(document: Document) -> None:
    known = {(str(status), code) for status, code, _ in (*problems.FACTS.values(), *problems.EVERYWHERE)}
    known |= {("400", "bad_input"), ("416", "range_not_satisfiable"), ("429", "rate_limited")}
    known |= {("413", "body_too_large"), ("404", "no_match"), ("409", "unexpected_message")}

    documented = [codes(operation.responses) for _, operation in document.operations()]

    assert set().union(codes(document.components.responses), *documented) == known


def test_a_problem_is_under_its_own_status(document: Document) -> None:
    for name, operation in document.operations():
        for status, body in operation.responses.items():
            assert {each for each, _ in codes({status: body})} <= {status}, name


def test_each_call_says_how_it_fails(document: Document) -> None:
    failures = {
        name: {status for status, body in operation.responses.items() if PROBLEM_JSON in body.content}
        for name, operation in document.operations()
    }

    assert failures == {
        "get /api/health": {"429", "503"},
        "get /api/domains": {"429"},
        "post /api/temporary-address": {"400", "409", "413", "429", "503"},
        "get /api/inbox": {"400", "404", "429", "503"},
        "patch /api/inbox": {"400", "404", "409", "413", "429", "503"},
        "delete /api/inbox": {"400", "404", "409", "429", "503"},
        "get /api/inbox/poll": {"400", "404", "429", "503"},
        "get /api/inbox/stream": {"400", "404", "406", "429", "503"},
        "get /api/inbox/wait": {"400", "404", "409", "429", "503"},
        "get /api/messages/{message_id}": {"404", "429", "503"},
        "patch /api/messages/{message_id}": {"400", "404", "413", "429", "503"},
        "delete /api/messages/{message_id}": {"404", "429", "503"},
        "get /api/messages/{message_id}/source": {"404", "429", "503"},
        "get /api/messages/{message_id}/html": {"400", "404", "429", "503"},
        "get /api/messages/{message_id}/attachments/{number}": {"404", "416", "429", "503"},
    }


def test_every_answer_but_a_stream_says_what_is_left_of_the_limit(document: Document) -> None:
    limit = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy"}
    bodies = [body for _, each in document.operations() for body in each.responses.values()]

    streams = [body for body in bodies if "text/event-stream" in body.content]

    assert not any(limit & set(body.headers) for body in streams)
    assert all(limit <= set(body.headers) for body in bodies if body not in streams)


def test_who_is_to_come_back_is_told_when(document: Document) -> None:
    later = {status: body for _, each in document.operations() for status, body in each.responses.items()}

    assert "Retry-After" in later["429"].headers
    assert "Retry-After" in later["503"].headers


@pytest.mark.parametrize("status", ["204", "304"])
def test_an_answer_that_is_a_head_alone_has_no_content(document: Document, status: str) -> None:
    found = [each.responses[status] for _, each in document.operations() if status in each.responses]

    assert found
    assert not any(each.content for each in found)


def test_a_token_is_a_bearer_and_wanted_of_nobody(document: Document) -> None:
    assert document.components.security_schemes["token"]["scheme"] == "bearer"
    assert document.security == [{"token": []}, {}]
    for path, methods in document.paths.items():
        assert {str(each.security) for each in methods.values()} == {"[{}]" if path in OPEN_TO_ALL else "None"}


def test_it_names_the_fields_of_a_wish(document: Document) -> None:
    body = document.paths["/api/temporary-address"]["post"].request_body

    assert document.fields(body.content["application/json"]) == {
        *("username", "domain", "private", "exact", "ttl_seconds")
    }
    assert not body.required


@pytest.mark.parametrize("path", ["/api/inbox", "/api/messages/{message_id}"])
def test_without_a_body_there_is_nothing_to_change(document: Document, path: str) -> None:
    assert document.paths[path]["patch"].request_body.required


def test_it_names_the_fields_of_an_address(document: Document) -> None:
    made = document.paths["/api/temporary-address"]["post"].responses["200"].content["application/json"]

    assert document.fields(made) == {"temp_email_addr", "expires_at", "token"}


def test_it_names_the_fields_of_a_page(document: Document) -> None:
    page = document.paths["/api/inbox/poll"]["get"].responses["200"].content["application/json"]

    assert document.fields(page) == {"temp_email_addr", "new_mail_count", "next_since", "messages", "next_before"}


def test_it_names_every_field_of_a_message(document: Document) -> None:
    message = document.components.schemas["ListedMessage"]

    contract = {"id", "seq", "from_addr", "to_addr", "subject", "body_text", "received_at", "truncated"}
    assert contract <= set(message.required) == set(message.properties)


def test_it_names_the_fields_of_a_problem(document: Document) -> None:
    problem = document.paths["/api/inbox/poll"]["get"].responses["404"].content[PROBLEM_JSON]

    assert document.fields(problem) == {"title", "status", "detail", "code", "error", "field"}


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/api/inbox", {"address"}),
        ("/api/inbox/poll", {"address", "since", "before", "wait", "limit"}),
        ("/api/inbox/stream", {"address", "since", "access_token", "Last-Event-ID"}),
        ("/api/inbox/wait", {"address", "since", "from", "subject", "text", "has", "expect", "timeout"}),
        ("/api/messages/{message_id}/source", {"message_id", "If-None-Match"}),
        (
            "/api/messages/{message_id}/attachments/{number}",
            {"message_id", "number", "If-None-Match", "Range", "If-Range"},
        ),
    ],
)
def test_it_names_the_parameters_of_a_call(document: Document, path: str, names: set[str]) -> None:
    parameters = document.parameters(path)

    assert {each.name for each in parameters} == names
    assert {each.name for each in parameters if each.required} == names & {"address", "message_id", "number"}


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
def test_what_is_no_json_has_a_type_of_its_own(document: Document, path: str, types: set[str]) -> None:
    assert set(document.paths[path]["get"].responses["200"].content) == types
