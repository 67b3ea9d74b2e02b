"""A TCP relay that cuts its connections when a test says so."""

import socket
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

_PIECE_OCTETS = 65536


class Relay:
    """A connection to 127.0.0.1:`port` that can be cut and mended; `connected` is set once a client has come.

    `turned_away` counts the connections that came while it was cut.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._sockets: set[socket.socket] = set()
        self._is_cut = False
        self._octets_left: int | None = None
        self._was_cut = Event()
        self.connected = Event()
        self.turned_away = 0
        relay = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                relay._serve(self.request)  # its own class

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def cut(self) -> None:
        """Reset all connections, and each new one, until `mend`."""
        self._is_cut = True
        for each in list(self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._is_cut = False

    def cut_response(self, octets: int) -> Event:
        """Let so many octets of the server pass, then cut the connection of the next octet, which sets the event."""
        self._octets_left = octets
        self._was_cut = Event()
        return self._was_cut

    def _passing(self, octets: bytes) -> bytes:
        """The octets of the server that pass; fewer than these when the connection is to be cut."""
        if self._octets_left is None:
            return octets
        passing = octets[: self._octets_left]
        self._octets_left -= len(passing)
        if len(passing) < len(octets):
            self._octets_left = None
            self._was_cut.set()
        return passing

    def _serve(self, client: socket.socket) -> None:
        if self._is_cut:
            self.turned_away += 1
            return
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            both = {client, server}
            self._sockets |= both
            self.connected.set()
            back = Thread(target=_pump, args=(server, client, self._passing), daemon=True)
            back.start()
            _pump(client, server)
            back.join()
            self._sockets -= both


def _pump(source: socket.socket, target: socket.socket, passing: Callable[[bytes], bytes] = bytes) -> None:
    with suppress(OSError):
        while octets := source.recv(_PIECE_OCTETS):
            target.sendall(passed := passing(octets))
            if len(passed) < len(octets):
                break
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def running_relay(port: int) -> Iterator[Relay]:
    """Run a relay during the block."""
    relay = Relay(port)
    with relay.server:
        Thread(target=relay.server.serve_forever, daemon=True).start()
        try:
            yield relay
        finally:
            relay.cut()
            relay.server.shutdown()
