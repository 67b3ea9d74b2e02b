"""Run the servers that fake-email is compared with, each in its own process."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from environment import ROOT
from postgres_cluster import ends_with_us
from support.harness import free_port
from support.waiting import deadline

MISSING_SINK = "smtp-sink is not installed, so the column sink is missing: apt-get install postfix"


@contextmanager
def program(command: Sequence[str], user: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run a process with pipes for stdin and stdout, and kill it at the end of the block."""
    with subprocess.Popen(
        [*ends_with_us("KILL"), *command],
        cwd=ROOT if user is None else "/",
        user=user,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def module(name: str) -> list[str]:
    """The command that runs a module of the benchmark."""
    return [sys.executable, "-m", name]


def said(process: subprocess.Popen[str]) -> str:
    """The next line that the process prints; raises EOFError when the process ends first."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise EOFError(f"{process.args!r} ended")
    return line


@contextmanager
def bare(*certificate: str) -> Iterator[int]:
    """Run aiosmtpd, which discards every message, and yield its port; with a certificate and key it offers STARTTLS."""
    with program([*module("bench.bare"), *certificate]) as process:
        yield int(said(process))


@contextmanager
def sink() -> Iterator[int | None]:
    """Run Postfix's smtp-sink, a fast server that discards every message, and yield its port.

    The port is None when smtp-sink is not installed. smtp-sink does not support STARTTLS.
    """
    path = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if path is None:
        yield None
        return
    port = free_port()
    # smtp-sink refuses to run as root.
    with program([path, f"127.0.0.1:{port}", "1024"], user="nobody" if os.geteuid() == 0 else None):
        _wait_for_greeting(port)
        yield port


def _wait_for_greeting(port: int) -> None:
    for _ in deadline():
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            if connection.recv(3) == b"220":
                return
    raise TimeoutError(f"no SMTP server responds on port {port}")
