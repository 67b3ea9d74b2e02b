"""A service manager as far as faults need one: a service that ends is started again, and its port stays bound."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
from support.harness import Service

_TURN_SECONDS = 0.05


class Supervised:
    """One service under Restart=always and KillMode=mixed, with a socket unit."""

    def __init__(
        self,
        name: str,
        environ: Mapping[str, str],
        directory: Path,
        *,
        restart_seconds: float,
        listener: socket.socket,
        prefix: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.starts = 0
        self._environ = environ
        self._directory = directory
        self._restart_seconds = restart_seconds
        self._listener = listener
        self._prefix = prefix
        self._is_over = threading.Event()
        self.service = self._start()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @property
    def main(self) -> psutil.Process:
        """Its first process, once it runs; while a new one is due there is none, and NoSuchProcess is raised."""
        return psutil.Process(self.service.pid)

    def signal_main(self, number: signal.Signals) -> None:
        """Send it to the first process, if there is one."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.main.send_signal(number)

    def signal_workers(self, number: signal.Signals) -> None:
        """Send it to every process that the first one started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for worker in self.main.children(recursive=True):
                worker.send_signal(number)

    def end(self) -> None:
        """For good."""
        self._is_over.set()
        while self._thread.is_alive():  # it may be about to start another one
            self.service.kill()
            self._thread.join(_TURN_SECONDS)

    def _start(self) -> Service:
        with (self._directory / f"{self.name}-{self.starts}.log").open("wb") as log:
            service = Service(self.name, self._environ, log, [self._listener], self._prefix)
        self.starts += 1
        return service

    def _watch(self) -> None:
        while True:
            self.service.process.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.service.pid, signal.SIGKILL)  # what it leaves behind
            if self._is_over.wait(self._restart_seconds):
                return
            self.service = self._start()
