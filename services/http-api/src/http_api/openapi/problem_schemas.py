"""Schemas of problems that a program tells apart by `code`, for calls that have problems with members of their own."""

from collections.abc import Sequence
from dataclasses import replace

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Reference, Schema

from http_api.openapi import litestar_fixes
from http_api.protocol.problems import PROBLEM_JSON

_PROBLEM = "Problem"
_PREFIX = "#/components/schemas/"


def tell_apart(operation: Operation, schemas: dict[str, Schema]) -> None:
    """Give each `code` of such a call a schema, in which the code is a constant."""
    contents = [response.content or {} for response in litestar_fixes.responses_of(operation).values()]
    problems = [content[PROBLEM_JSON] for content in contents if PROBLEM_JSON in content]
    if any(each.value != _PROBLEM for media in problems for each in _variants(media)):
        for media in problems:
            schemas_by_code = _by_code(media, _variants(media), schemas)
            media.schema = schemas_by_code[0] if len(schemas_by_code) == 1 else Schema(any_of=schemas_by_code)


def _variants(media: OpenAPIMediaType) -> list[Reference]:
    schema = media.schema
    variants = [schema] if isinstance(schema, Reference) else (schema and schema.any_of) or ()
    return [each for each in variants if isinstance(each, Reference)]


def _by_code(media: OpenAPIMediaType, variants: Sequence[Reference], schemas: dict[str, Schema]) -> list[Reference]:
    others = [each for each in variants if each.value != _PROBLEM]
    known = {_code(schemas[each.value]) for each in others}
    plain = [code for code in media.examples or () if code not in known]
    problem = schemas[_PROBLEM]
    for code in plain:
        properties = {**(problem.properties or {}), "code": Schema(type=OpenAPIType.STRING, const=code)}
        schemas[_name(code)] = replace(problem, title=_name(code), properties=properties)
    return [*(Reference(ref=f"{_PREFIX}{_name(code)}") for code in plain), *others]


def _code(schema: Schema) -> object:
    code = (schema.properties or {}).get("code")
    return code.const if isinstance(code, Schema) else None


def _name(code: str) -> str:
    return "".join(word.capitalize() for word in code.split("_"))
