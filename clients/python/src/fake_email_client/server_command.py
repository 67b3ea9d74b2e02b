"""A server for the session of pytest: the command in FAKE_EMAIL_COMMAND, which gets free ports."""

import os
import random
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

import httpx2

_HOST = "127.0.0.1"
# All that a fake-email server listens on.
_PORTS = ("HTTP_PORT", "SMTP_PORT", "HTTP_METRICS_PORT", "SMTP_METRICS_PORT")
_READY_SECONDS = 120.0
_STOP_SECONDS = 10.0
_SHOWN_LINES = 20


class ServerError(Exception):
    """The command ended, or did not serve the API in time; the text has the last lines of its output."""


@contextmanager
def running(command: str) -> Iterator[str]:
    """Run the command during the block, and yield the URL of its API.

    The command finds its address and its ports in the variables that a fake-email server reads.
    """
    environ = {"HTTP_HOST": _HOST, "SMTP_HOST": _HOST, **dict(zip(_PORTS, _free_ports(), strict=True))}
    url = f"http://{_HOST}:{environ['HTTP_PORT']}"
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603  # the user's own command
            shlex.split(command),
            env=os.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(process, url, output)
            yield url
        finally:
            _end(process)


def _free_ports() -> set[str]:
    """Ports outside the kernel's own range (ip(7)), so that no connection takes one before the command does."""
    ports: set[str] = set()
    while len(ports) < len(_PORTS):
        port = random.randrange(10_000, 32_768)  # noqa: S311  # nothing secret
        with suppress(OSError), socket.create_server((_HOST, port)):
            ports.add(str(port))
    return ports


def _wait(process: subprocess.Popen[bytes], url: str, output: IO[bytes]) -> None:
    ends_at = time.monotonic() + _READY_SECONDS
    # A proxy that the environment names cannot reach the ports of this machine.
    with httpx2.Client(trust_env=False) as http:
        while True:
            with suppress(httpx2.TransportError):
                if http.get(f"{url}/api/health").is_success:
                    return
            status = process.poll()
            if status is not None:
                raise ServerError(f"FAKE_EMAIL_COMMAND ended with status {status}:\n{_last_lines(output)}")
            if time.monotonic() > ends_at:
                raise ServerError(
                    f"FAKE_EMAIL_COMMAND did not serve {url} within {_READY_SECONDS:.0f} s:\n{_last_lines(output)}"
                )
            time.sleep(0.1)


def _last_lines(output: IO[bytes]) -> str:
    output.seek(0)
    return "\n".join(output.read().decode(errors="replace").splitlines()[-_SHOWN_LINES:])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and all programs that it has started in its session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
