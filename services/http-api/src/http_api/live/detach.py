"""The calls that are let in, and streams that outlast the call that began them.

A stream goes on without its call, so that no frame of the framework stays in memory for it.
"""

import asyncio

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from http_api.live import call_shares
from http_api.live.call_shares import CallShares
from http_api.live.event_stream import EventStream
from http_api.live.share import Share
from http_api.live.shares import Shares
from http_api.live.stream_response import STATE_KEY
from http_api.protocol import problems
from http_api.protocol.client_address import Client
from http_api.protocol.errors import Overloaded
from http_api.protocol.request import CLIENT

log = structlog.get_logger()


def detaching(application: ASGIApp, shares: Shares) -> ASGIApp:
    """`application`, which returns once the head of a stream is sent, and after it the stream itself.

    A call waits for its client's turn, and holds what it takes of `shares` until its response was taken.
    """

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await application(scope, receive, send)
            return
        client = scope["state"][CLIENT]
        share = shares.calls.take_now(client) or await _admit(shares, client, send)
        if share is None:
            return
        held = scope["state"][call_shares.STATE_KEY] = CallShares(shares, client, share, receive, send)
        try:
            await application(scope, receive, held.send)
        except BaseException as error:
            _pop_unopened(scope)
            if not (held.was_revoked and isinstance(error, asyncio.CancelledError)):
                raise
            log.warning("response_cut", client=client.address)
            return  # which makes Granian close the connection
        finally:
            held.release()
        stream = _pop_stream(scope)
        if not stream:
            return
        # Granian keeps the scope, with all that the framework put into it, for as long as the stream lasts.
        scope.clear()  # type: ignore[attr-defined]  # a TypedDict to the checker, any dict to Granian
        del held
        stream.open(send)
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        except asyncio.CancelledError:
            if not stream.was_revoked:
                raise
        finally:
            stream.close()

    return call


async def _admit(shares: Shares, client: Client, send: Send) -> Share | None:
    """The share of a call that waits for its turn; None when it was refused."""
    try:
        return await shares.calls.take(client)
    except Overloaded as error:
        await problems.send_error(send, error)
        return None


def _pop_unopened(scope: Scope) -> None:
    if stream := _pop_stream(scope):
        stream.release_slot()


def _pop_stream(scope: Scope) -> EventStream | None:
    stream = scope["state"].pop(STATE_KEY, None)
    return stream if isinstance(stream, EventStream) else None
