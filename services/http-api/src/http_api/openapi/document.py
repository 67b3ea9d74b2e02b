"""GET /api/openapi.json: all calls in one document, and in it what they have in common."""

from collections.abc import Mapping
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
    Schema,
    SecurityScheme,
)
from litestar.serialization import encode_json
from msgspec import to_builtins

from http_api.openapi import litestar_fixes
from http_api.openapi.responses import example_of
from http_api.protocol.problems import PROBLEM_JSON, ProblemType

OPTIONAL_TOKEN: list[dict[str, list[str]]] = [{"token": []}, {}]
DESCRIPTION = """\
Temporary mailboxes: make one, give its address away, and read what arrives.

A private mailbox, and all that is in it, answers to its token alone (`Authorization: Bearer …`); without it every call
about it answers as for a mailbox that does not exist. An open one needs none.

Every answer that is no success is a problem (RFC 9457) with a stable `code`. Beside those that a call names there are
`no_such_call` for a path that is none, `method_not_allowed` for a method that a path has not (`Allow` says what it has)
and `internal_error`. `HEAD` answers wherever `GET` does. Times are RFC 3339, in UTC and with microseconds."""

_RATE_LIMIT_FIELDS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy")
_EVENT_STREAM = "text/event-stream"  # which has no counts, see the edge
_FIELDS_OF_STATUS: Mapping[str, tuple[str, ...]] = {
    "206": ("Content-Range",),
    "416": ("Content-Range",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}
# The problems of any call, which no call names.
_OF_ANY_CALL = (ProblemType.NO_SUCH_CALL, ProblemType.METHOD_NOT_ALLOWED, ProblemType.INTERNAL_ERROR)


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
        each.code: OpenAPIResponse(
            description=each.title,
            content={
                PROBLEM_JSON: OpenAPIMediaType(
                    schema=Reference(ref="#/components/schemas/Problem"),
                    examples={each.code: Example(value=to_builtins(each))},
                )
            },
        )
        for each in map(example_of, _OF_ANY_CALL)
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
        for operation in vars(path).values():
            if isinstance(operation, Operation):
                litestar_fixes.fix(operation, document.components.schemas)
                _add_common_parts(operation)
    return encode_json(document.to_schema())


def _add_common_parts(operation: Operation) -> None:
    """Add the references to the header fields and the parameters that calls have in common."""
    responses = litestar_fixes.responses_of(operation)
    for status, response in responses.items():
        names = chain(
            () if _EVENT_STREAM in (response.content or {}) else _RATE_LIMIT_FIELDS,
            _FIELDS_OF_STATUS.get(status, ()),
            ("ETag",) if "304" in responses and status in {"200", "206", "304"} else (),
            ("Accept-Ranges", "Content-Disposition") if "206" in responses and status in {"200", "206"} else (),
        )
        response.headers = {name: Reference(ref=f"#/components/headers/{name}") for name in names}
    common = ["If-None-Match"] if "304" in responses else []
    common += ["Range", "If-Range"] if "206" in responses else []
    operation.parameters = [
        *(operation.parameters or ()),
        *(Reference(ref=f"#/components/parameters/{name}") for name in common),
    ]
