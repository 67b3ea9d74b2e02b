"""A whole message as a response: a large one is read when there is memory for it, and sent in pieces."""

import uuid
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Literal

import msgspec
from litestar import Response
from msgspec.structs import asdict

from fake_email.storage import message as stored_message
from fake_email.storage.message import OpenedMessage
from http_api.calls.context import Context
from http_api.live.call_shares import WHOLE_OCTETS
from http_api.live.fair_shares import TURN_SECONDS
from http_api.live.pieced_response import PiecedResponse
from http_api.live.share import Share
from http_api.protocol import problems
from http_api.protocol.problems import PROBLEM_JSON, Problem
from http_api.schemas import json_pieces
from http_api.schemas.message import WholeMessage

_JSON = "application/json"


class UnexpectedMessage(Problem, frozen=True, kw_only=True):
    """A message matched although none was expected."""

    code: Literal["unexpected_message"]
    message: WholeMessage


async def fetch(
    context: Context, message_id: uuid.UUID, *, token_sha256: bytes | None, seconds: float = TURN_SECONDS
) -> OpenedMessage:
    """The message; the call holds the memory that a large one takes.

    Raises MessageNotFound, and Overloaded when a turn of the client does not come within `seconds`.
    """
    database = context.database_for(0, seconds=seconds)
    found = await stored_message.fetch_light(database, message_id, token_sha256=token_sha256, most_octets=WHOLE_OCTETS)
    if found:
        return found
    octets = await hold_for(context, message_id, token_sha256=token_sha256, seconds=seconds)
    database = context.database_for(octets, seconds=seconds)
    return await stored_message.fetch(database, message_id, token_sha256=token_sha256, decode=context.decode_fields)


async def hold_for(
    context: Context, message_id: uuid.UUID, *, token_sha256: bytes | None, seconds: float = TURN_SECONDS
) -> int:
    """The octets of memory that a message takes; the call then holds them, if they are many.

    Raises MessageNotFound, and Overloaded when a turn of the client does not come within `seconds`.
    """
    weigh = partial(stored_message.weigh, message_id=message_id, token_sha256=token_sha256)
    octets = await context.database_for(0, seconds=seconds).run(weigh)
    if octets > WHOLE_OCTETS:
        await context.hold(octets, seconds=seconds)
    return octets


def response(
    context: Context, message: WholeMessage, headers: Mapping[str, str]
) -> Response[WholeMessage] | Response[None]:
    """The response that has the message as its content."""
    if not context.held:
        return Response(message, headers=dict(headers))
    parts = _parts(context.held, message)
    if json_pieces.octets_held(parts) <= WHOLE_OCTETS:
        body = b"".join(json_pieces.pieces(parts))
        known = {**headers, "Content-Length": str(len(body))}
        return PiecedResponse([body], status=HTTPStatus.OK, media_type=_JSON, headers=known)
    return PiecedResponse(json_pieces.pieces(parts), status=HTTPStatus.OK, media_type=_JSON, headers=headers)


def unexpected(
    context: Context, problem: Problem, message: WholeMessage, headers: Mapping[str, str]
) -> Response[Problem] | Response[None]:
    """The response that says that no message was expected."""
    if not context.held:
        return problems.response(UnexpectedMessage(**asdict(problem), message=message), headers)
    parts = _parts(context.held, message)
    around = msgspec.json.encode(problem)[:-1] + b',"message":', b"}"
    pieces = json_pieces.pieces([around[0], *parts, around[1]])
    return PiecedResponse(pieces, status=problem.status, media_type=PROBLEM_JSON, headers=headers)


def _parts(share: Share, message: WholeMessage) -> list[json_pieces.Part]:
    """The JSON of the message in parts, which is all that is kept of it."""
    parts = json_pieces.parts(message)
    share.shrink(max(json_pieces.octets_held(parts), WHOLE_OCTETS))
    return parts
