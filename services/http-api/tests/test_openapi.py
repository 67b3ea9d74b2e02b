"""GET /api/openapi.json: what a client can be made from."""

import httpx
import msgspec
import pytest


class Shape(msgspec.Struct, frozen=True):
    """A schema, as far as it names fields or refers to one that does."""

    ref: str | None = msgspec.field(default=None, name="$ref")
    one_of: list["Shape"] = msgspec.field(default_factory=list, name="oneOf")
    properties: dict[str, msgspec.Raw] = {}
    required: list[str] = []


class Media(msgspec.Struct, frozen=True):
    schema: Shape


class Body(msgspec.Struct, frozen=True):
    content: dict[str, Media] = {}


class Parameter(msgspec.Struct, frozen=True):
    name: str
    place: str = msgspec.field(name="in")
    required: bool = False


class Operation(msgspec.Struct, frozen=True, rename="camel"):
    responses: dict[str, Body]
    description: str
    parameters: list[Parameter] = []
    request_body: Body = Body()


class Components(msgspec.Struct, frozen=True):
    schemas: dict[str, Shape]


class Document(msgspec.Struct, frozen=True):
    openapi: str
    paths: dict[str, dict[str, Operation]]
    components: Components

    def fields(self, media: Media) -> set[str]:
        """Of the object that a body holds."""
        [ref] = [each.ref for each in (media.schema, *media.schema.one_of) if each.ref]
        return set(self.components.schemas[ref.rpartition("/")[2]].properties)


@pytest.fixture
async def document(http: httpx.AsyncClient) -> Document:
    return msgspec.json.decode((await http.get("/api/openapi.json")).content, type=Document)


async def test_the_document_is_json_of_openapi_3_1(http: httpx.AsyncClient, document: Document) -> None:
    answer = await http.get("/api/openapi.json", headers={"Accept": "text/html"})

    assert answer.status_code == 200
    assert answer.headers["content-type"].endswith("json")
    assert document.openapi.startswith("3.1.")


async def test_it_describes_each_call_and_nothing_else(document: Document) -> None:
    calls = {(method, path) for path, methods in document.paths.items() for method in methods}

    assert calls == {
        ("get", "/api/health"),
        ("post", "/api/temporary-address"),
        ("get", "/api/inbox/poll"),
        ("get", "/api/inbox/stream"),
        ("get", "/api/messages/{message_id}/source"),
    }


async def test_each_call_says_what_it_does_and_how_it_fails(document: Document) -> None:
    failures = {
        path: {status for status, body in operation.responses.items() if "application/problem+json" in body.content}
        for path, methods in document.paths.items()
        for operation in methods.values()
    }

    assert all(operation.description for methods in document.paths.values() for operation in methods.values())
    assert failures == {
        "/api/health": {"429", "503"},
        "/api/temporary-address": {"400", "409", "413", "429", "503"},
        "/api/inbox/poll": {"400", "404", "429", "503"},
        "/api/inbox/stream": {"400", "404", "429", "503"},
        "/api/messages/{message_id}/source": {"404", "429", "503"},
    }


async def test_it_names_the_fields_of_a_wish(document: Document) -> None:
    wish = document.paths["/api/temporary-address"]["post"].request_body.content["application/json"]

    assert document.fields(wish) == {"username", "domain", "private", "ttl_seconds"}


async def test_it_names_the_fields_of_an_address(document: Document) -> None:
    made = document.paths["/api/temporary-address"]["post"].responses["200"].content["application/json"]

    assert document.fields(made) == {"temp_email_addr", "expires_at", "token"}


async def test_it_names_the_fields_of_a_page(document: Document) -> None:
    page = document.paths["/api/inbox/poll"]["get"].responses["200"].content["application/json"]

    assert document.fields(page) == {"temp_email_addr", "new_mail_count", "next_since", "messages"}


async def test_it_names_every_field_of_a_message(document: Document) -> None:
    message = document.components.schemas["ListedMessage"]

    contract = {"id", "seq", "from_addr", "to_addr", "subject", "body_text", "received_at", "truncated"}
    assert contract <= set(message.required) == set(message.properties)


async def test_it_names_the_fields_of_a_problem(document: Document) -> None:
    problem = document.paths["/api/inbox/poll"]["get"].responses["404"].content["application/problem+json"]

    assert document.fields(problem) == {"title", "status", "detail", "code", "error", "field"}


async def test_it_names_the_parameters_of_a_poll(document: Document) -> None:
    parameters = document.paths["/api/inbox/poll"]["get"].parameters

    assert {(each.name, each.place) for each in parameters} == {
        ("address", "query"),
        ("since", "query"),
        ("wait", "query"),
        ("limit", "query"),
        ("Authorization", "header"),
    }
    assert [each.name for each in parameters if each.required] == ["address"]


async def test_it_names_the_parameters_of_a_stream(document: Document) -> None:
    parameters = document.paths["/api/inbox/stream"]["get"].parameters

    assert {(each.name, each.place) for each in parameters} == {
        ("address", "query"),
        ("since", "query"),
        ("access_token", "query"),
        ("Last-Event-ID", "header"),
        ("Authorization", "header"),
    }
    assert [each.name for each in parameters if each.required] == ["address"]


async def test_a_stream_and_health_have_types_of_their_own(document: Document) -> None:
    assert set(document.paths["/api/inbox/stream"]["get"].responses["200"].content) == {"text/event-stream"}
    assert set(document.paths["/api/health"]["get"].responses["200"].content) == {"text/plain"}
