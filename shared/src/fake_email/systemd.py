"""The sockets from systemd and the notifications to it: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3)."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Literal

from fake_email.errors import SettingsError

_FIRST_FD = 3
# A busy manager still gets a notification that is sent only once.
_SEND_SECONDS = 1.0


def listeners(environ: Mapping[str, str], name: Literal["metrics"] | None = None) -> list[socket.socket]:
    """The listening sockets of the socket unit with this name; without a name, those of the units with other names.

    The name is FileDescriptorName= of the unit. The list is empty without a socket unit.
    """
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    given = environ.get("LISTEN_FDNAMES", "").split(":")
    names = [each if each == "metrics" else None for each in given] + [None] * _number(environ, "LISTEN_FDS")
    numbers = range(_number(environ, "LISTEN_FDS"))
    return [socket.socket(fileno=_FIRST_FD + number) for number in numbers if names[number] == name]


def _number(environ: Mapping[str, str], name: str) -> int:
    try:
        return int(environ.get(name, "0"))
    except ValueError:
        raise SettingsError(f"{name}: not a number; only the service manager sets it") from None


class Notifier:
    """Notifies the service manager of the state of the service; without a manager, does nothing."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        is_ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        # Half of the manager's time-out, as sd_watchdog_enabled(3) recommends.
        self.watchdog_seconds = _number(environ, "WATCHDOG_USEC") / 2_000_000 if is_ours else 0.0

    @property
    def is_heard(self) -> bool:
        """True when there is a manager that receives notifications."""
        return bool(self._address)

    def ready(self) -> None:
        self._send("READY=1")

    def stopping(self, seconds: float) -> None:
        """Announce the end of the service within `seconds`, which may be more than the unit's TimeoutStopSec."""
        self._send(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={seconds * 1_000_000:.0f}")

    def reloading(self) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1_000}")

    def alive(self, status: str) -> None:
        self._send(f"WATCHDOG=1\nSTATUS={status}", seconds=0)  # the next one follows soon

    def _send(self, state: str, *, seconds: float = _SEND_SECONDS) -> None:
        if self._address:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(seconds)
                with suppress(OSError):  # a manager that does not read must not end the service
                    sender.sendto(state.encode(), self._address)
