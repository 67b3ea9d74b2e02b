"""The load of the daemon: past a share of one core, new mail is not checked, so that storing has the CPU. Pure."""

_SHARE = 0.3


class DaemonLoad:
    """Takes the daemon's CPU time now and then, beside a clock that only moves on, both in seconds."""

    def __init__(self, *, now: float, cpu: float) -> None:
        self._now = now
        self._cpu = cpu
        self.is_high = False

    def sample(self, *, now: float, cpu: float) -> None:
        """Compare the CPU time since the sample before with the time that has passed."""
        if now > self._now:
            self.is_high = (cpu - self._cpu) / (now - self._now) > _SHARE
            self._now, self._cpu = now, cpu
