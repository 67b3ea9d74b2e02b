"""The recipients found within the last seconds, in bounded memory. Pure."""

from collections.abc import Iterable

import msgspec

from fake_email.storage.recipients import Recipient

_MAX_SECONDS = 2.0
# Past this many recipients, the one that was found first is dropped.
_MAX_RECIPIENTS = 4_096


class RecentRecipients:
    """Remembers recipients by address, until they are two seconds old.

    A recipient's mailbox may have ended since, or grown by another daemon's mail: the statement that stores a message
    decides.
    """

    def __init__(self) -> None:
        # The oldest stands first.
        self._found: dict[str, tuple[float, Recipient]] = {}

    def add(self, recipients: Iterable[Recipient], now: float) -> None:
        """Remember recipients that were looked up at `now` or later."""
        for each in recipients:
            self._found.pop(each.address, None)
            self._found[each.address] = (now, each)
            if len(self._found) > _MAX_RECIPIENTS:
                del self._found[next(iter(self._found))]

    def get(self, address: str, now: float) -> Recipient | None:
        """The recipient of an address that was found a moment ago."""
        found_at, recipient = self._found.get(address, (0.0, None))
        if recipient is None or now - found_at >= _MAX_SECONDS:
            return None
        return recipient

    def count(self, address: str, octets: int) -> None:
        """Count a message of that size that was stored in the mailbox of `address`."""
        if address in self._found:
            found_at, recipient = self._found[address]
            grown = msgspec.structs.replace(
                recipient,
                message_count=recipient.message_count + 1,
                stored_octets=recipient.stored_octets + octets,
            )
            self._found[address] = (found_at, grown)
