"""Calls of the API without I/O: generators yield a call, and get its response or the error that cut it."""

import time
from collections.abc import Generator, Mapping
from typing import Literal, TypeVar

import httpx2
import msgspec

from fake_email_client.clauses import Parameters
from fake_email_client.errors import AGAIN, Problem, is_for_the_caller

T = TypeVar("T")
# A connection that was cut or never made. Other errors of the library, as an unusable URL, stay what they are.
Cut = (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError, httpx2.ProxyError)

_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 2.0
__tracebackhide__ = is_for_the_caller


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call of the API: `path` is below `/api/`, and `after` is a pause before the call.

    After `seconds` in which nothing is received, the connection counts as cut.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"] = "GET"
    path: str
    query: Parameters = {}
    body: Mapping[str, object] | None = None
    token: str | None = None
    headers: Mapping[str, str] = {}
    seconds: float = 30.0
    after: float = 0.0


# The steps of a program at the API: `yield` makes a call, and the result is the value of the generator.
Steps = Generator[Call, httpx2.Response, T]


def insist(call: Call, patience: float, *, is_repeatable: bool = True) -> Steps[httpx2.Response]:
    """Make the call again while the API is away, restarts or asks to wait, for `patience` seconds."""
    end = time.monotonic() + patience
    attempt, after = 0, 0.0
    while True:
        try:
            return checked((yield msgspec.structs.replace(call, after=after)))
        except (*Cut, Problem) as error:
            delay = retry_delay(error, attempt)
            if delay is None or time.monotonic() + delay > end:
                raise
            if not is_repeatable and not isinstance(error, Problem):
                raise
            attempt, after = attempt + 1, delay


def fetch(call: Call, patience: float, shape: type[T], *, is_repeatable: bool = True) -> Steps[T]:
    """The JSON of the response, as `shape`."""
    return decoded((yield from insist(call, patience, is_repeatable=is_repeatable)), shape)


def checked(response: httpx2.Response) -> httpx2.Response:
    """The response; raises Problem for an error response."""
    if not response.is_success:
        raise Problem(response)
    return response


def decoded(response: httpx2.Response, shape: type[T]) -> T:
    """The JSON of the response, as `shape`; raises Problem for another server's page."""
    try:
        return msgspec.json.decode(response.content, type=shape)
    except msgspec.DecodeError as error:
        raise Problem(response) from error


def retry_delay(error: Exception, attempt: int) -> float | None:
    """The seconds until a failed call is worth another attempt; None when it never is."""
    backoff: float = min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS)
    if not isinstance(error, Problem):
        return backoff
    if error.status not in AGAIN:
        return None
    # RFC 9110 §10.2.3 also allows a date, which this API does not send.
    asked = error.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() and asked != "0" else backoff
