"""A feed that also sends the attempts to deliver mail that were not stored."""

from functools import partial

from fake_email.postgres.notifications import Attempted, Notification
from fake_email.storage import attempts
from fake_email.storage.attempt_statements import MAX_ATTEMPTS
from fake_email.storage.message_list import Cursor
from http_api.live import sse
from http_api.live.client_database import ClientDatabase
from http_api.live.feed import Feed
from http_api.schemas.attempt import delivery_attempt

# A reader that is further behind finds the others in the timeline.
_MAX_UNSENT = MAX_ATTEMPTS


class AttemptFeed(Feed):
    """A waiter at one mailbox, for messages and attempts; they are not replayed to a reader that comes back."""

    __slots__ = ("_attempt_ids", "_is_private")

    def __init__(
        self, mailbox_id: int, *, address: str, token_sha256: bytes | None, cursor: Cursor, is_private: bool
    ) -> None:
        super().__init__(mailbox_id, address=address, token_sha256=token_sha256, cursor=cursor)
        self._is_private = is_private
        self._attempt_ids: list[int] = []

    @property
    def has_work(self) -> bool:
        return bool(self._attempt_ids) or super().has_work

    def end(self) -> None:
        super().end()
        self._attempt_ids = []

    def notified(self, notification: Notification) -> None:
        if not isinstance(notification, Attempted):
            super().notified(notification)
        elif self._writer and len(self._attempt_ids) < _MAX_UNSENT:
            self._attempt_ids.append(notification.attempt_id)
            self._writer.write(self)

    async def take_attempts(self, database: ClientDatabase) -> list[bytes]:
        """The attempts not sent yet, as events; they stay when it raises an error of ClientDatabase.run."""
        if not self._attempt_ids:
            return []
        ids = tuple(self._attempt_ids)
        found = await database.run(partial(attempts.fetch, mailbox_id=self.mailbox_id, ids=ids))
        del self._attempt_ids[: len(ids)]
        return [sse.event("attempt", delivery_attempt(each, is_private=self._is_private)) for each in found]
