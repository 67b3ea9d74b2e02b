"""The installer's access to its host: commands with a time limit, and messages to the operator and the journal."""

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
    """Print a step or an error for the operator at the other end of ssh, and write it to the journal."""
    for line in text.splitlines():
        syslog.syslog(line)
        with suppress(OSError):  # the ssh connection broke: a deploy that has begun continues
            os.write(1, f"{line}\n".encode())


def run(*command: str, seconds: float = _SECONDS) -> Done:
    """Run a command and return stdout and stderr as one text; the status is 124 after a time-out, as in timeout(1)."""
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
        return Done(124, f"{(late.stdout or b'').decode(errors='replace')}\nkilled after {seconds:.0f} s")
    return Done(done.returncode, done.stdout.decode(errors="replace").strip())
