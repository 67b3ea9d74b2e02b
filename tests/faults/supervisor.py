"""A minimal service manager: it restarts a service that ends, and keeps the service's port bound."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
from support.harness import Service

_JOIN_SECONDS = 0.05


class SupervisedService:
    """One service under Restart=always and KillMode=mixed, with a socket unit."""

    def __init__(
        self,
        name: str,
        environ: Mapping[str, str],
        directory: Path,
        *,
        restart_seconds: float,
        bound: socket.socket,
        prefix: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.starts = 0
        self._environ = environ
        self._directory = directory
        self._restart_seconds = restart_seconds
        self._bound = bound
        self._prefix = prefix
        self._is_ending = threading.Event()
        self.service = self._start()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @property
    def main(self) -> psutil.Process:
        """Return the first process of the service; raises NoSuchProcess before a restart."""
        return psutil.Process(self.service.pid)

    def signal_main(self, number: signal.Signals) -> None:
        """Send a signal to the first process, if there is one."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.main.send_signal(number)

    def signal_workers(self, number: signal.Signals) -> None:
        """Send a signal to every process that the first process started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for worker in self.main.children(recursive=True):
                worker.send_signal(number)

    def end(self) -> None:
        """End the service without a restart."""
        self._is_ending.set()
        while self._thread.is_alive():  # it may be about to restart the service
            self.service.kill()
            self._thread.join(_JOIN_SECONDS)

    def _start(self) -> Service:
        with (self._directory / f"{self.name}-{self.starts}.log").open("wb") as log:
            service = Service(self.name, self._environ, log, [self._bound], self._prefix)
        self.starts += 1
        return service

    def _watch(self) -> None:
        while True:
            self.service.process.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.service.pid, signal.SIGKILL)  # processes that it left behind
            if self._is_ending.wait(self._restart_seconds):
                return
            self.service = self._start()
