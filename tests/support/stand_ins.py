"""An HTTP and an SMTP server of the test's own, with responses and certificates that it chooses."""

import datetime
import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

_POLL_SECONDS = 0.01
_VALID = datetime.timedelta(days=90)


class Authority:
    """A certificate authority; `path` is the file of its own certificate."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._authority = trustme.CA()
        self.path = directory / "authority.pem"
        self._authority.cert_pem.write_to_path(self.path)

    def context(self, host: str, days: int = 90) -> ssl.SSLContext:
        """A server's context with a certificate of 90 days for a host, which ends in so many days."""
        ends_at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(host, not_before=ends_at - _VALID, not_after=ends_at).configure_cert(context)
        return context


@contextmanager
def http_server(
    responses: Mapping[str, tuple[int, str]],
    context: ssl.SSLContext | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Respond to `METHOD /path` with a status and a body, else with 404; yields the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that the library calls
            status, body = responses.get(f"{self.command} {self.path}", (404, ""))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        do_OPTIONS = do_POST = do_DELETE = do_GET  # noqa: N815  # the names that the library calls

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with _served(server) as port:
        yield port


@contextmanager
def smtp_server(replies: Mapping[str, str], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Reply to a connection (`""`) and to each command by its verb; STARTTLS uses the context; yields the port."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            verb = ""
            while True:
                if verb == "DATA":
                    self.wfile.write(f"{replies['DATA']}\r\n".encode())
                    while self.rfile.readline(1_000) not in {b".\r\n", b""}:
                        pass
                    verb = "."
                self.wfile.write(f"{replies.get(verb, '500 what?')}\r\n".encode())
                if verb == "STARTTLS" and context:
                    self._shake_hands(context)
                    return
                line = self.rfile.readline(1_000).decode()
                if not line or verb == "QUIT":
                    return
                verb = line.split()[0].upper()

        def _shake_hands(self, context: ssl.SSLContext) -> None:
            with suppress(OSError):  # the client does not accept the certificate
                context.wrap_socket(self.connection, server_side=True).close()

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    with _served(server) as port:
        yield port


@contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[int]:
    if isinstance(server, socketserver.ThreadingMixIn):
        server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
