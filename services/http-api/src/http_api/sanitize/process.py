"""A process that makes HTML safe: it has an interpreter of its own, so the event loop keeps that of this process."""

import socket
import subprocess
import sys
from contextlib import suppress

import msgspec

from http_api.sanitize import work
from http_api.sanitize.work import Done, Work

_COMMAND = (sys.executable, "-P", "-m", "http_api.sanitize")


class _Running:
    """A running process, and our end of the connection with it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.process = subprocess.Popen(_COMMAND, stdin=theirs.fileno(), stdout=theirs.fileno())  # noqa: S603  # the command is ours
            self.receiver, self.sender = ours.makefile("rb"), ours.makefile("wb")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.receiver.close()
        with suppress(OSError):  # a rest that the process has not taken
            self.sender.close()


class SanitizerProcess:
    """The process, started for the first piece of work, and anew after it has ended; it has work of one thread."""

    def __init__(self) -> None:
        self._running: _Running | None = None

    @property
    def pid(self) -> int | None:
        """The id of the process; None before the first piece of work."""
        return self._running.process.pid if self._running else None

    def do(self, given: Work) -> Done:
        """The page that shows the HTML; raises EOFError or OSError when the process is killed meanwhile."""
        if self._running is None or self._running.process.poll() is not None:
            self.end()
            self._running = _Running()
        work.write(self._running.sender, given)
        octets = work.read(self._running.receiver)
        if not octets:
            raise EOFError
        return msgspec.msgpack.decode(octets, type=Done)

    def end(self) -> None:
        """End the process, whatever it does."""
        if self._running:
            self._running.end()
            self._running = None
