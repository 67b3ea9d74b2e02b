"""Streams that outlast the call that began them, so that no frame of the framework stays in memory for them."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from http_api.live.event_stream import STATE_KEY, EventStream


def detaching(application: ASGIApp) -> ASGIApp:
    """`application`, which returns once the head of a stream is sent, and after it the stream itself."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await application(scope, receive, send)
        except BaseException:
            if stream := _pop_stream(scope):
                stream.release_slot()
            raise
        stream = _pop_stream(scope)
        if not stream:
            return
        # Granian keeps the scope, with all that the framework put into it, for as long as the stream lasts.
        scope.clear()  # type: ignore[union-attr]  # a TypedDict to the checker, any dict to Granian
        stream.open(send)
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            stream.close()

    return call


def _pop_stream(scope: Scope) -> EventStream | None:
    stream = scope["state"].pop(STATE_KEY, None) if scope["type"] == ScopeType.HTTP else None
    return stream if isinstance(stream, EventStream) else None
