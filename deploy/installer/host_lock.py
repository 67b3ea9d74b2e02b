"""Hold the lock that allows one deploy or rollback at a time on a host."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from installer.errors import Failed

_NAMED_WITHIN = 5.0  # seconds; who takes the lock writes its name into the file right after
_LOOK_EVERY = 0.05


@contextmanager
def held(path: Path, task: str) -> Iterator[None]:
    """Run the block while this process holds the lock at `path`, whose text names `task` and the process.

    Raises Failed with the text of the process that holds it.
    """
    with path.open("a+") as lock:
        _take(lock)
        lock.truncate(0)
        lock.write(f"{task}, process {os.getpid()}\n")
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)  # the next one to hold it is not taken for this one


def _take(lock: TextIOWrapper) -> None:
    until = time.monotonic() + _NAMED_WITHIN
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
        if holder or time.monotonic() > until:
            raise Failed(f"another one is running on this host ({holder or 'unnamed'}): wait until it ends")
        time.sleep(_LOOK_EVERY)
