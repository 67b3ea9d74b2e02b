"""GET /api/domains: what stands behind the @ of an address here."""

import msgspec
from litestar import get

from http_api.calls.context import Context
from http_api.openapi.responses import error_responses, json_response


class Domains(msgspec.Struct, frozen=True, kw_only=True):
    """The domains that mail is taken for; a new address gets `default` unless it asks for another."""

    domains: tuple[str, ...]
    default: str


_EXAMPLE = Domains(domains=("mail.example.org", "mx.example.org"), default="mail.example.org")


@get("/api/domains", responses=json_response(_EXAMPLE) | error_responses(needs_database=False), security=[{}])
async def domains(context: Context) -> Domains:
    """The domains that mail is taken for."""
    return Domains(domains=context.settings.domain, default=context.settings.domain[0])
