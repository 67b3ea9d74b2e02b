"""One HTTP call to a site, by name or at a given address, with bounds in bytes and time. Blocking."""

import http.client
import socket
import ssl
import urllib.parse
from collections.abc import Mapping

import msgspec

SECONDS = 5.0
_BODY_OCTETS = 65_536


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is scheme, host and port; `connect_to` has an address and port to connect to instead of those."""

    url: str
    connect_to: tuple[str, int] | None = None

    @property
    def host(self) -> str:
        """The host name or address in the URL."""
        return urllib.parse.urlsplit(self.url).hostname or ""

    @property
    def is_secure(self) -> bool:
        """True for https."""
        return self.url.startswith("https:")


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """The names of header fields are in lower case; the body is cut off at 64 KiB."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def summary(self) -> str:
        """The status and the beginning of the body, in one line."""
        text = " ".join(self.body[:200].decode(errors="replace").split())
        return f"{self.status} {text}".strip()


def connect(site: Site, seconds: float = SECONDS) -> http.client.HTTPConnection:
    """A connection to a site; raises OSError, and ssl.SSLError when the certificate is not valid for its name."""
    parts = urllib.parse.urlsplit(site.url)
    port = parts.port or (443 if site.is_secure else 80)
    context = ssl.create_default_context() if site.is_secure else None
    connection = (
        http.client.HTTPSConnection(site.host, port, timeout=seconds, context=context)
        if context
        else http.client.HTTPConnection(site.host, port, timeout=seconds)
    )
    plain = socket.create_connection(site.connect_to or (site.host, port), timeout=seconds)
    try:
        connection.sock = context.wrap_socket(plain, server_hostname=site.host) if context else plain
    except OSError:
        plain.close()
        raise
    return connection


def call(
    site: Site, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Response:
    """Make a call; raises OSError or http.client.HTTPException."""
    connection = connect(site)
    try:
        connection.request(method, path, body, dict(headers or {}))
        return read(connection.getresponse())
    finally:
        connection.close()


def read(response: http.client.HTTPResponse) -> Response:
    """Read a response; raises OSError or http.client.HTTPException."""
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Response(status=response.status, headers=headers, body=response.read(_BODY_OCTETS))


def why(error: OSError | http.client.HTTPException) -> str:
    """The reason in a few words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    if isinstance(error, ssl.SSLError):
        return str(error.reason or error)
    if isinstance(error, OSError):
        return str(error.strerror or error)
    return str(error) or type(error).__name__
