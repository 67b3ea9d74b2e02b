"""Allow one deploy or rollback at a time; the end of its ssh connection does not interrupt it."""

import os
import signal
import sys
import syslog
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from installer import host_lock
from installer.errors import Failed
from installer.host import tell

_LOCK = Path("/run/fake-email-deploy.lock")


@contextmanager
def session(task: str) -> Iterator[None]:
    """Run the block under the host's deploy lock; a failure is printed and ends the process with status 1."""
    syslog.openlog("fake-email-deploy", syslog.LOG_PID)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    os.umask(0o022)
    try:
        with _locked(task):
            yield
    except (Failed, OSError) as failed:
        tell(f"{task} failed: {failed}")
        sys.exit(1)


def _interrupt(number: int, _: object) -> None:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)  # nothing may interrupt the rollback
    raise Failed(f"interrupted by {signal.Signals(number).name}")


@contextmanager
def _locked(task: str) -> Iterator[None]:
    if os.geteuid():
        raise Failed("only root can do this: run it with sudo")
    with host_lock.held(_LOCK, task):
        yield
