"""The memory that the content of all incoming messages may take. Pure."""

# Each message has these octets outside the budget, so that ordinary mail goes on when large messages use it up.
_FREE_OCTETS = 65_536


class MemoryBudget:
    """Octets for the content of all incoming messages, each from its first octet to its reply."""

    def __init__(self, octets: int) -> None:
        self._octets = octets
        self._reserved = 0

    @property
    def reserved(self) -> int:
        """The octets that are reserved now."""
        return self._reserved

    def has(self, octets: int) -> bool:
        """True when a message of that size would fit now."""
        return self._fits(octets - _FREE_OCTETS, 0)

    def reserve(self, octets: int, already: int) -> int | None:
        """Reserve memory for a message of `octets` that has reserved `already`; its new total, None if it does not fit.

        When the message does not fit, its `already` stays reserved.
        """
        more = octets - _FREE_OCTETS - already
        if more <= 0:
            return already
        if not self._fits(more, already):
            return None
        self._reserved += more
        return already + more

    def release(self, octets: int) -> None:
        """Release the octets that a message has reserved."""
        self._reserved -= octets

    def _fits(self, more: int, already: int) -> bool:
        # The only message in memory always fits, however large it is.
        return more <= 0 or self._reserved == already or self._reserved + more <= self._octets
