"""What the OpenAPI document says of the answers to a call: their shapes, an example of each, every `code`."""

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

from fake_email.errors import DatabaseAway, ServiceError
from http_api.protocol.problems import FACTS, PROBLEM_JSON, BadInput, Problem, RangeNotSatisfiable, problem

Responses = dict[int, ResponseSpec]

_BODY_TOO_LARGE = (413, "body_too_large", "The body is larger than 16 KiB.")
_BAD_INPUT = (400, "bad_input", "address: 'ann' is not an address, as in name@example.org.")
_RANGE = (416, "range_not_satisfiable", "Range: it lies behind the end; there are 4 octets.")
_RATE_LIMITED = (429, "rate_limited", "There were more than 60 of these calls in a minute; come back in 21 seconds.")
_OTHERS = {BadInput: _BAD_INPUT, RangeNotSatisfiable: _RANGE}


def answered(example: msgspec.Struct, *, status: int = 200, media_type: str = "application/json") -> Responses:
    """An answer of the example's shape."""
    description = (type(example).__doc__ or HTTPStatus(status).phrase).partition("\n")[0]
    examples = [Example(value=to_builtins(example))]
    return {
        status: ResponseSpec(
            type(example),
            media_type=media_type,
            description=description,
            examples=examples,
            generate_examples=False,
        )
    }


def octets(media_type: str, description: str, *, example: str, status: int = 200) -> Responses:
    """An answer that is of another form than JSON."""
    return {
        status: ResponseSpec(
            str,
            media_type=media_type,
            description=description,
            examples=[Example(value=example)],
            generate_examples=False,
        )
    }


def nothing(status: int, description: str) -> Responses:
    """An answer that is a head alone."""
    return {status: ResponseSpec(None, description=description, generate_examples=False)}


def plain_too(example: str) -> type[Operation]:
    """A call that answers text/plain to whoever asks for that."""

    @dataclass
    class PlainToo(Operation):
        def __post_init__(self) -> None:
            success = (self.responses or {})["200"]
            if isinstance(success, OpenAPIResponse) and success.content:
                success.content["text/plain"] = OpenAPIMediaType(
                    schema=Schema(type=OpenAPIType.STRING), examples={"plain": Example(value=example)}
                )

    return PlainToo


def failures(
    *facts: type[ServiceError], has_body: bool = False, needs_database: bool = True, also: Sequence[Problem] = ()
) -> Responses:
    """The answers that are problems: one for each status, with an example of each `code`.

    `also`: problems that have more members, as examples.
    """
    told = [_OTHERS.get(fact) or FACTS[fact] for fact in facts]
    told += [_BODY_TOO_LARGE] if has_body else []
    told += [FACTS[DatabaseAway]] if needs_database else []
    told.append(_RATE_LIMITED)
    problems = [*(problem(status, code=code, sentence=sentence) for status, code, sentence in told), *also]
    return {
        status: ResponseSpec(
            _kind([each for each in problems if each.status == status]),
            media_type=PROBLEM_JSON,
            description=HTTPStatus(status).phrase,
            examples=[Example(id=each.code, value=to_builtins(each)) for each in problems if each.status == status],
            generate_examples=False,
        )
        for status in sorted({each.status for each in problems})
    }


def _kind(problems: Sequence[Problem]) -> type[Problem] | UnionType:
    """The shape of these, or the shapes."""
    first, *others = {type(each): None for each in problems}
    return functools.reduce(operator.or_, others, first)
