"""The CPU time that checks may take: half of one core, over any long time. Pure."""

_SHARE = 0.5
_BURST_SECONDS = 1.0


class HalfCore:
    """Says how long a process has to rest, from its CPU time and a clock that only moves on, both in seconds."""

    def __init__(self, *, now: float, cpu: float) -> None:
        self._now = now
        self._cpu = cpu
        self._left = _BURST_SECONDS

    def rest_seconds(self, *, now: float, cpu: float) -> float:
        """The seconds to rest before more work; 0 while the process has used less than its share."""
        earned = (now - self._now) * _SHARE
        self._left = min(self._left + earned, _BURST_SECONDS) - (cpu - self._cpu)
        self._now, self._cpu = now, cpu
        return max(-self._left, 0.0) / _SHARE
