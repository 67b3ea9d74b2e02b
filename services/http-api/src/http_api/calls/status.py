"""GET /api/status: the version, and where all messages went."""

import msgspec
from litestar import get

from http_api.calls import version
from http_api.calls.context import Context
from http_api.openapi.responses import error_responses, json_response
from http_api.protocol.errors import BadInput
from http_api.protocol.parameters import rfc3339


class MessageNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of messages, all of one moment: `stored` is the sum of the others, or a message is missing."""

    stored: int
    there: int
    expired: int
    deleted: int
    dropped: int


class ServiceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The release, and the messages of all mailboxes, but for those that had ended by `counted_since`."""

    version: str
    counted_since: str
    counted_at: str
    messages: MessageNumbers


_EXAMPLE = ServiceStatus(
    version="0.1.0+g8962f6a",
    counted_since="2026-01-31T09:00:00.000000Z",
    counted_at="2026-01-31T12:00:00.118043Z",
    messages=MessageNumbers(stored=1_204, there=96, expired=1_021, deleted=81, dropped=6),
)


@get(
    "/api/status",
    operation_id="getStatus",
    tags=["service"],
    summary="Tell where all messages went",
    responses=json_response(_EXAMPLE) | error_responses(BadInput),
    security=[{}],
)
async def status(context: Context) -> ServiceStatus:
    """Tell the version and, as a proof that no message is lost, how many messages were stored and where they went.

    Messages are counted every ten seconds at most, more seldom where a count takes long: `counted_at` tells when.
    """
    await context.database.probe()
    totals = await context.message_count.fetch()
    return ServiceStatus(
        version=version.of_release().version,
        counted_since=rfc3339(totals.counted_since),
        counted_at=rfc3339(totals.counted_at),
        messages=msgspec.convert(totals, MessageNumbers, from_attributes=True),
    )
