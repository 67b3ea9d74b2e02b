"""GET /api/domains: the domains that addresses can have."""

import msgspec
from litestar import get

from http_api.calls.context import Context
from http_api.openapi.responses import error_responses, json_response
from http_api.protocol.errors import BadInput


class DomainList(msgspec.Struct, frozen=True, kw_only=True):
    """The domains that receive mail; an address gets `default` unless its creation names another."""

    domains: tuple[str, ...]
    default: str


_EXAMPLE = DomainList(domains=("mail.example.org", "mx.example.org"), default="mail.example.org")


@get(
    "/api/domains",
    operation_id="listDomains",
    tags=["service"],
    summary="List the domains",
    responses=json_response(_EXAMPLE) | error_responses(BadInput, needs_database=False),
    security=[{}],
)
async def domains(context: Context) -> DomainList:
    """List the domains that receive mail."""
    return DomainList(domains=context.settings.domain, default=context.settings.domain[0])
