"""The hosts that processes run on: this host, or network namespaces that act as other hosts."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

_CLONE_NEWNET = 0x40000000
_OURS = Path("/proc/thread-self/ns/net")


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """An address, and its network: a file of network_namespaces(7), None for the namespace of this process."""

    address: str
    network: Path | None = None

    @property
    def prefix(self) -> tuple[str, ...]:
        """Return the command that starts another command on this host."""
        return () if self.network is None else ("nsenter", f"--net={self.network}")

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Put the sockets that this thread makes during the block on this host."""
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
    """The hosts of both services and of their clients."""

    smtp: Host = LOOPBACK
    http: Host = LOOPBACK
    clients: Host = LOOPBACK


def _set_network(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
