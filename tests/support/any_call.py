"""Calls that nobody thought of, made from the OpenAPI document, and whether their answers are as it says."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.schemas import OpenApiSchema
from support.calls import Known, make_known
from support.harness import DEADLINE_SECONDS, Pair

if TYPE_CHECKING:  # where they are names for the type checker alone
    from schemathesis.specs.openapi.schemas import OpenApiCase, OpenApiOperation

_CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
]


def document(pair: Pair) -> OpenApiSchema:
    """What the pair says of itself."""
    return schemathesis.openapi.from_dict(httpx.get(f"{pair.http_url}/api/openapi.json").json())


def operations(schema: OpenApiSchema) -> Iterator["OpenApiOperation"]:
    """Every call."""
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def try_calls(pair: Pair, operation: "OpenApiOperation", *, cases: int, is_random: bool = False) -> None:
    """Make so many calls of this kind, with made-up values and known ones; raises what is wrong with an answer.

    Those that wait do so for a second at most.
    """
    make = _maker(pair)
    kept = [make(is_private) for is_private in (False, True)]
    # What deletes gets one of its own each time.
    known = st.sampled_from(kept) if operation.method != "delete" else st.booleans().map(make)
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    calls = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))

    @settings(
        max_examples=cases,
        derandomize=not is_random,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=calls, known=st.none() | known, number=st.sampled_from([None, 0, 1]))
    def try_one(case: "OpenApiCase", known: Known | None, number: int | None) -> None:
        if known:
            _put_in(case, known, number)
        _shorten(case)
        case.validate_response(_answer(pair, case), checks=_CHECKS)

    try_one()


def _maker(pair: Pair) -> Callable[[bool], Known]:
    return lambda is_private: asyncio.run(make_known(pair.database_url, is_private=is_private))


def _put_in(case: "OpenApiCase", known: Known, number: int | None) -> None:
    """Name what is there in place of what was made up."""
    if "address" in case.query:
        case.query["address"] = known.address
    if "message_id" in case.path_parameters:
        case.path_parameters["message_id"] = known.message_ids[-1]
    if "number" in case.path_parameters and number is not None:
        case.path_parameters["number"] = number
    if known.token:
        case.headers["Authorization"] = f"Bearer {known.token}"


def _shorten(case: "OpenApiCase") -> None:
    for name, most in (("wait", 0.1), ("timeout", 1)):
        if isinstance(case.query.get(name), int | float):
            case.query[name] = min(case.query[name], most)
    if any(each.name == "timeout" for each in case.operation.query):
        case.query.setdefault("timeout", 1)


def _answer(pair: Pair, case: "OpenApiCase") -> requests.Response:
    """The answer; of one that has no end, the beginning."""
    asked = case.as_transport_kwargs(base_url=pair.http_url)
    with requests.request(**asked, timeout=DEADLINE_SECONDS, stream=True) as answer:
        if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            answer._content = next(answer.iter_content(None))  # noqa: SLF001  # it has no other place for a part
        else:
            answer.content  # noqa: B018  # read while the connection is there
        return answer
