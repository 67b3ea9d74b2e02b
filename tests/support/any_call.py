"""Calls that nobody thought of, made from the OpenAPI document, and whether their answers are as it says."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import httpx
import msgspec
import psycopg
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.schemas import OpenApiSchema
from support.harness import DEADLINE_SECONDS, Pair, make_mailbox, message, store

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
_STREAM = "/api/inbox/stream"
_WITH_ATTACHMENT = (
    message("123456 is your code").replace(b"\r\n\r\n", b"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", 1)
    + b"--b\r\nContent-Type: text/html\r\n\r\n<p>Your code is <b>123456</b></p>\r\n"
    + b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n"
    + b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b--\r\n"
)


class Known(msgspec.Struct, frozen=True):
    """A mailbox with mail in it; `token` is "" for an open one."""

    address: str
    token: str
    message_ids: tuple[str, ...]


def document(pair: Pair) -> OpenApiSchema:
    """What the pair says of itself."""
    return schemathesis.openapi.from_dict(httpx.get(f"{pair.http_url}/api/openapi.json").json())


def operations(schema: OpenApiSchema) -> Iterator["OpenApiOperation"]:
    """Every call."""
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def make_known(pair: Pair, *, is_private: bool) -> Known:
    """A new mailbox with two messages, one of which has an attachment."""
    address = make_mailbox(pair.database_url)
    asyncio.run(store(pair.database_url, address, message("Hello"), _WITH_ATTACHMENT))
    token = secrets.token_urlsafe(24) if is_private else ""
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        if token:
            digest = hashlib.sha256(token.encode()).digest()
            connection.execute("UPDATE mailbox SET token_sha256 = %s WHERE address = %s", [digest, address])
        found = connection.execute(
            "SELECT message.id FROM message JOIN mailbox ON mailbox.id = mailbox_id WHERE address = %s ORDER BY seq",
            [address],
        )
        return Known(address, token, tuple(str(message_id) for (message_id,) in found))


def try_calls(pair: Pair, operation: "OpenApiOperation", *, cases: int, is_random: bool = False) -> None:
    """Make so many calls of this kind, with made-up values and known ones; raises what is wrong with an answer.

    Those that wait do so for a second at most.
    """
    kept = [make_known(pair, is_private=is_private) for is_private in (False, True)]
    # What deletes gets one of its own each time.
    known = st.sampled_from(kept) if operation.method != "delete" else st.booleans().map(_maker(pair))
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
    def make(case: "OpenApiCase", known: Known | None, number: int | None) -> None:
        if known:
            _put_in(case, known, number)
        _shorten(case)
        case.validate_response(_answer(pair, case), checks=_CHECKS)

    make()


def _maker(pair: Pair) -> Callable[[bool], Known]:
    return lambda is_private: make_known(pair, is_private=is_private)


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
    if case.operation.path.endswith("/wait"):
        case.query.setdefault("timeout", 1)


def _answer(pair: Pair, case: "OpenApiCase") -> requests.Response:
    """The answer; of one that has no end, the beginning."""
    asked = case.as_transport_kwargs(base_url=pair.http_url)
    with requests.request(**asked, timeout=DEADLINE_SECONDS, stream=True) as answer:
        if case.operation.path == _STREAM and answer.ok:
            answer._content = next(answer.iter_content(None))  # noqa: SLF001  # it has no other place for a part
        else:
            answer.content  # noqa: B018  # read while the connection is there
        return answer
