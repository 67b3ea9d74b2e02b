"""A router between hosts that are network namespaces, with links that can fail: python -m faults.router.

Each namespace has one TUN device (https://docs.kernel.org/networking/tuntap.html), which this process reads and writes.
Every packet between two hosts passes this process. It drops packets silently, as an unplugged cable does.
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
# The most packets to read from one device before the next device.
_BURST_PACKETS = 64
_SET_UP = """
link set lo up
address add {address}/32 dev net0
link set net0 mtu {mtu} txqueuelen 1000 up
route add default dev net0
"""


class CreateHosts(msgspec.Struct, frozen=True, kw_only=True):
    """The first command: make a host at each address. The response is HostsCreated or HostsNotCreated."""

    addresses: tuple[str, ...]


class HostsCreated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The files of the hosts' namespaces, by address; they exist as long as this process."""

    namespaces: dict[str, str]


class HostsNotCreated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """This machine or user cannot make the hosts."""

    reason: str


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """The condition of one host's link, each way: the share of packets that it loses, and the delay of the others.

    A link that is cut loses all packets, those in flight too. The response is an empty line.
    """

    address: str
    loss: float = 0
    delay_seconds: float = 0
    is_cut: bool = False


class Router:
    """Forwards packets between TUN devices, by address."""

    def __init__(self, tuns: dict[str, int]) -> None:
        self._links = {bytes(map(int, address.split("."))): tun for address, tun in tuns.items()}
        self._names = {tun: address for address, tun in tuns.items()}
        self._conditions = {tun: Condition(address=address) for address, tun in tuns.items()}
        self._chance = random.Random(len(tuns))
        # Due time, number (it keeps the order of packets due at the same time), device from, device to, packet.
        self._in_flight: list[tuple[float, int, int, int, bytes]] = []
        self._number = 0

    def set(self, condition: Condition) -> None:
        self._conditions[next(tun for tun, name in self._names.items() if name == condition.address)] = condition

    def run(self) -> None:
        """Forward packets, and run commands until stdin ends."""
        poll = select.poll()
        for descriptor in (sys.stdin.fileno(), *self._names):
            poll.register(descriptor, select.POLLIN)
        while True:
            due_at = self._in_flight[0][0] if self._in_flight else None
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
                target = self._links.get(packet[16:20])  # RFC 791 §3.1
                if packet[0] >> 4 == 4 and target is not None:
                    self._forward(packet, tun, target)

    def _forward(self, packet: bytes, tun: int, target: int) -> None:
        delay_seconds = 0.0
        for each in (tun, target):
            condition = self._conditions[each]
            if condition.is_cut or self._chance.random() < condition.loss:
                return
            delay_seconds += condition.delay_seconds
        self._number += 1
        heapq.heappush(self._in_flight, (time.monotonic() + delay_seconds, self._number, tun, target, packet))

    def _deliver(self) -> None:
        now = time.monotonic()
        while self._in_flight and self._in_flight[0][0] <= now:
            _, _, tun, target, packet = heapq.heappop(self._in_flight)
            if not (self._conditions[tun].is_cut or self._conditions[target].is_cut):
                with suppress(BlockingIOError):  # the device's queue is full: the packet is lost
                    os.write(target, packet)


def _make_host(address: str) -> tuple[int, int]:
    """Move this thread into a new namespace; return the namespace and the other end of its device."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"unshare: {os.strerror(ctypes.get_errno())}")
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", b"net0", _IFF_TUN | _IFF_NO_PI))
    lines = _SET_UP.format(address=address, mtu=_MTU)
    subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY), tun


def _respond(response: HostsCreated | HostsNotCreated) -> None:
    print(msgspec.json.encode(response).decode(), flush=True)


def main() -> None:
    command = msgspec.json.decode(sys.stdin.readline(), type=CreateHosts)
    try:
        hosts = {address: _make_host(address) for address in command.addresses}
    except (OSError, subprocess.CalledProcessError) as error:
        _respond(HostsNotCreated(reason=str(error)))
        return
    _respond(
        HostsCreated(namespaces={address: f"/proc/{os.getpid()}/fd/{each}" for address, (each, _) in hosts.items()})
    )
    Router({address: tun for address, (_, tun) in hosts.items()}).run()


if __name__ == "__main__":
    main()
