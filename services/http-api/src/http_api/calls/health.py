"""GET /api/health: 200 while this process can do its work; with `live`, while its event loop runs."""

from typing import Annotated, Literal

import msgspec
from litestar import Response, get
from litestar.openapi.spec import Example
from litestar.params import Parameter

from fake_email.errors import DatabaseAway
from http_api.calls.context import Context
from http_api.openapi.responses import error_responses, json_response, or_plain_text
from http_api.protocol import request_fields
from http_api.protocol.request import AnyRequest


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The service works; the response is `OK` as text, unless the client accepts JSON."""

    status: Literal["ok"]


_EXAMPLE = Health(status="ok")


@get(
    "/api/health",
    operation_id="getHealth",
    tags=["service"],
    summary="Check the service",
    responses=json_response(_EXAMPLE) | error_responses(),
    operation_class=or_plain_text("OK", is_usual=True),
    security=[{}],
)
async def health(
    context: Context,
    request: AnyRequest,
    live: Annotated[
        str | None,
        Parameter(
            description="With any value, also an empty one: check only that the service runs. A database that is away "
            "then changes nothing.",
            examples=[Example(value="")],
        ),
    ] = None,
) -> Response[str] | Response[Health]:
    """Respond `OK` while the database responds and the service hears of new mail; otherwise 503."""
    if live is None:
        await context.database.probe()
        if not context.waiters.is_listening:
            raise DatabaseAway
    if "application/json" in request_fields.joined(request.scope["headers"], b"accept"):
        return Response(_EXAMPLE, media_type="application/json")
    return Response("OK", media_type="text/plain")
