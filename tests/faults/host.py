"""Where a process is: on this host, or on one of its own, which is a network namespace."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

_CLONE_NEWNET = 0x40000000
_OURS = Path("/proc/thread-self/ns/net")


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """An address, and the network that it is on, a file of network_namespaces(7); None: the one of this process."""

    address: str
    network: Path | None = None

    @property
    def prefix(self) -> tuple[str, ...]:
        """What goes in front of a command that is to be there."""
        return () if self.network is None else ("nsenter", f"--net={self.network}")

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets that this thread makes during the block are there."""
        if self.network is None:
            yield
            return
        with _OURS.open("rb") as ours, self.network.open("rb") as theirs:
            _set_network(theirs.fileno())
            try:
                yield
            finally:
                _set_network(ours.fileno())


LOOPBACK = Host(address="127.0.0.1")


class Hosts(msgspec.Struct, frozen=True, kw_only=True):
    """Who is where."""

    smtp: Host = LOOPBACK
    http: Host = LOOPBACK
    clients: Host = LOOPBACK


def _set_network(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
