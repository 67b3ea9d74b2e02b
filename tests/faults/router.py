"""The router between hosts that are network namespaces, and the faults of its links: python -m faults.router

Each namespace has one device, a TUN (https://docs.kernel.org/networking/tuntap.html) whose other end is here, so every
packet between two hosts passes this process; what it does not forward is silence, as on a cable that is out.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time
from contextlib import suppress

import msgspec

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_MTU = 1_500
# What a burst may bring before the others have their turn.
_BURST_PACKETS = 64
_SET_UP = """
link set lo up
address add {address}/32 dev net0
link set net0 mtu {mtu} txqueuelen 1000 up
route add default dev net0
"""


class Lay(msgspec.Struct, frozen=True, kw_only=True):
    """Make a host at each of these, with links between them all; the first order, answered with Laid or Impossible."""

    addresses: tuple[str, ...]


class Laid(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The hosts' namespaces, by address: files, for as long as this process lives."""

    namespaces: dict[str, str]


class Impossible(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It cannot be done here."""

    reason: str


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """How the link of one host is from now on, each way: the share of packets that is lost, and how late the rest is.

    One that is cut loses all, those under way too. Answered with an empty line once it is so.
    """

    address: str
    loss: float = 0
    delay_seconds: float = 0
    is_cut: bool = False


class Router:
    """Forwards between TUNs, by address."""

    def __init__(self, tuns: dict[str, int]) -> None:
        self._links = {bytes(map(int, address.split("."))): tun for address, tun in tuns.items()}
        self._names = {tun: address for address, tun in tuns.items()}
        self._conditions = {tun: Condition(address=address) for address, tun in tuns.items()}
        self._chance = random.Random(len(tuns))
        # When it is due, its number, so that those of one moment keep their order, where from, where to, and itself.
        self._under_way: list[tuple[float, int, int, int, bytes]] = []
        self._number = 0

    def set(self, condition: Condition) -> None:
        self._conditions[next(tun for tun, name in self._names.items() if name == condition.address)] = condition

    def run(self) -> None:
        """Forward, and obey who writes on stdin, until there is nobody any more."""
        poll = select.poll()
        for descriptor in (sys.stdin.fileno(), *self._names):
            poll.register(descriptor, select.POLLIN)
        while True:
            due_at = self._under_way[0][0] if self._under_way else None
            timeout = None if due_at is None else max(0, (due_at - time.monotonic()) * 1_000)
            for descriptor, _ in poll.poll(timeout):
                if descriptor in self._names:
                    self._take(descriptor)
                elif line := sys.stdin.readline():
                    self.set(msgspec.json.decode(line, type=Condition))
                    print(flush=True)
                else:
                    return
            self._deliver()

    def _take(self, tun: int) -> None:
        with suppress(BlockingIOError):
            for _ in range(_BURST_PACKETS):
                packet = os.read(tun, _MTU)
                onto = self._links.get(packet[16:20])  # RFC 791 §3.1
                if packet[0] >> 4 == 4 and onto is not None:
                    self._forward(packet, tun, onto)

    def _forward(self, packet: bytes, tun: int, onto: int) -> None:
        delay_seconds = 0.0
        for each in (tun, onto):
            condition = self._conditions[each]
            if condition.is_cut or self._chance.random() < condition.loss:
                return
            delay_seconds += condition.delay_seconds
        self._number += 1
        heapq.heappush(self._under_way, (time.monotonic() + delay_seconds, self._number, tun, onto, packet))

    def _deliver(self) -> None:
        now = time.monotonic()
        while self._under_way and self._under_way[0][0] <= now:
            _, _, tun, onto, packet = heapq.heappop(self._under_way)
            if not (self._conditions[tun].is_cut or self._conditions[onto].is_cut):
                with suppress(BlockingIOError):  # its queue is full: lost
                    os.write(onto, packet)


def _make_host(address: str) -> tuple[int, int]:
    """A namespace, which this thread is in from now on, and the other end of its device."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"unshare: {os.strerror(ctypes.get_errno())}")
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", b"net0", _IFF_TUN | _IFF_NO_PI))
    lines = _SET_UP.format(address=address, mtu=_MTU)
    subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY), tun


def _say(answer: Laid | Impossible) -> None:
    print(msgspec.json.encode(answer).decode(), flush=True)


def main() -> None:
    order = msgspec.json.decode(sys.stdin.readline(), type=Lay)
    try:
        hosts = {address: _make_host(address) for address in order.addresses}
    except (OSError, subprocess.CalledProcessError) as error:
        _say(Impossible(reason=str(error)))
        return
    _say(Laid(namespaces={address: f"/proc/{os.getpid()}/fd/{each}" for address, (each, _) in hosts.items()}))
    Router({address: tun for address, (_, tun) in hosts.items()}).run()


if __name__ == "__main__":
    main()
