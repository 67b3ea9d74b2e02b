"""GET /api/openapi.json: all calls in one document, and in it what they have in common."""

from collections.abc import Mapping
from http import HTTPStatus
from itertools import chain

from litestar import Request
from litestar.datastructures import State
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    Example,
    OpenAPI,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)
from litestar.serialization import encode_json
from msgspec import to_builtins

from http_api.protocol.problems import EVERYWHERE, PROBLEM_JSON, problem

OPTIONAL_TOKEN: list[dict[str, list[str]]] = [{"token": []}, {}]
DESCRIPTION = """\
Temporary mailboxes: make one, give its address away, and read what arrives.

A private mailbox, and all that is in it, answers to its token alone (`Authorization: Bearer …`); without it every call
about it answers as for a mailbox that does not exist. An open one needs none.

Every answer that is no success is a problem (RFC 9457) with a stable `code`. Beside those that a call names there are
`no_such_call` for a path that is none, `method_not_allowed` for a method that a path has not (`Allow` says what it has)
and `internal_error`. `HEAD` answers wherever `GET` does. Times are RFC 3339, in UTC and with microseconds."""

_COUNTED = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy")
_EVENT_STREAM = "text/event-stream"  # which has no counts, see the edge
_OF_STATUS: Mapping[str, tuple[str, ...]] = {
    "206": ("Content-Range",),
    "416": ("Content-Range",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}
Schemas = dict[str, Schema]

_METHODS = ("get", "post", "patch", "delete")


def _header(description: str, example: str | int, kind: OpenAPIType = OpenAPIType.STRING) -> OpenAPIHeader:
    return OpenAPIHeader(
        description=description, required=True, schema=Schema(type=kind), examples={"example": Example(value=example)}
    )


def _parameter(name: str, description: str, example: str) -> Parameter:
    return Parameter(
        name=name,
        param_in="header",
        description=description,
        schema=Schema(type=OpenAPIType.STRING),
        examples={"example": Example(value=example)},
    )


COMPONENTS = Components(
    security_schemes={
        "token": SecurityScheme(
            type="http", scheme="bearer", description="The token that a private mailbox was made with."
        )
    },
    headers={
        "RateLimit-Limit": _header("How often the limit that is nearest lets you.", 60_000, OpenAPIType.INTEGER),
        "RateLimit-Remaining": _header("How much of it is left.", 59_981, OpenAPIType.INTEGER),
        "RateLimit-Reset": _header("In how many seconds all of it is back.", 42, OpenAPIType.INTEGER),
        "RateLimit-Policy": _header("The limit, and its window in seconds.", "60000;w=60"),
        "Retry-After": _header("In how many seconds to ask again.", 21, OpenAPIType.INTEGER),
        "ETag": _header("What to say in If-None-Match.", '"019c13749a317c5e8f4e4a6f0b8f3c11-0"'),
        "Content-Range": _header("Which octets these are, of how many.", "bytes 0-3/48112"),
        "Accept-Ranges": _header("That ranges of octets are answered.", "bytes"),
        "Content-Disposition": _header("That it is to be saved, and under what name.", 'attachment; filename="a.pdf"'),
    },
    parameters={
        "If-None-Match": _parameter("If-None-Match", "The ETag of the answer that you have.", '"019c13749a31-0"'),
        "Range": _parameter("Range", "Which octets are wanted; one range.", "bytes=0-3"),
        "If-Range": _parameter("If-Range", "Answer the range only while this is the ETag.", '"019c13749a31-0"'),
    },
    responses={
        code: OpenAPIResponse(
            description=HTTPStatus(status).phrase,
            content={
                PROBLEM_JSON: OpenAPIMediaType(
                    schema=Reference(ref="#/components/schemas/Problem"),
                    examples={code: Example(value=to_builtins(problem(status, code=code, sentence=sentence)))},
                )
            },
        )
        for status, code, sentence in EVERYWHERE
    },
)


class Document(JsonRenderPlugin):
    """Litestar's document, completed when somebody first asks for it."""

    def __init__(self) -> None:
        super().__init__(path="/")
        self._octets = b""

    def render(
        self,
        request: Request[object, object, State],
        openapi_schema: dict[str, object],  # noqa: ARG002  # of what it was made from, the types are known
    ) -> bytes:
        if not self._octets:
            self._octets = encode(request.app.openapi_schema)
        return self._octets


def encode(document: OpenAPI) -> bytes:
    """Complete `document` in place, so only once, and return it as JSON."""
    for path in (document.paths or {}).values():
        operations: list[Operation | None] = [getattr(path, method) for method in _METHODS]
        for operation in operations:
            if operation:
                _complete(operation, document.components.schemas)
    return encode_json(document.to_schema())


def _complete(operation: Operation, schemas: Schemas) -> None:
    answers = {name: each for name, each in (operation.responses or {}).items() if isinstance(each, OpenAPIResponse)}
    if "400" in answers and PROBLEM_JSON not in (answers["400"].content or {}):
        # Litestar's own, of whatever takes parameters; where the call names none, there is none.
        del answers["400"]
    for status, answer in answers.items():
        _complete_answer(status, answer, answers)
    operation.responses = {**answers}
    parameters = [each for each in operation.parameters or () if isinstance(each, Parameter)]
    for parameter in parameters:
        _complete_parameter(parameter)
    named = ["If-None-Match"] if "304" in answers else []
    named += ["Range", "If-Range"] if "206" in answers else []
    operation.parameters = [*parameters, *(Reference(ref=f"#/components/parameters/{name}") for name in named)]
    if isinstance(operation.request_body, RequestBody):
        _complete_body(operation.request_body, schemas)


def _complete_answer(status: str, answer: OpenAPIResponse, all_of_them: Mapping[str, OpenAPIResponse]) -> None:
    has_tag = "304" in all_of_them and status in {"200", "206", "304"}
    is_file = "206" in all_of_them and status in {"200", "206"}
    names = chain(
        () if _EVENT_STREAM in (answer.content or {}) else _COUNTED,
        _OF_STATUS.get(status, ()),
        ("ETag",) if has_tag else (),
        ("Accept-Ranges", "Content-Disposition") if is_file else (),
    )
    answer.headers = {name: Reference(ref=f"#/components/headers/{name}") for name in names}
    for media in (answer.content or {}).values():
        media.examples = _without_ids(media.examples)
        # A problem with more members is a problem too.
        if isinstance(media.schema, Schema) and media.schema.one_of:
            media.schema.any_of, media.schema.one_of = media.schema.one_of, None


def _complete_parameter(parameter: Parameter) -> None:
    """A parameter may be left out; there is no null in a URL."""
    parameter.examples = _without_ids(parameter.examples)
    schema = parameter.schema
    if isinstance(schema, Schema) and schema.one_of:
        [kind] = [each for each in schema.one_of if isinstance(each, Schema) and each.type != OpenAPIType.NULL]
        schema.type, schema.items, schema.one_of = kind.type, kind.items, None


def _complete_body(body: RequestBody, schemas: Schemas) -> None:
    for media in body.content.values():
        schema = media.schema
        kinds = schema.one_of or () if isinstance(schema, Schema) else ()
        body.required = not any(isinstance(each, Schema) and each.type == OpenAPIType.NULL for each in kinds)
        for each in (schema, *kinds):
            if isinstance(each, Reference):
                schemas[each.value].additional_properties = False
        described = schemas[schema.value] if isinstance(schema, Reference) else schema
        if described:
            examples = enumerate(described.examples or (), 1)
            media.examples = {f"example-{number}": Example(value=value) for number, value in examples}


def _without_ids(examples: Mapping[str, Example | Reference] | None) -> dict[str, Example | Reference]:
    """Litestar repeats in each the name that it stands under, where OpenAPI has no place for it."""
    return {
        name: Example(value=each.value) if isinstance(each, Example) else each
        for name, each in (examples or {}).items()
    }
