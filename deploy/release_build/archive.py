"""Write a release as one file; the same files always make the same octets."""

import gzip
import hashlib
import os
import tarfile
from pathlib import Path

SUMS = "SHA256SUMS"
_EXECUTABLE = 0o100


def files(release: Path) -> list[Path]:
    return sorted(path for path in release.rglob("*") if path.is_file())


def write_sums(release: Path) -> None:
    """Write the manifest in the form of sha256sum(1): every file except the manifest itself."""
    (release / SUMS).unlink(missing_ok=True)
    lines = [f"{_sha256(path)}  {path.relative_to(release)}\n" for path in files(release)]
    (release / SUMS).write_text("".join(lines))


def write(release: Path, path: Path, seconds: int) -> None:
    """Write `release` to `path` and its checksum beside it; each member has the time `seconds` and belongs to root."""
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_name(f".{os.getpid()}-{path.name}")
    # The gzip header has no name and no time (RFC 1952 §2.3.1). Level 1 is enough: wheels are compressed already.
    with (
        unfinished.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for member in files(release):
            header = tarfile.TarInfo(f"{release.name}/{member.relative_to(release)}")
            header.size = member.stat().st_size
            header.mtime = seconds
            header.mode = 0o755 if member.stat().st_mode & _EXECUTABLE else 0o644
            header.uname = header.gname = "root"
            with member.open("rb") as content:
                tar.addfile(header, content)
    unfinished.replace(path)
    path.with_name(f"{path.name}.sha256").write_text(f"{_sha256(path)}  {path.name}\n")


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
