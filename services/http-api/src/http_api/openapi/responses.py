"""The responses of a call in the OpenAPI document: the shape of each, an example, and every `code`."""

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import UnionType

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from msgspec import to_builtins

from fake_email.errors import ServiceError
from http_api.protocol import problems
from http_api.protocol.problems import PROBLEM_JSON, Problem, ProblemType

Responses = dict[int, ResponseSpec]

# The values of the `{name}`s in the sentences.
_EXAMPLE_VALUES = {
    "sentence": "address: 'ann' is not an address, as in name@example.org.",
    "path": "/api/nowhere",
    "method": "PUT",
    "octets": 4,
    "number": 60,
    "things": "calls",
    "seconds": 21,
}


def json_response(example: msgspec.Struct, *, status: int = 200) -> Responses:
    """A response of the example's type; the first line of the type's docstring describes it."""
    description = (type(example).__doc__ or "").partition("\n")[0]
    examples = [Example(value=to_builtins(example))]
    return {status: ResponseSpec(type(example), description=description, examples=examples, generate_examples=False)}


def media_response(media_type: str, description: str, *, example: str, status: int = 200) -> Responses:
    """A response of another media type than JSON."""
    return {
        status: ResponseSpec(
            str,
            media_type=media_type,
            description=description,
            examples=[Example(value=example)],
            generate_examples=False,
        )
    }


def empty_response(status: int, description: str) -> Responses:
    """A response without content."""
    return {status: ResponseSpec(None, description=description, generate_examples=False)}


def or_plain_text(example: str, *, is_usual: bool = False) -> type[Operation]:
    """The `operation_class` of a call whose 200 is text/plain if the client prefers that to JSON.

    Generated clients take the first media type and send no `Accept`: with `is_usual`, that is the text.
    """

    @dataclass
    class OrPlainText(Operation):
        def __post_init__(self) -> None:
            success = (self.responses or {})["200"]
            if isinstance(success, OpenAPIResponse) and success.content:
                text = OpenAPIMediaType(
                    schema=Schema(type=OpenAPIType.STRING), examples={"plain": Example(value=example)}
                )
                json = success.content
                success.content = {"text/plain": text} | json if is_usual else json | {"text/plain": text}

    return OrPlainText


def error_responses(
    *errors: type[ServiceError], has_body: bool = False, needs_database: bool = True, more: Sequence[Problem] = ()
) -> Responses:
    """One response for each status of the errors, with an example of each `code`.

    `more` has examples of problems that have members of their own.
    """
    types = [problems.OF_ERROR[error] for error in errors]
    types += [ProblemType.BODY_TOO_SLOW, ProblemType.BODY_TOO_LARGE] if has_body else []
    types += [ProblemType.DATABASE_AWAY] if needs_database else []
    types += [ProblemType.RATE_LIMITED, ProblemType.OVERLOADED]
    by_status: dict[int, list[Problem]] = {}
    for each in sorted([*map(example_of, types), *more], key=lambda each: each.status):
        by_status.setdefault(each.status, []).append(each)
    return {
        status: ResponseSpec(
            _union_of_types(examples),
            media_type=PROBLEM_JSON,
            description=HTTPStatus(status).phrase,
            examples=[Example(id=each.code, value=to_builtins(each)) for each in examples],
            generate_examples=False,
        )
        for status, examples in by_status.items()
    }


def example_of(problem_type: ProblemType) -> Problem:
    """A problem of this type, with example values in its sentence."""
    return problems.problem(problem_type, field=None, **_EXAMPLE_VALUES)


def _union_of_types(examples: Sequence[Problem]) -> type[Problem] | UnionType:
    first, *others = {type(each): None for each in examples}
    return functools.reduce(operator.or_, others, first)
