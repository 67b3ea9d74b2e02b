"""How much of the memory the messages under way may take. Pure."""

# A message takes this much without asking, so that ordinary mail goes on when large messages fill the room.
_FREE_OCTETS = 65_536


class MemoryBudget:
    """Octets for the content of all messages, each between its first octet and its reply."""

    def __init__(self, octets: int) -> None:
        self._octets = octets
        self._taken = 0

    def has(self, octets: int) -> bool:
        """Whether a message of that size would fit now."""
        return self._fits(octets - _FREE_OCTETS, 0)

    def take(self, octets: int, taken: int) -> int | None:
        """What a message of `octets` takes, having taken `taken` before; None when it does not fit."""
        more = octets - _FREE_OCTETS - taken
        if more <= 0:
            return taken
        if not self._fits(more, taken):
            return None
        self._taken += more
        return taken + more

    def leave(self, taken: int) -> None:
        """Have back what a message took."""
        self._taken -= taken

    def _fits(self, more: int, taken: int) -> bool:
        # A message that is alone always finds room, however large.
        return more <= 0 or self._taken == taken or self._taken + more <= self._octets
