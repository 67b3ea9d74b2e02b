"""The promises that an OpenAPI document makes to a client, as one line each. Pure.

`$ref`s are followed and the names of schemas are left out, so that a schema may be renamed.
"""

from collections.abc import Iterator, Mapping

import msgspec

METHODS = ("get", "put", "post", "patch", "delete")


class _Schema(msgspec.Struct, frozen=True, rename="camel"):
    ref: str = msgspec.field(default="", name="$ref")
    type: str = ""
    properties: dict[str, "_Schema"] = {}
    required: list[str] = []
    items: "_Schema | None" = None
    one_of: list["_Schema"] = []
    any_of: list["_Schema"] = []
    enum: list[str] = []


class _Example(msgspec.Struct, frozen=True):
    value: object = None


class _Media(msgspec.Struct, frozen=True):
    schema: _Schema = _Schema()
    examples: dict[str, _Example] = {}


class _Body(msgspec.Struct, frozen=True):
    content: dict[str, _Media] = {}
    headers: dict[str, _Schema] = {}
    required: bool = False


class _Parameter(msgspec.Struct, frozen=True):
    ref: str = msgspec.field(default="", name="$ref")
    name: str = ""
    place: str = msgspec.field(default="", name="in")
    required: bool = False
    schema: _Schema = _Schema()


class _Operation(msgspec.Struct, frozen=True, rename="camel"):
    parameters: list[_Parameter] = []
    request_body: _Body | None = None
    responses: dict[str, _Body] = {}


class _Components(msgspec.Struct, frozen=True):
    schemas: dict[str, _Schema] = {}
    parameters: dict[str, _Parameter] = {}
    responses: dict[str, _Body] = {}


class _Document(msgspec.Struct, frozen=True):
    paths: dict[str, dict[str, _Operation]]
    components: _Components


def promises(document: Mapping[str, object]) -> set[str]:
    """One line for each path, method, parameter, property, status and `code` that a client may rely on."""
    parsed = msgspec.convert(document, _Document)
    lines = set()
    for path, operations in parsed.paths.items():
        lines.add(path)
        for method in set(METHODS) & operations.keys():
            call = f"{method.upper()} {path}"
            lines.add(call)
            lines.update(f"{call}: {line}" for line in _of_request(operations[method], parsed.components))
            lines.update(f"{call}: {line}" for line in _of_responses(operations[method], parsed.components))
    for response in parsed.components.responses.values():
        lines.update(f"any call: code {code}" for media in response.content.values() for code in _codes(media))
    return lines


def _of_request(operation: _Operation, components: _Components) -> Iterator[str]:
    """The parameters and the properties that a client may send, and of these the ones that it may leave out."""
    for each in operation.parameters:
        parameter = components.parameters[_name(each.ref)] if each.ref else each
        name = f"parameter {parameter.name} in {parameter.place}"
        yield name
        yield from (f"{name} accepts {kind}" for kind in _kinds(parameter.schema, components))
        if not parameter.required:
            yield f"{name} may be left out"
    body = operation.request_body
    if body is None:
        return
    if not body.required:
        yield "request may be left out"
    for media_type, media in body.content.items():
        yield f"request {media_type}"
        for name, is_always, schema in _properties(media.schema, components):
            yield f"request property {name}"
            yield from (f"request property {name} accepts {kind}" for kind in _kinds(schema, components))
            if not is_always:
                yield f"request property {name} may be left out"


def _of_responses(operation: _Operation, components: _Components) -> Iterator[str]:
    """The statuses that a client may get, and with each its media types, header fields, properties and codes."""
    for status, response in operation.responses.items():
        yield status
        yield from (f"{status} header {name}" for name in response.headers)
        for media_type, media in response.content.items():
            yield f"{status} {media_type}"
            yield from (f"{status} code {code}" for code in _codes(media))
            for name, is_always, schema in _properties(media.schema, components):
                yield f"{status} property {name}"
                yield f"{status} property {name} is {' or '.join(sorted(_types(schema, components)))}"
                yield from (f"{status} property {name} may be {value!r}" for value in _values(schema, components))
                if is_always:
                    yield f"{status} property {name} is always there"


def _codes(media: _Media) -> Iterator[object]:
    for example in media.examples.values():
        if isinstance(example.value, dict) and "code" in example.value:
            yield example.value["code"]


def _name(ref: str) -> str:
    return ref.rpartition("/")[2]


def _variants(schema: _Schema, components: _Components) -> Iterator[_Schema]:
    """The schemas that a value may have, with each reference followed."""
    if schema.ref:
        yield from _variants(components.schemas[_name(schema.ref)], components)
    elif schema.one_of or schema.any_of:
        for each in (*schema.one_of, *schema.any_of):
            yield from _variants(each, components)
    else:
        yield schema


def _types(schema: _Schema, components: _Components) -> set[str]:
    return {_type(each, components) for each in _variants(schema, components)}


def _type(variant: _Schema, components: _Components) -> str:
    if variant.items:
        return f"array of {' or '.join(sorted(_types(variant.items, components)))}"
    return variant.type or "anything"


def _values(schema: _Schema, components: _Components) -> set[str]:
    """The values of an enumeration, or of an array of an enumeration."""
    found = set[str]()
    for variant in _variants(schema, components):
        found.update(variant.enum, _values(variant.items, components) if variant.items else ())
    return found


def _kinds(schema: _Schema, components: _Components) -> set[str]:
    """The types that a client may send, and the values of an enumeration."""
    return _types(schema, components) | {repr(value) for value in _values(schema, components)}


def _properties(schema: _Schema, components: _Components, prefix: str = "") -> Iterator[tuple[str, bool, _Schema]]:
    """Each property below `schema`: its name, as in `messages[].id`, whether it is always there, and its schema."""
    variants = [each for each in _variants(schema, components) if each.type != "null"]
    for variant in variants:
        if variant.items:
            yield from _properties(variant.items, components, f"{prefix}[]")
        for name, found in variant.properties.items():
            full_name = f"{prefix}.{name}".lstrip(".")
            yield full_name, all(name in each.required for each in variants), found
            yield from _properties(found, components, full_name)
