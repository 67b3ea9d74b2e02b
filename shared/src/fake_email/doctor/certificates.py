"""Certificates as a peer presents them: their time, and the certificate itself whatever its faults."""

import datetime
import socket
import ssl

import msgspec

# Caddy renews when a third of the time is left, which may be 90 days or 6.
_SOON = 6


class Validity(msgspec.Struct, frozen=True, kw_only=True):
    """The time of a certificate."""

    begin: datetime.datetime
    end: datetime.datetime

    def ends_soon(self, now: datetime.datetime) -> bool:
        """True when less than a sixth of the time is left."""
        return self.end - now < (self.end - self.begin) / _SOON


def validity(connection: socket.socket) -> Validity:
    """The time of the verified certificate; the connection is one by TLS."""
    verified = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    begin, end = (
        datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(str((verified or {})[name])), datetime.UTC)
        for name in ("notBefore", "notAfter")
    )
    return Validity(begin=begin, end=end)


def presented(plain: socket.socket, host: str) -> bytes:
    """The certificate that the peer presents for a host, unverified; raises OSError."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(plain, server_hostname=host) as connection:
        return connection.getpeercert(binary_form=True) or b""
