"""One deploy or rollback at a time, which the end of its ssh connection does not cut in half."""

import fcntl
import os
import signal
import sys
import syslog
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from installer.errors import Failed
from installer.host import tell

_LOCK = Path("/run/fake-email-deploy.lock")


@contextmanager
def session(what: str) -> Iterator[None]:
    """Run the block alone on this host; what it fails with is told, and ends the process with status 1."""
    syslog.openlog("fake-email-deploy", syslog.LOG_PID)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    os.umask(0o022)
    try:
        with _alone(what):
            yield
    except (Failed, OSError) as failed:
        tell(f"{what} failed: {failed}")
        sys.exit(1)


def _interrupt(number: int, _: object) -> None:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)  # going back is not interrupted
    raise Failed(f"ended by {signal.Signals(number).name}")


@contextmanager
def _alone(what: str) -> Iterator[None]:
    if os.geteuid():
        raise Failed("it is for root: run it with sudo")
    with _LOCK.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise Failed(f"another is under way on this host ({lock.read().strip()}): wait for its end") from None
        lock.truncate(0)
        lock.write(f"{what}, process {os.getpid()}\n")
        lock.flush()
        yield
