"""GET /api/domains: the domains that addresses can have."""

import msgspec
from litestar import get

from http_api.calls.context import Context
from http_api.openapi.responses import error_responses, json_response
from http_api.protocol.errors import BadInput


class SmtpServer(msgspec.Struct, frozen=True, kw_only=True):
    """The server that takes mail for the domains."""

    host: str
    port: int


class DomainList(msgspec.Struct, frozen=True, kw_only=True):
    """The domains that receive mail; an address gets `default` unless its creation names another."""

    domains: tuple[str, ...]
    default: str
    smtp: SmtpServer


_EXAMPLE = DomainList(
    domains=("mail.example.org", "mx.example.org"),
    default="mail.example.org",
    smtp=SmtpServer(host="mail.example.org", port=25),
)


@get(
    "/api/domains",
    operation_id="listDomains",
    tags=["service"],
    summary="List the domains",
    responses=json_response(_EXAMPLE) | error_responses(BadInput, needs_database=False),
    security=[{}],
)
async def domains(context: Context) -> DomainList:
    """List the domains that receive mail, and say where that is sent to."""
    settings = context.settings
    return DomainList(
        domains=settings.domain,
        default=settings.domain[0],
        smtp=SmtpServer(host=settings.smtp_public_host or settings.domain[0], port=settings.smtp_public_port),
    )
