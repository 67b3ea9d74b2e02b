"""The beginning of a stream's response: its head, and how soon the reader connects again."""

from litestar.types import Receive, Scope, Send

from http_api.live import sse
from http_api.live.event_stream import EventStream

STATE_KEY = "event_stream"
_RECONNECT_MILLISECONDS = 1_000


class StreamResponse:
    """The response of a stream call, which leaves the stream in the scope for `detaching` to open.

    A stream `is_from_now` begins with the id of that moment: a reader who loses the connection before the first event
    misses nothing.
    """

    def __init__(self, stream: EventStream, *, is_from_now: bool = False) -> None:
        self._stream = stream
        self._is_from_now = is_from_now

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the beginning. Raises TooManyStreams."""
        self._stream.take_slot()
        scope["state"][STATE_KEY] = self._stream
        await send({"type": "http.response.start", "status": 200, "headers": [*sse.HEADERS]})
        event_id = self._stream.position if self._is_from_now else None
        beginning = sse.beginning(_RECONNECT_MILLISECONDS, event_id=event_id)
        await send({"type": "http.response.body", "body": beginning, "more_body": True})
