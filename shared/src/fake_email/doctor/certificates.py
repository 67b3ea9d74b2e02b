"""Certificates as a peer presents them: the end of their time, and the certificate itself whatever its faults."""

import datetime
import socket
import ssl

_SOON_DAYS = 14


def end_of(connection: socket.socket) -> datetime.datetime:
    """The end of the verified certificate's time; the connection is one by TLS."""
    verified = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    not_after = (verified or {})["notAfter"]
    return datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(not_after)), datetime.UTC)


def ends_soon(end: datetime.datetime, now: datetime.datetime) -> bool:
    """True in the last two weeks: Caddy renews a month before the end. Pure."""
    return end - now < datetime.timedelta(days=_SOON_DAYS)


def presented(plain: socket.socket, host: str) -> bytes:
    """The certificate that the peer presents for a host, unverified; raises OSError."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(plain, server_hostname=host) as connection:
        return connection.getpeercert(binary_form=True) or b""
