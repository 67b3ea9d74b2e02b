"""Copy the mail host's newest certificate and its key out of Caddy's directory; certificate.sh runs this as root.

The user caddy owns that directory. A link in it could name any file of the host, so this follows none.
"""

import os
import ssl
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

CADDY = Path("/var/lib/caddy")
_CERTIFICATES = (".local", "share", "caddy", "certificates")
_LARGEST_OCTETS = 1_000_000
# Without O_NONBLOCK, opening a named pipe would wait for a writer.
_NO_LINK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_MISMATCH, _REFUSED = 1, 2


class Refused(Exception):
    """A part of the path is a symbolic link, or no plain file of a certificate's size; the text is the path."""


class Pair(NamedTuple):
    """The path of a certificate, its time in nanoseconds, and the content of both files."""

    path: Path
    written_at: int
    certificate: bytes
    key: bytes


def newest(caddy: Path, host: str) -> Pair | None:
    """The last certificate of `host` that Caddy wrote, as each issuer has a directory; raises Refused."""
    with suppress(FileNotFoundError), _directory(caddy, *_CERTIFICATES) as (certificates, path):
        issuers = sorted(os.listdir(certificates))  # noqa: PTH208  # a descriptor has no pathlib
        pairs = [_pair(certificates, path, issuer, host) for issuer in issuers]
        return max((pair for pair in pairs if pair), key=lambda pair: pair.written_at, default=None)
    return None


def put(pair: Pair, place: Path) -> bool:
    """Write fullchain.new and privkey.new for root alone; False, and no file, when the two do not belong together."""
    certificate, key = place / "fullchain.new", place / "privkey.new"
    for path, content in ((certificate, pair.certificate), (key, pair.key)):
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
    try:
        # The password keeps OpenSSL from asking for one.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="-")  # noqa: S106
    except ssl.SSLError:
        certificate.unlink()
        key.unlink()
        return False
    return True


def _pair(certificates: int, above: Path, issuer: str, host: str) -> Pair | None:
    with suppress(FileNotFoundError), _directory(issuer, host, at=certificates, above=above) as (directory, path):
        certificate, written_at = _read(directory, path / f"{host}.crt")
        key = b""  # Caddy may be about to write it
        with suppress(FileNotFoundError):
            key, _ = _read(directory, path / f"{host}.key")
        return Pair(path / f"{host}.crt", written_at, certificate, key)
    return None


@contextmanager
def _directory(
    first: Path | str, *below: str, at: int | None = None, above: Path = Path()
) -> Iterator[tuple[int, Path]]:
    """Open `first` in the directory `at`, and the directories below it one by one."""
    path = above / first
    descriptor = _open(first, path, os.O_DIRECTORY, at)
    try:
        for name in below:
            path /= name
            parent, descriptor = descriptor, _open(name, path, os.O_DIRECTORY, descriptor)
            os.close(parent)
        yield descriptor, path
    finally:
        os.close(descriptor)


def _read(directory: int, path: Path) -> tuple[bytes, int]:
    with open(_open(path.name, path, 0, directory), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_OCTETS:
            raise Refused(path)
        return file.read(_LARGEST_OCTETS), status.st_mtime_ns


def _open(name: Path | str, path: Path, kind: int, directory: int | None) -> int:
    try:
        return os.open(name, _NO_LINK | kind, dir_fd=directory)
    except FileNotFoundError:
        raise
    except OSError:  # ELOOP or ENOTDIR for a link, ENXIO for a socket
        raise Refused(path) from None


def main() -> None:
    """Print the path of the certificate that was copied for the host argv[1] to argv[2], and nothing without one.

    Exit status 1: certificate and key do not belong together. 2: the path is refused. Both print the path too.
    """
    try:
        pair = newest(CADDY, sys.argv[1])
    except Refused as refused:
        print(refused)
        sys.exit(_REFUSED)
    if pair:
        print(pair.path)
        sys.exit(0 if put(pair, Path(sys.argv[2])) else _MISMATCH)


if __name__ == "__main__":
    main()
