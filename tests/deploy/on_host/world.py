"""The internet of a host: DNS for its domain, and a certificate authority that validates the host by HTTP or TLS.

The authority has the name of Caddy's default authority, so the host needs no other configuration for the tests.
"""

import json
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from container import ADDRESS, OUTSIDE_ADDRESS, Container
from support.harness import COMMANDS
from support.waiting import deadline

DOMAIN = "fake-email.example"
API, MAIL = f"api.{DOMAIN}", f"mail.{DOMAIN}"
_AUTHORITY = "acme-v02.api.letsencrypt.org"

_A, _PTR, _MX = 1, 12, 15
_TTL_SECONDS = 1
_NO_SUCH_NAME = 3


class Names:
    """A DNS server (RFC 1035) for a few names, which responds as long as its socket is open."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.records: dict[tuple[str, int], bytes] = {
            (_AUTHORITY, _A): socket.inet_aton(OUTSIDE_ADDRESS),
            (API, _A): socket.inet_aton(ADDRESS),
            (MAIL, _A): socket.inet_aton(ADDRESS),
            (DOMAIN, _MX): struct.pack("!H", 10) + _name(MAIL),
            (".".join(reversed(ADDRESS.split("."))) + ".in-addr.arpa", _PTR): _name(MAIL),
        }

    def serve(self) -> None:
        while True:
            try:
                query, client = self._listener.recvfrom(512)
            except OSError:
                return
            with suppress(OSError):  # a host that is being started anew
                self._listener.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        number, flags = struct.unpack("!HH", query[:4])
        end = query.index(b"\0", 12)
        labels, position = [], 12
        while position < end:
            labels.append(query[position + 1 : position + 1 + query[position]].decode())
            position += 1 + query[position]
        name, record_type = ".".join(labels).lower(), struct.unpack("!H", query[end + 1 : end + 3])[0]
        data = self.records.get((name, record_type))
        is_known = any(name == each for each, _ in self.records)
        head = struct.pack(
            "!HHHHHH", number, 0x8480 | flags & 0x0100 | (0 if is_known else _NO_SUCH_NAME), 1, bool(data), 0, 0
        )
        answer = struct.pack("!HHHIH", 0xC00C, record_type, 1, _TTL_SECONDS, len(data)) + data if data else b""
        return head + query[12 : end + 5] + answer


def _name(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


@contextmanager
def around(container: Container, directory: Path) -> Iterator[Path]:
    """Run DNS and the authority at the other end of the container's network; yields the authority's certificate."""
    with container.network():
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind((OUTSIDE_ADDRESS, 53))
    with listener:
        threading.Thread(target=Names(listener).serve, daemon=True).start()
        with _authority(container, directory) as certificate:
            trusted = container.root / "usr/local/share/ca-certificates/authority.crt"
            shutil.copy(certificate, trusted)
            container.as_root("update-ca-certificates")
            yield certificate


@contextmanager
def _authority(container: Container, directory: Path) -> Iterator[Path]:
    """Caddy as an ACME server (RFC 8555)."""
    handlers = [
        {"match": [{"path": ["/directory"]}], "handle": [{"handler": "rewrite", "uri": "/acme/local/directory"}]},
        {"handle": [{"handler": "acme_server", "host": _AUTHORITY}]},
    ]
    config = {
        "admin": {"disabled": True},
        "storage": {"module": "file_system", "root": str(directory)},
        "apps": {
            "http": {
                "servers": {
                    "authority": {
                        "listen": [f"{OUTSIDE_ADDRESS}:443"],
                        "routes": [
                            {"match": [{"host": [_AUTHORITY]}], "handle": [{"handler": "subroute", "routes": handlers}]}
                        ],
                        "automatic_https": {"disable_redirects": True},
                    }
                }
            },
            "tls": {"automation": {"policies": [{"issuers": [{"module": "internal"}]}]}},
            "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
        },
    }
    (directory / "authority.json").write_text(json.dumps(config))
    # The authority resolves the names that it validates with /etc/hosts: it gets its own version of that file.
    (directory / "hosts").write_text(f"{ADDRESS} {API} {MAIL}\n")
    line = 'mount --bind "$0/hosts" /etc/hosts && exec "$1" run --config "$0/authority.json"'
    command = [*container.outside(), "unshare", "--mount", "sh", "-c", line, str(directory), str(COMMANDS / "caddy")]
    with (directory / "authority.log").open("wb") as log:
        caddy = subprocess.Popen(command, env={"HOME": str(directory)}, stdout=log, stderr=log)
    certificate = directory / "pki/authorities/local/root.crt"
    try:
        assert any(certificate.exists() for _ in deadline()), (directory / "authority.log").read_text()
        yield certificate
    finally:
        caddy.kill()
        caddy.wait()
