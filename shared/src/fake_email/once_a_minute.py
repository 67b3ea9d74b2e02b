"""A log event that may happen very often is logged once a minute. Pure."""

import math

_SECONDS = 60.0


class OnceAMinute:
    """The log of one event."""

    __slots__ = ("_logged_at",)

    def __init__(self) -> None:
        self._logged_at = -math.inf

    def is_due(self, now: float) -> bool:
        """True when the event was not due within the last minute; `now` is of any clock that only moves on."""
        is_due = now - self._logged_at >= _SECONDS
        if is_due:
            self._logged_at = now
        return is_due
