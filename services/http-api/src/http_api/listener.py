"""The socket that HTTP comes in on, with what the kernel does for each connection that it accepts."""

import socket
import sys

from granian._granian import ListenerSpec
from granian.server import MPServer

# What is written and cannot be sent yet, in octets for each connection; the kernel's own measure is megabytes.
_UNSENT_OCTETS = 65_536


class CuttingServer(MPServer):
    """Granian that cuts off who takes nothing of what waits for it for `stall_seconds`; of itself it waits for good.

    There is no way to the connections that it accepts, but they inherit what the socket is set to that they come from.
    On Linux each worker would make one of its own, out of reach; here they share one, as they do elsewhere.
    """

    stall_seconds: float

    def _init_shared_socket(self) -> None:
        holder = ListenerSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._shd = holder  # type: ignore[assignment]  # Granian does so too, but says None first and no type
        self._sfd = holder.get_fd()
        self._sso = socket.socket(fileno=self._sfd)
        self._sso.set_inheritable(True)
        if sys.platform == "linux":  # tcp(7)
            self._sso.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self.stall_seconds * 1_000))
            self._sso.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_OCTETS)
