"""GET /api/openapi.json: the document of all calls, and the parts that calls have in common."""

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

from http_api.openapi import litestar_fixes, problem_schemas, properties, stream_events
from http_api.openapi.responses import example_of
from http_api.protocol.problems import PROBLEM_JSON, ProblemType

OPTIONAL_TOKEN: list[dict[str, list[str]]] = [{"token": []}, {}]
DESCRIPTION = """\
Temporary mailboxes: create a mailbox, give its address to a sender, and read the mail that arrives.

A private mailbox and its messages can be read with the token of the mailbox only (`Authorization: Bearer …`). Without
the token, each call responds exactly as for a mailbox that does not exist. An open mailbox needs no token.

Every error response is a problem (RFC 9457) with a stable `code`. Each call lists its codes. Any call may also respond
with `no_such_call` (the API has no such path), `method_not_allowed` (the field `Allow` lists the methods of the path),
`bad_input` (a header field that is no list, such as `Authorization`, is sent twice) or `internal_error`. `HEAD` works
wherever `GET` does.

Times are RFC 3339, in UTC, with microseconds. Sizes are in bytes; their fields are called `octets` or `size`."""

_RATE_LIMIT_FIELDS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy")
_EVENT_STREAM = "text/event-stream"  # a stream has no RateLimit fields; edge/response_headers.py says why
_FIELDS_OF_STATUS: Mapping[str, tuple[str, ...]] = {
    "206": ("Content-Range",),
    "416": ("Content-Range",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}
# The statuses of a search for messages; 404 has its fields with `no_match` only.
_FOUND_OR_NOT = frozenset({"200", "204", "404", "409"})
# The problems of any call, which no call names.
_OF_ANY_CALL = (
    ProblemType.NO_SUCH_CALL,
    ProblemType.METHOD_NOT_ALLOWED,
    ProblemType.BAD_INPUT,
    ProblemType.INTERNAL_ERROR,
)


def _header(
    description: str, example: str | int, value_type: OpenAPIType = OpenAPIType.STRING, *, required: bool = True
) -> OpenAPIHeader:
    return OpenAPIHeader(
        description=description,
        required=required,
        schema=Schema(type=value_type),
        examples={"example": Example(value=example)},
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
            type="http", scheme="bearer", description="The token from the creation of a private mailbox."
        )
    },
    headers={
        "RateLimit-Limit": _header(
            "The size of the rate limit that the client is closest to.", 60_000, OpenAPIType.INTEGER
        ),
        "RateLimit-Remaining": _header("The part of that limit that is left.", 59_981, OpenAPIType.INTEGER),
        "RateLimit-Reset": _header("The seconds until all of that limit is available again.", 42, OpenAPIType.INTEGER),
        "RateLimit-Policy": _header("That limit, and its window in seconds.", "60000;w=60"),
        "Retry-After": _header("The seconds to wait before the next try.", 21, OpenAPIType.INTEGER),
        "Message-Seq": _header(
            "The `seq` of the last message in the response; 0 without one.", 2, OpenAPIType.INTEGER, required=False
        ),
        "Next-Since": _header(
            "The `since` of a call that goes on after this one.", 2, OpenAPIType.INTEGER, required=False
        ),
        "ETag": _header("The entity tag of the response, for If-None-Match.", '"019c13749a317c5e8f4e4a6f0b8f3c11-0"'),
        "Content-Range": _header("The range of bytes in the response, and the size of the whole.", "bytes 0-3/48112"),
        "Accept-Ranges": _header("The call supports ranges of bytes.", "bytes"),
        "Remote-Images-Blocked": _header(
            "The number of images of other hosts that are left out.", 3, OpenAPIType.INTEGER, required=False
        ),
        "Content-Disposition": _header("The file is to be saved, under this name.", 'attachment; filename="a.pdf"'),
    },
    parameters={
        "If-None-Match": _parameter(
            "If-None-Match", "The ETag of the response that the client has.", '"019c13749a31-0"'
        ),
        "Range": _parameter("Range", "The bytes to return; one range.", "bytes=0-3"),
        "If-Range": _parameter("If-Range", "The ETag of the response that the range continues.", '"019c13749a31-0"'),
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
    """Litestar's document, completed on the first request for it."""

    def __init__(self) -> None:
        super().__init__(path="/")
        self._octets = b""

    def render(
        self,
        request: Request[object, object, State],
        openapi_schema: dict[str, object],  # noqa: ARG002  # the types of its parts are lost; app.openapi_schema has them
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
                problem_schemas.tell_apart(operation, document.components.schemas)
                _add_common_parts(operation)
    document.components.schemas.update(stream_events.SCHEMAS)
    litestar_fixes.fix_schemas(document.components.schemas)
    properties.describe(document.components.schemas)
    return encode_json(document.to_schema())


def _add_common_parts(operation: Operation) -> None:
    """Add the references to the header fields and the parameters that calls have in common."""
    responses = litestar_fixes.responses_of(operation)
    searches = ProblemType.NO_MATCH.code in _codes(responses.get("404"))
    for status, response in responses.items():
        names = chain(
            () if _EVENT_STREAM in (response.content or {}) else _RATE_LIMIT_FIELDS,
            _FIELDS_OF_STATUS.get(status, ()),
            ("Message-Seq", "Next-Since") if searches and status in _FOUND_OR_NOT else (),
            ("ETag",) if "304" in responses and status in {"200", "206", "304"} else (),
            ("Remote-Images-Blocked",) if "text/html" in (response.content or {}) else (),
            ("Accept-Ranges", "Content-Disposition") if "206" in responses and status in {"200", "206"} else (),
        )
        response.headers = {name: Reference(ref=f"#/components/headers/{name}") for name in names}
    common = ["If-None-Match"] if "304" in responses else []
    common += ["Range", "If-Range"] if "206" in responses else []
    operation.parameters = [
        *(operation.parameters or ()),
        *(Reference(ref=f"#/components/parameters/{name}") for name in common),
    ]


def _codes(response: OpenAPIResponse | None) -> set[str]:
    """The codes of the problems in a response."""
    media = (response.content or {}).get(PROBLEM_JSON) if response else None
    return set(media.examples or ()) if media else set()
