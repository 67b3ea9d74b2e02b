"""Events beside messages that a stream has not sent yet, since its reader has not taken what was sent before. Pure."""

import msgspec

from fake_email.postgres.notifications import Checked, Deleted, Marked, MessageChange
from http_api.live import sse

# A reader that is further behind is cut off.
_MAX_PENDING = 1_000


class PendingEvents(msgspec.Struct, kw_only=True):
    """Changes to report, oldest first, and changes of messages that the reader has not got yet.

    Of these, a deleted message is `hidden` from the reader, and each other change is reported once the message is sent:
    it may have been read from the table before the change.
    """

    changes: list[MessageChange] = []
    hidden: set[int] = set()
    later: dict[int, dict[type[MessageChange], MessageChange]] = {}

    @property
    def are_too_many(self) -> bool:
        return len(self.changes) + len(self.hidden) + len(self.later) > _MAX_PENDING

    def add(self, change: MessageChange, *, is_sent: bool) -> None:
        """Report the change of a message that the reader `is_sent`; keep a deleted one from a reader that is not."""
        if self.are_too_many:
            return
        if is_sent:
            self.changes.append(change)
        elif isinstance(change, Deleted):
            self.hidden.add(change.seq)
        else:
            self.later.setdefault(change.seq, {})[type(change)] = change

    def sent(self, seq: int) -> None:
        """Report the changes of the message that was just sent, the last of each kind."""
        self.changes += self.later.pop(seq, {}).values()

    def take(self) -> bytes:
        """The oldest event, which is then no longer pending; raises IndexError when there is none."""
        return _event(self.changes.pop(0))


def _event(change: MessageChange) -> bytes:
    match change:
        case Deleted():
            return sse.event("deleted", {"id": change.message_id, "seq": change.seq})
        case Marked():
            return sse.event("seen", {"id": change.message_id, "seq": change.seq, "seen": change.seen})
        case Checked():
            status = "checked" if change.is_checked else "not_checked"
            return sse.event("checked", {"id": change.message_id, "seq": change.seq, "status": status})
