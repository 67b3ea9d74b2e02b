"""A service manager that receives a service's notifications (sd_notify(3))."""

import socket
from collections.abc import Callable
from contextlib import suppress

from support.waiting import DEADLINE_SECONDS, deadline


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.environ = {"NOTIFY_SOCKET": address.replace("\0", "@")}
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notified.bind(address)
        self._notified.settimeout(DEADLINE_SECONDS)

    def close(self) -> None:
        self._notified.close()

    def told(self) -> dict[str, str]:
        """Wait for one notification and return its variables."""
        return dict(line.split("=", 1) for line in self._notified.recv(4_096).decode().splitlines())

    def wait_for(self, name: str, is_so: Callable[[str], object] = bool) -> dict[str, str]:
        """Return the next notification with a variable `name` whose value fulfils `is_so`."""
        for _ in deadline():
            told = self.told()
            if name in told and is_so(told[name]):
                return told
        raise AssertionError(f"no notification of {name}")

    def overwhelm(self) -> None:
        """Fill the socket, so that it accepts no notification until one is read."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, suppress(BlockingIOError):
            other.setblocking(False)
            while True:
                other.sendto(b"STATUS=full", self._notified.getsockname())

    def wait_for_silence(self) -> None:
        """Return when no notification came for 1 s, 50 times the watchdog interval of the tests."""
        self._notified.settimeout(1)
        for _ in deadline():
            try:
                self.told()
            except TimeoutError:
                self._notified.settimeout(DEADLINE_SECONDS)
                return
        raise AssertionError("the notifications did not end")
