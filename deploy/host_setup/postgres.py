"""A Postgres client without dependencies, for a host that has nothing installed yet.

It speaks version 3 of the protocol (PostgreSQL, chapter 55).
"""

import base64
import hashlib
import hmac
import secrets
import socket
import ssl
import struct
from collections.abc import Mapping

from host_setup.target import Target

_SECONDS = 10.0
_PROTOCOL = 196_608
_SSL_REQUEST = struct.pack("!ii", 8, 80_877_103)


class NoTls(Exception):
    """The URL requires TLS, which the server does not support."""


class Refused(Exception):
    """The server returned an error; `sqlstate` is its code (PostgreSQL, appendix A)."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields.get("M", "no reason given"))
        self.sqlstate = fields.get("C", "")


class Session:
    """An authenticated connection; raises OSError, ssl.SSLError, NoTls or Refused."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._socket = _connect(target)
        startup = {"user": target.user, "database": target.database, "application_name": "fake-email setup"}
        if target.options:
            startup["options"] = target.options
        parameters = b"".join(f"{name}\0{value}\0".encode() for name, value in startup.items())
        self._send(b"", struct.pack("!i", _PROTOCOL) + parameters + b"\0")
        self._log_in()

    def close(self) -> None:
        self._socket.close()

    def query(self, statement: str) -> list[list[str]]:
        """Run one or more statements and return the rows of all; NULL is an empty text."""
        self._send(b"Q", statement.encode() + b"\0")
        rows: list[list[str]] = []
        refusal: Refused | None = None
        while True:
            kind, body = self._receive()
            if kind == b"D":
                rows.append(_row(body))
            elif kind == b"E":
                refusal = Refused(_fields(body))
            elif kind == b"Z":
                if refusal:
                    raise refusal
                return rows

    def _log_in(self) -> None:
        scram = Scram(self._target.password)
        while True:
            kind, body = self._receive()
            if kind == b"E":
                raise Refused(_fields(body))
            if kind == b"Z":
                return
            if kind == b"R":
                self._authenticate(struct.unpack("!i", body[:4])[0], body[4:], scram)

    def _authenticate(self, method: int, body: bytes, scram: "Scram") -> None:
        target = self._target
        if method == 3:  # noqa: PLR2004  # AuthenticationCleartextPassword
            self._send(b"p", target.password.encode() + b"\0")
        elif method == 5:  # noqa: PLR2004  # AuthenticationMD5Password
            inner = _md5(target.password.encode() + target.user.encode())
            self._send(b"p", b"md5" + _md5(inner + body[:4]) + b"\0")
        elif method == 10:  # noqa: PLR2004  # AuthenticationSASL
            first = scram.first().encode()
            self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
        elif method == 11:  # noqa: PLR2004  # AuthenticationSASLContinue
            self._send(b"p", scram.final(body.decode()).encode())
        elif method not in {0, 12}:  # AuthenticationOk, AuthenticationSASLFinal
            raise Refused({"M": f"the server requires an unsupported authentication method (number {method})"})

    def _send(self, kind: bytes, body: bytes) -> None:
        self._socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _receive(self) -> tuple[bytes, bytes]:
        head = self._read(5)
        return head[:1], self._read(struct.unpack("!i", head[1:])[0] - 4)

    def _read(self, octets: int) -> bytes:
        read = b""
        while len(read) < octets:
            more = self._socket.recv(octets - len(read))
            if not more:
                raise ConnectionResetError("the server closed the connection")
            read += more
        return read


class Scram:
    """The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._bare = f"n=,r={secrets.token_urlsafe(18)}"

    def first(self) -> str:
        return f"n,,{self._bare}"

    def final(self, server_first: str) -> str:
        attributes = dict(part.split("=", 1) for part in server_first.split(","))
        salt, iterations = base64.b64decode(attributes["s"]), int(attributes["i"])
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = f"c=biws,r={attributes['r']}"
        message = f"{self._bare},{server_first},{without_proof}"
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message.encode(), "sha256")
        proof = bytes(ours ^ theirs for ours, theirs in zip(client_key, signature, strict=True))
        return f"{without_proof},p={base64.b64encode(proof).decode()}"


def _connect(target: Target) -> socket.socket:
    if target.host.startswith("/"):
        local = socket.socket(socket.AF_UNIX)
        local.settimeout(_SECONDS)
        try:
            local.connect(f"{target.host}/.s.PGSQL.{target.port}")
        except OSError:
            local.close()
            raise
        return local
    connection = socket.create_connection((target.host, target.port), timeout=_SECONDS)
    if target.sslmode in {"disable", "allow"}:
        return connection
    connection.sendall(_SSL_REQUEST)
    if connection.recv(1) == b"S":
        return _context(target).wrap_socket(connection, server_hostname=target.host)
    if target.sslmode != "prefer":
        raise NoTls
    return connection


def _context(target: Target) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if target.sslrootcert not in {"", "system"}:
        context.load_verify_locations(target.sslrootcert)
    context.check_hostname = target.sslmode == "verify-full"
    if target.sslmode not in {"verify-ca", "verify-full"}:
        context.verify_mode = ssl.CERT_NONE
    return context


def _fields(body: bytes) -> dict[str, str]:
    return {part[:1].decode(): part[1:].decode(errors="replace") for part in body.split(b"\0") if part}


def _row(body: bytes) -> list[str]:
    columns, position = [], 2
    for _ in range(struct.unpack("!h", body[:2])[0]):
        octets = struct.unpack("!i", body[position : position + 4])[0]
        position += 4
        columns.append(body[position : position + max(octets, 0)].decode(errors="replace"))
        position += max(octets, 0)
    return columns


def _md5(octets: bytes) -> bytes:
    return hashlib.md5(octets, usedforsecurity=False).hexdigest().encode()
