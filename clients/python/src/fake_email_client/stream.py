"""The place of a stream in its mailbox, without I/O: where the next connection goes on, and when that is worth it."""

import random
import time

import httpx2
import msgspec

from fake_email_client.calls import Call, retry_delay
from fake_email_client.errors import Problem
from fake_email_client.schemas import ListedMessage

# The API sends a comment every 15 seconds.
_SILENCE_SECONDS = 40.0
# Streams of a service that restarts do not all come back at once.
_SPREAD_SECONDS = 0.5
# The lists and the text of one message, with all of their characters escaped.
MAX_EVENT_OCTETS = 8 * 1024 * 1024


class Place:
    """Where a stream is: after the message whose event came last."""

    def __init__(self, address: str, token: str | None, patience: float, since: int) -> None:
        self._address = address
        self._token = token
        self._patience = patience
        self._since = since
        self._last_event_id = ""
        self._failures = 0
        self._is_known = False
        self._end = 0.0
        self.is_over = False

    def call(self) -> Call:
        """The call of the next connection, which goes on after the last event."""
        resume = {"Last-Event-ID": self._last_event_id} if self._last_event_id else {}
        return Call(
            path="inbox/stream",
            query={"address": self._address, "since": str(self._since)},
            headers={"Accept": "text/event-stream", **resume},
            token=self._token,
            seconds=_SILENCE_SECONDS,
        )

    def opened(self) -> None:
        self._is_known = True
        self._failures = 0

    def take(self, event: httpx2.ServerSentEvent) -> ListedMessage | None:
        """The message of an event; None for an event of another kind."""
        if event.event == "gone":
            self.is_over = True
        if event.id:
            self._last_event_id = event.id
        # The field `retry` alone is an event of this library, without data.
        is_message = event.event == "message" and event.data
        return msgspec.json.decode(event.data, type=ListedMessage) if is_message else None

    def pause(self, error: Exception | None = None) -> float:
        """The seconds until the next connection; raises the error when the patience is over."""
        spread = random.uniform(0, _SPREAD_SECONDS)  # noqa: S311  # nothing secret
        if error is None:
            return spread
        if isinstance(error, Problem) and error.code == "mailbox_not_found" and self._is_known:
            self.is_over = True
            return 0.0
        if not self._failures:
            self._end = time.monotonic() + self._patience
        delay = retry_delay(error, self._failures)
        if delay is None or time.monotonic() + delay > self._end:
            raise error
        self._failures += 1
        return delay + spread
