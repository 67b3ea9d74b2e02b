"""GET /api/messages/{id}/source: a message octet for octet, behind the trace lines of its arrival."""

import uuid
from typing import Annotated

from litestar import get
from litestar.params import Parameter
from litestar.response import Stream

from fake_email import source as sources
from fake_email.errors import MessageNotFound
from http_api import parameters
from http_api.api import Api
from http_api.problems import described


@get("/api/messages/{message_id:str}/source", responses=described(404, 503), media_type="message/rfc822")
async def source(
    api: Api,
    message_id: str,
    authorization: Annotated[str | None, Parameter(header="Authorization")] = None,
) -> Stream:
    """The message as `message/rfc822`: Return-Path, Received, then the octets that were received."""
    try:
        parsed = uuid.UUID(message_id)
    except ValueError:
        raise MessageNotFound(str(MessageNotFound.__doc__)) from None
    token_sha256 = parameters.token_sha256(authorization)
    found = await api.database.run(
        lambda connection: sources.find(connection, parsed, token_sha256=token_sha256, by=api.settings.domain[0])
    )
    return Stream(
        sources.read(api.database, found),
        media_type="message/rfc822",
        headers={"Content-Length": str(len(found.trace) + found.octets), "X-Content-Type-Options": "nosniff"},
    )
