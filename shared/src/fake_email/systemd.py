"""What systemd hands over and wants to hear: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3)."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from fake_email.errors import SettingsError

_FIRST_FD = 3
# A manager that is busy hears of it all the same: what is told once must not be lost.
_PATIENCE_SECONDS = 1.0


def listeners(environ: Mapping[str, str]) -> list[socket.socket]:
    """The listening sockets of the socket unit; none without one."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    return [socket.socket(fileno=_FIRST_FD + number) for number in range(_number(environ, "LISTEN_FDS"))]


def _number(environ: Mapping[str, str], name: str) -> int:
    try:
        return int(environ.get(name, "0"))
    except ValueError:
        raise SettingsError(f"{name}: not a number, which the service manager would give") from None


class Notifier:
    """Tells the service manager what the service is about; without one, nobody."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        is_ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        # Half of what the manager waits, as sd_watchdog_enabled(3) recommends.
        self.watchdog_seconds = _number(environ, "WATCHDOG_USEC") / 2_000_000 if is_ours else 0.0

    @property
    def is_heard(self) -> bool:
        """Whether there is a manager that wants to hear."""
        return bool(self._address)

    def ready(self) -> None:
        self._tell("READY=1")

    def stopping(self, seconds: float) -> None:
        """That it ends within `seconds`, which may be more than the unit's TimeoutStopSec."""
        self._tell(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={seconds * 1_000_000:.0f}")

    def reloading(self) -> None:
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1_000}")

    def alive(self, status: str) -> None:
        self._tell(f"WATCHDOG=1\nSTATUS={status}", seconds=0)  # it is told again soon

    def _tell(self, state: str, *, seconds: float = _PATIENCE_SECONDS) -> None:
        if self._address:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notified:
                notified.settimeout(seconds)
                with suppress(OSError):  # a manager that does not listen must not end the service
                    notified.sendto(state.encode(), self._address)
