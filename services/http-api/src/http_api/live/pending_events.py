"""Events beside messages that a stream has not sent yet, since its reader has not taken what was sent before. Pure."""

import msgspec

from fake_email.postgres.notifications import Deleted, MessageChange
from http_api.live import sse

# A reader that is further behind is cut off.
_MAX_PENDING = 1_000


class PendingEvents(msgspec.Struct, kw_only=True):
    """Changes to report, oldest first, and the seqs of messages that were deleted before the reader got them."""

    changes: list[MessageChange] = []
    hidden: set[int] = set()

    @property
    def are_too_many(self) -> bool:
        return len(self.changes) + len(self.hidden) > _MAX_PENDING

    def add(self, change: MessageChange, *, is_sent: bool) -> None:
        """Report the change of a message that the reader `is_sent`; keep a deleted one from a reader that is not."""
        if self.are_too_many:
            return
        if is_sent:
            self.changes.append(change)
        elif isinstance(change, Deleted):
            self.hidden.add(change.seq)

    def take(self) -> bytes:
        """The oldest event, which is then no longer pending; raises IndexError when there is none."""
        return _event(self.changes.pop(0))


def _event(change: MessageChange) -> bytes:
    match change:
        case Deleted():
            return sse.event("deleted", {"id": change.message_id, "seq": change.seq})
