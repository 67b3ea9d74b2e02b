"""A web server for all hosts that a browser test needs; it records the requests."""

import base64
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEklEQVR4nGP4z8DAxMDAwIBMAgAUIAMBVuCUvgAAAABJRU5ErkJggg=="
)


class WebRequest(msgspec.Struct, frozen=True):
    """A request that the server received: host and path as one text, and the Referer."""

    url: str
    referer: str | None


class CountingServer(ThreadingHTTPServer):
    """Keeps the address of each connection that it has accepted, and never lets the kernel refuse one."""

    daemon_threads = True
    # A browser opens dozens of connections at once. Where the queue is full, the kernel drops the SYN and the browser's
    # side sends another one a second later: the connection would be counted in the next test. The default is 5.
    request_queue_size = 1024

    def __init__(self, handler: type[BaseHTTPRequestHandler] = BaseHTTPRequestHandler) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.peers: list[object] = []

    def get_request(self) -> tuple[socket.socket, object]:
        connection, peer = super().get_request()
        self.peers.append(peer)
        return connection, peer


class WebServer:
    """Serves for every host the documents in `content_of`, an empty sheet for `.css`, and a 2 by 3 image for `.png`."""

    def __init__(self) -> None:
        self.requests: list[WebRequest] = []
        self.content_of: dict[str, str] = {}  # by host and path
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name that the library calls
                server.requests.append(WebRequest(f"{self.headers['host']}{self.path}", self.headers["referer"]))
                media_type, content = server.content(f"{self.headers['host']}{self.path}")
                self.send_response(200 if media_type else 404)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        self._server = CountingServer(Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def content(self, url: str) -> tuple[str, bytes]:
        """Return the media type and the octets at host and path; both are empty where nothing is."""
        if url in self.content_of:
            return "text/html; charset=utf-8", self.content_of[url].encode()
        return {"png": ("image/png", _PNG), "css": ("text/css", b"")}.get(
            url.partition("?")[0].rpartition(".")[2], ("", b"")
        )

    @property
    def connections(self) -> int:
        """The number of connections that were made until now."""
        self._accept_all()
        return len(self._server.peers)

    def forget(self) -> None:
        self._accept_all()
        self.requests.clear()
        self._server.peers.clear()

    def _accept_all(self) -> None:
        """Return when each connection that was made before is counted; the server accepts them in their order."""
        with socket.create_connection(("127.0.0.1", self.port)) as own:
            own.shutdown(socket.SHUT_WR)
            own.recv(1)  # the server ends a connection without a request
            self._server.peers.remove(own.getsockname())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
