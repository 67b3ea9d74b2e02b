"""Generated calls from the OpenAPI document, and checks of the responses against it."""

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
from support.harness import Pair
from support.waiting import DEADLINE_SECONDS, deadline

if TYPE_CHECKING:  # these names exist for the type checker only
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
    """Return the pair's OpenAPI document."""
    return schemathesis.openapi.from_dict(httpx.get(f"{pair.http_url}/api/openapi.json").json())


def operations(schema: OpenApiSchema) -> Iterator["OpenApiOperation"]:
    """Yield every call of the API."""
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def try_calls(pair: Pair, operation: "OpenApiOperation", *, cases: int, is_random: bool = False) -> None:
    """Make `cases` calls of one operation, with generated and known values; raises for a response that fails a check.

    A waiting call waits for a second at most.
    """
    make = _maker(pair)
    kept = [make(is_private) for is_private in (False, True)]
    # Each call that deletes gets a mailbox of its own.
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
            _use_known(case, known, number)
        _shorten(case)
        case.validate_response(_send(pair, case), checks=_CHECKS)

    try_one()


def _maker(pair: Pair) -> Callable[[bool], Known]:
    return lambda is_private: asyncio.run(make_known(pair.database_url, is_private=is_private))


def _use_known(case: "OpenApiCase", known: Known, number: int | None) -> None:
    """Replace the generated address, message, part number and token with known ones."""
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


def _send(pair: Pair, case: "OpenApiCase") -> requests.Response:
    """Make the call, again while the database of a busy machine is late, and return the response."""
    for _ in deadline():
        response = _send_once(pair, case)
        if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
    return response


def _send_once(pair: Pair, case: "OpenApiCase") -> requests.Response:
    """Make the call and return the response; of a stream, only the first chunk."""
    request = case.as_transport_kwargs(base_url=pair.http_url)
    with requests.request(**request, timeout=DEADLINE_SECONDS, stream=True) as response:
        if response.headers.get("Content-Type", "").startswith("text/event-stream"):
            response._content = next(response.iter_content(None))  # noqa: SLF001  # the only way to set a part of it
        else:
            response.content  # noqa: B018  # read while the connection is open
        return response
