"""The position of a stream in its mailboxes, without I/O: where and when the next connection continues."""

import random
import time
from collections.abc import Mapping
from typing import Literal

import httpx2
import msgspec

from fake_email_client.calls import Call, Steps, fetch, insist, retry_delay
from fake_email_client.errors import Problem
from fake_email_client.schemas import Gone, ListedMessage, MailboxInfo, Ticket

# The token of each mailbox, or None, by its address.
Boxes = Mapping[str, str | None]

# The API sends a comment every 15 seconds.
_SILENCE_SECONDS = 40.0
# Streams of a service that restarts do not all come back at once.
_SPREAD_SECONDS = 0.5
# The lists and the text of one message, with all of their characters escaped.
MAX_EVENT_OCTETS = 8 * 1024 * 1024


class Position:
    """The position of a stream in its mailboxes: behind the message whose event came last."""

    def __init__(
        self, boxes: Boxes, patience: float, since: int | Literal["now"], *, uses_ticket: bool = False
    ) -> None:
        self._boxes = dict(boxes)
        self._patience = patience
        self._since = str(since)
        # For `now`, the mailboxes as they were then.
        self._begun: dict[str, MailboxInfo] = {}
        # Without a ticket the stream reads one mailbox, with its token.
        self._uses_ticket = uses_ticket
        self._last_event_id = ""
        self._failures = 0
        self._is_known = False
        self._is_one_gone = False
        self._end = 0.0

    @property
    def is_over(self) -> bool:
        """True once no mailbox is left."""
        return not self._boxes

    def connect(self) -> Steps[Call]:
        """The call of the next connection, which goes on after the last event, with a new ticket."""
        if self._since == "now":
            yield from self._begin()
        if self._is_one_gone:
            yield from self._drop_gone()
        [address, token], *_ = self._boxes.items()
        reads = {"address": address}
        if self._uses_ticket:
            mailboxes = [{"address": each, "token": token} for each, token in self._boxes.items()]
            call = Call(method="POST", path="tickets", body={"mailboxes": mailboxes})
            reads, token = {"ticket": (yield from fetch(call, 0, Ticket)).ticket}, None
        resume = {"Last-Event-ID": self._last_event_id} if self._last_event_id else {}
        return Call(
            path="inbox/stream",
            query={**reads, "since": self._since},
            headers={"Accept": "text/event-stream", **resume},
            token=token,
            seconds=_SILENCE_SECONDS,
        )

    def _begin(self) -> Steps[None]:
        # A time and seqs, unlike "now", stay the same moment when the stream connects again.
        for address, token in self._boxes.items():
            if address not in self._begun:
                call = Call(path="inbox", query={"address": address}, token=token)
                self._begun[address] = yield from fetch(call, 0, MailboxInfo)
        begin = min(each.last_received_at or each.created_at for each in self._begun.values())
        self._since = begin.isoformat(timespec="microseconds")

    def _drop_gone(self) -> Steps[None]:
        for address, token in [*self._boxes.items()]:
            # The next call tells whether the last mailbox is gone.
            if len(self._boxes) > 1:
                try:
                    yield from insist(Call(path="inbox", query={"address": address}, token=token), 0)
                except Problem as error:
                    if error.code != "mailbox_not_found":
                        raise
                    del self._boxes[address]
                    self._is_one_gone = False

    def opened(self) -> None:
        self._is_known = True
        self._is_one_gone = False
        self._failures = 0

    def take(self, event: httpx2.ServerSentEvent) -> ListedMessage | None:
        """The message of an event; None for an event of another kind."""
        if event.id:
            self._last_event_id = event.id
        if event.event == "gone":
            self._drop(msgspec.json.decode(event.data, type=Gone).temp_email_addr)
        # The field `retry` alone is an event of this library, without data.
        if event.event != "message" or not event.data:
            return None
        message = msgspec.json.decode(event.data, type=ListedMessage)
        # Only the events of a ticket name their mailbox.
        address = message.temp_email_addr or next(iter(self._boxes))
        if any(message.seq <= each.last_seq for each in self._begun.values() if each.temp_email_addr == address):
            return None
        return msgspec.structs.replace(message, temp_email_addr=address)

    def pause(self, error: Exception | None = None) -> float:
        """The seconds until the next connection; raises the error when the patience is over."""
        spread = random.uniform(0, _SPREAD_SECONDS)  # noqa: S311  # nothing secret
        if error is None:
            return spread
        if isinstance(error, Problem) and error.code == "mailbox_not_found" and self._is_known:
            if len(self._boxes) == 1:
                self._boxes.clear()
                return 0.0
            if not self._is_one_gone:
                self._is_one_gone = True
                return 0.0
        if not self._failures:
            self._end = time.monotonic() + self._patience
        delay = retry_delay(error, self._failures)
        if delay is None or time.monotonic() + delay > self._end:
            raise error
        self._failures += 1
        return delay + spread

    def _drop(self, address: str) -> None:
        # A mailbox may have been opened by another spelling of its address; the last one that is left is this one.
        if len(self._boxes) == 1:
            self._boxes.clear()
        self._boxes.pop(address, None)
