"""Corrections of the OpenAPI document that Litestar makes of the calls."""

from collections.abc import Mapping

from litestar.openapi.spec import (
    Example,
    OpenAPIFormat,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)

from http_api.protocol.problems import PROBLEM_JSON

_BINARY = frozenset({"*/*", "application/octet-stream", "message/rfc822"})

# A response has every property of these, also one that is its default. Litestar takes null out of the examples, so the
# document does not promise what may be null.
_WHOLE = frozenset({"Authentication", "MethodResult", "SignatureResult", "DmarcResult"})

Schemas = dict[str, Schema]


def fix(operation: Operation, schemas: Schemas) -> None:
    """Correct the operation in place, and the schemas of its request body."""
    responses = responses_of(operation)
    if "400" in responses and PROBLEM_JSON not in (responses["400"].content or {}):
        # Litestar adds a 400 of its own to each call with parameters, also where the call names none.
        del responses["400"]
    for response in responses.values():
        _fix_response(response)
    operation.responses = {**responses}
    if operation.security == [{}]:
        # Both mean that the call takes no token, but generated clients ask for one where the list is not empty.
        operation.security = []
    for parameter in parameters_of(operation):
        _fix_parameter(parameter)
    if isinstance(operation.request_body, RequestBody):
        _fix_body(operation.request_body, schemas)


def fix_schemas(schemas: Schemas) -> None:
    """Correct the schemas in place."""
    for name, schema in schemas.items():
        properties = {each: _without_null_in_enum(found) for each, found in (schema.properties or {}).items()}
        if properties:
            schema.properties = properties
        if name in _WHOLE:
            schema.required = sorted(each for each, found in properties.items() if not _is_nullable(found))


def responses_of(operation: Operation) -> dict[str, OpenAPIResponse]:
    """The responses of the operation by status, without those that are references."""
    return {
        status: response
        for status, response in (operation.responses or {}).items()
        if isinstance(response, OpenAPIResponse)
    }


def parameters_of(operation: Operation) -> list[Parameter]:
    """The parameters of the operation, without those that are references."""
    return [each for each in operation.parameters or () if isinstance(each, Parameter)]


def _fix_response(response: OpenAPIResponse) -> None:
    for media_type, media in (response.content or {}).items():
        if media_type in _BINARY and isinstance(media.schema, Schema):
            media.schema.format = OpenAPIFormat.BINARY
        media.examples = _without_ids(media.examples)
        # A problem with more members is also a Problem, so it is valid under two of the schemas.
        if isinstance(media.schema, Schema) and media.schema.one_of:
            media.schema.any_of, media.schema.one_of = media.schema.one_of, None


def _fix_parameter(parameter: Parameter) -> None:
    """Take null out of the schema: a client leaves the parameter out instead, since a URL has no null."""
    parameter.examples = _without_ids(parameter.examples)
    schema = parameter.schema
    if isinstance(schema, Schema) and schema.one_of:
        [not_null] = [each for each in schema.one_of if isinstance(each, Schema) and each.type != OpenAPIType.NULL]
        schema.type, schema.items, schema.one_of = not_null.type, not_null.items, None


def _fix_body(body: RequestBody, schemas: Schemas) -> None:
    for media in body.content.values():
        schema = media.schema
        variants = schema.one_of or () if isinstance(schema, Schema) else ()
        body.required = not any(isinstance(each, Schema) and each.type == OpenAPIType.NULL for each in variants)
        for each in (schema, *variants):
            if isinstance(each, Reference):
                schemas[each.value].additional_properties = False
        with_examples = schemas[schema.value] if isinstance(schema, Reference) else schema
        if with_examples:
            examples = enumerate(with_examples.examples or (), 1)
            media.examples = {f"example-{number}": Example(value=value) for number, value in examples}


def _without_null_in_enum(schema: Schema | Reference) -> Schema | Reference:
    """The values and null as two variants, as all other types have them."""
    if not isinstance(schema, Schema) or None not in (schema.enum or ()):
        return schema
    values = Schema(type=OpenAPIType.STRING, enum=[each for each in schema.enum or () if each is not None])
    return Schema(one_of=[values, Schema(type=OpenAPIType.NULL)])


def _is_nullable(schema: Schema | Reference) -> bool:
    variants = schema.one_of or () if isinstance(schema, Schema) else ()
    return any(isinstance(each, Schema) and each.type == OpenAPIType.NULL for each in variants)


def _without_ids(examples: Mapping[str, Example | Reference] | None) -> dict[str, Example | Reference]:
    """The examples without `id`, in which Litestar repeats the name of each, and which OpenAPI does not know."""
    return {
        name: Example(value=each.value) if isinstance(each, Example) else each
        for name, each in (examples or {}).items()
    }
