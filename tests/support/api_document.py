"""The OpenAPI document, as far as tests read it."""

import functools
import warnings
from collections.abc import Iterator

import msgspec
from litestar import Litestar
from litestar.exceptions import LitestarDeprecationWarning

from http_api.app import create_litestar
from http_api.openapi import document

PROBLEM_JSON = "application/problem+json"


class Example(msgspec.Struct, frozen=True):
    value: object


class Shape(msgspec.Struct, frozen=True):
    """A schema, as far as it names fields or refers to a schema that does."""

    ref: str | None = msgspec.field(default=None, name="$ref")
    one_of: list["Shape"] = msgspec.field(default_factory=list, name="oneOf")
    all_of: list["Shape"] = msgspec.field(default_factory=list, name="allOf")
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
    schema: dict[str, object] = {}

    @property
    def is_array(self) -> bool:
        return self.schema.get("type") == "array"


class Operation(msgspec.Struct, frozen=True, rename="camel"):
    responses: dict[str, Body]
    description: str
    operation_id: str
    summary: str = ""
    tags: list[str] = []
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
        """Return the names of the fields of the object that a body holds."""
        [ref] = [each.ref for each in (media.schema, *media.schema.one_of, *media.schema.all_of) if each.ref]
        return set(self.components.schemas[ref.rpartition("/")[2]].properties)

    def parameters(self, operation: Operation) -> list[Parameter]:
        """Return the parameters of a call, those among them that calls share included."""
        return [
            self.components.parameters[each.ref.rpartition("/")[2]] if each.ref else each
            for each in operation.parameters
        ]


@functools.cache
def read() -> Document:
    """Return the document of the sources, without a process that serves them."""
    return msgspec.json.decode(document.encode(application().openapi_schema), type=Document)


def application() -> Litestar:
    """Return the application, which answers nothing, since it is not started."""
    with warnings.catch_warnings():
        # Litestar 3 wants the dependencies of calls written differently; requirements.txt pins Litestar 2.
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        return create_litestar()
