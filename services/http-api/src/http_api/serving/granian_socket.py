"""The socket that accepts HTTP connections, from the service manager or our own, and Granian on that socket."""

import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from granian._granian import SocketHolder
from granian.server import MPServer

from fake_email import command, systemd
from fake_email.errors import SettingsError
from fake_email.settings import Settings

BACKLOG = 4_096
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# The kernel buffers so many octets that a connection cannot send yet; its own limit would be megabytes.
_UNSENT_OCTETS = 65_536
# At a stop Granian closes a connection that has sent nothing yet, and a proxy does not repeat a POST after that. So the
# kernel keeps a connection back until it sends, or for this long (tcp(7)); behind a socket unit, for the next process.
_SILENT_SECONDS = 5
# A client may always have sent more than Granian reads; Granian gives open responses longer.
_READ_SECONDS = 1.0
_POLL_SECONDS = 0.001
_LISTEN = "0A"  # the kernel's tcp_states.h


class GranianSocket:
    """The socket that all workers share; the queue of a socket unit's socket outlives the service."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        """Raises OSError when the address is taken, and SettingsError for more than one socket."""
        sockets = systemd.listeners(environ) or [
            command.bind("HTTP", settings.http_host, settings.http_port, backlog=BACKLOG)
        ]
        if len(sockets) > 1:
            raise SettingsError("LISTEN_FDS: more than one socket, and HTTP comes in on one")
        self.socket = sockets[0]
        self._is_accepting = True
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

    def stop_accepting(self) -> None:
        """Accept nothing more in this worker, and return when Granian has read what every accepted connection sent.

        At a stop Granian closes a connection that it has accepted and not read, which loses requests on a busy host.
        """
        if not self._is_accepting or sys.platform != "linux":
            return
        self._is_accepting = False
        # Granian goes on to accept on the same descriptor, which is now a socket that no client knows.
        port = self.address[1]
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as unknown:
            unknown.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
            unknown.listen(1)  # ip(7): the kernel picks a port, also for a systemd unit that may not bind any
            os.dup2(unknown.fileno(), self.socket.fileno())
        deadline = time.monotonic() + _READ_SECONDS
        time.sleep(_POLL_SECONDS)  # for connections that are being accepted
        while _is_unread(port) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)  # Granian reads on threads of its own


def _is_unread(port: int) -> bool:
    """True while an accepted connection to `port` has unread octets (the kernel's proc_net_tcp.rst)."""
    suffix = f":{port:04X}"
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/self/net", table).read_text().splitlines()[1:]:
            _, local, _, state, queues, _, _, _, _, inode = line.split(maxsplit=10)[:10]
            is_ours = local.endswith(suffix) and state != _LISTEN and inode != "0"
            if is_ours and not queues.endswith(":00000000"):
                return True
    return False


class SharedSocketServer(MPServer):
    """Granian on one GranianSocket, whose options the kernel passes on to each connection that Granian accepts.

    So the kernel cuts off a client that takes nothing of its response, for which Granian would wait without end. By
    itself Granian gives each worker on Linux a socket of its own, whose options nothing can set.
    """

    granian_socket: GranianSocket

    def _init_shared_socket(self) -> None:
        self._sso = self.granian_socket.socket
        self._sso.set_inheritable(True)
        self._sfd = self._sso.fileno()  # type: ignore[assignment]
        # Granian declares None first and no type, nor does it declare the parameters of the class.
        self._shd = SocketHolder(self._sfd, False, BACKLOG)  # type: ignore[assignment,call-arg]

    def _spawn_workers(self, spawn_target: object, target_loader: object) -> None:
        # A worker that starts would miss a stop signal, or act on it too soon: the worker unblocks it when ready.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        super()._spawn_workers(spawn_target, target_loader)  # type: ignore[no-untyped-call]  # Granian has no types
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
