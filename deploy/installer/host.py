"""What the installer asks of its host: commands with an end, and somebody who reads what it does."""

import os
import subprocess
import syslog
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

ENVIRONMENT_FILE = Path("/etc/fake-email/env")
_SECONDS = 60.0
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


class Done(NamedTuple):
    status: int
    output: str


def tell(text: str) -> None:
    """One step, or what was wrong, for who waits at the other end of ssh; and for the journal, who outlives them."""
    for line in text.splitlines():
        syslog.syslog(line)
        with suppress(OSError):  # the connection broke: a deploy that has begun goes on
            os.write(1, f"{line}\n".encode())


def run(*command: str, seconds: float = _SECONDS) -> Done:
    """Run it to its end; the two streams come as one text. What takes too long has status 124, as with timeout(1)."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            env=_ENVIRONMENT,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return Done(124, f"{(late.stdout or b'').decode(errors='replace')}\nended after {seconds:.0f} s")
    return Done(done.returncode, done.stdout.decode(errors="replace").strip())
