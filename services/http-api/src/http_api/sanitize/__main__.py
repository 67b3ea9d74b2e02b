"""The process that makes HTML safe: python -m http_api.sanitize. It reads Work from stdin until that ends."""

import os
import signal
import sys
from contextlib import suppress

import msgspec

from http_api.sanitize import work
from http_api.sanitize.work import Work

_NICE = 10


def main() -> None:
    """Do each piece of work, with what CPU others leave; the end of stdin ends the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # these may go to all processes of the service
    with suppress(PermissionError):  # where the systemd unit forbids the system call
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    with suppress(BrokenPipeError):
        while octets := work.read(sys.stdin.buffer):
            work.write(sys.stdout.buffer, work.do(msgspec.msgpack.decode(octets, type=Work)))


if __name__ == "__main__":
    main()
