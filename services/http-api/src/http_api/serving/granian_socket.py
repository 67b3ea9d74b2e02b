"""The socket that HTTP comes in on, from the service manager or our own; what the kernel does for each connection."""

import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from granian._granian import SocketHolder
from granian.server import MPServer

from fake_email import systemd
from fake_email.errors import SettingsError
from fake_email.settings import Settings

BACKLOG = 4_096
STOPS = (signal.SIGTERM, signal.SIGINT)
# What is written and cannot be sent yet, in octets for each connection; the kernel's own measure is megabytes.
_UNSENT_OCTETS = 65_536
# Granian closes, at a stop, a connection that said nothing yet, and a proxy does not send a POST again then. So the
# kernel keeps it back until it speaks, and this long (tcp(7)); a socket unit's is there for the next process.
_SILENT_SECONDS = 5
# Somebody may always have sent more than is wanted; Granian gives its answers longer.
_READ_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 0.001
_LISTEN = "0A"  # the kernel's tcp_states.h


class GranianSocket:
    """Made before the workers are, which share it; the queue of a socket unit's outlives them all."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        """Raises OSError when the address is taken, and SettingsError for other than one socket."""
        handed_over = systemd.listeners(environ)
        if len(handed_over) > 1:
            raise SettingsError("LISTEN_FDS: more than one socket, and HTTP comes in on one")
        self.socket = handed_over[0] if handed_over else _bind(settings)
        self._is_left = False
        if sys.platform == "linux":  # tcp(7)
            for option, value in (
                (socket.TCP_USER_TIMEOUT, int(settings.http_stall_seconds * 1_000)),
                (socket.TCP_NOTSENT_LOWAT, _UNSENT_OCTETS),
                (socket.TCP_DEFER_ACCEPT, _SILENT_SECONDS),
            ):
                self.socket.setsockopt(socket.IPPROTO_TCP, option, value)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.socket.getsockname()[:2]
        return host, port

    def leave(self) -> None:
        """In a worker, before Granian stops it: accept nothing more, and return when all that was accepted is read.

        What Granian has accepted and not read it closes, and on a busy host that is more than nothing.
        """
        if self._is_left or sys.platform != "linux":
            return
        self._is_left = True
        # Granian goes on to accept, under the same number, on a socket that nobody knows of.
        port = self.address[1]
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as nobodys:
            nobodys.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
            nobodys.listen(1)  # ip(7): the kernel finds a port, and asks no unit that lets nothing bind
            os.dup2(nobodys.fileno(), self.socket.fileno())
        late = time.monotonic() + _READ_SECONDS
        time.sleep(_LOOK_AGAIN_SECONDS)  # for who is just being accepted
        while _is_unread(port) and time.monotonic() < late:
            time.sleep(_LOOK_AGAIN_SECONDS)  # Granian reads on threads of its own


def _bind(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
    return socket.create_server((settings.http_host, settings.http_port), family=family, backlog=BACKLOG)


def _is_unread(port: int) -> bool:
    """Whether an accepted connection to `port` has octets that were not read (the kernel's proc_net_tcp.rst)."""
    suffix = f":{port:04X}"
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/self/net", table).read_text().splitlines()[1:]:
            _, local, _, state, queues, _, _, _, _, inode = line.split(maxsplit=10)[:10]
            is_ours = local.endswith(suffix) and state != _LISTEN and inode != "0"
            if is_ours and not queues.endswith(":00000000"):
                return True
    return False


class CuttingServer(MPServer):
    """Granian that cuts off who takes nothing of what waits for it for a while; of itself it waits for good.

    There is no way to the connections that it accepts, but they inherit what the socket is set to that they come from.
    On Linux each worker would make one of its own, out of reach; here they share one, as they do elsewhere.
    """

    listener: GranianSocket

    def _init_shared_socket(self) -> None:
        self._sso = self.listener.socket
        self._sso.set_inheritable(True)
        self._sfd = self._sso.fileno()  # type: ignore[assignment]
        # Granian says None first and no type; nor does it say what the class is made of.
        self._shd = SocketHolder(self._sfd, False, BACKLOG)  # type: ignore[assignment,call-arg]

    def _spawn_workers(self, spawn_target: object, target_loader: object) -> None:
        # A worker that starts would not hear of a stop, or hear of it too soon: it is kept until the worker asks.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        super()._spawn_workers(spawn_target, target_loader)  # type: ignore[no-untyped-call]  # Granian has no types
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
