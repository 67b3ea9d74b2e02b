"""The web as tests have it: an HTTP server that answers for every host, and keeps what it was asked."""

import base64
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEklEQVR4nGP4z8DAxMDAwIBMAgAUIAMBVuCUvgAAAABJRU5ErkJggg=="
)


class Asked(msgspec.Struct, frozen=True):
    """What the listener was asked: the host and path, and what the browser said of where it comes from."""

    url: str
    referer: str | None


class Listener:
    """Answers for every host: the pages that it was given, `.css`, and for `.png` an image of 2 by 3 pixels."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.content_of: dict[str, str] = {}  # by host and path
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def setup(self) -> None:
                listener.connections += 1
                super().setup()

            def do_GET(self) -> None:  # the name that the library calls
                listener.asked.append(Asked(f"{self.headers['host']}{self.path}", self.headers["referer"]))
                kind, content = listener.content(f"{self.headers['host']}{self.path}")
                self.send_response(200 if kind else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def content(self, url: str) -> tuple[str, bytes]:
        """The type and the octets of what is there; nothing, where nothing is."""
        if url in self.content_of:
            return "text/html; charset=utf-8", self.content_of[url].encode()
        return {"png": ("image/png", _PNG), "css": ("text/css", b"")}.get(
            url.partition("?")[0].rpartition(".")[2], ("", b"")
        )

    def forget(self) -> None:
        self.asked.clear()
        self.connections = 0

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
