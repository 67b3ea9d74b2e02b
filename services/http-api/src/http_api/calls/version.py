"""GET /api/version: which release of the API this is."""

import importlib.metadata
from functools import cache

import msgspec
from litestar import get

from http_api.openapi.responses import error_responses, json_response
from http_api.protocol.errors import BadInput


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """The version of the release."""

    version: str


_EXAMPLE = Version(version="0.1.0+g8962f6a")


@cache
def of_release() -> Version:
    """The version of the package, read at the first call, so that a start is faster.

    The build of a release adds what `git describe` says after the plus sign.
    """
    return Version(version=importlib.metadata.version("http-api"))


@get(
    "/api/version",
    operation_id="getVersion",
    tags=["service"],
    summary="Tell the version",
    responses=json_response(_EXAMPLE) | error_responses(BadInput, needs_database=False),
    security=[{}],
)
async def version() -> Version:
    """Tell the version of the API, which is that of its release."""
    return of_release()
