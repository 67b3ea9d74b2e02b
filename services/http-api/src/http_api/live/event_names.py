"""The names of events in a stream of several mailboxes: the mailbox, and the position in all of them."""

from collections.abc import Sequence

from http_api.live import sse
from http_api.live.feed import Feed
from http_api.protocol import stream_position


class EventNames:
    """Names the events of the mailboxes of `feeds`, which a ticket opens together."""

    __slots__ = ("_names",)

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._names = {feed: stream_position.name(feed.address) for feed in feeds}

    @property
    def position(self) -> str:
        """The id of an event after all that was sent."""
        return stream_position.encode((name, feed.cursor.seq) for feed, name in self._names.items())

    def named(self, feed: Feed, octets: bytes, *, has_id: bool) -> bytes:
        """The event of a feed with the address of its mailbox, and with the position as its id if it `has_id`."""
        return sse.of_mailbox(octets, feed.address, event_id=self.position if has_id else None)
