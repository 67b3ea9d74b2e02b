"""A release as one file: the same octets whenever it is made of the same files."""

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
    """The manifest, as sha256sum(1) reads it: every file but itself."""
    (release / SUMS).unlink(missing_ok=True)
    lines = [f"{_sha256(path)}  {path.relative_to(release)}\n" for path in files(release)]
    (release / SUMS).write_text("".join(lines))


def write(release: Path, path: Path, seconds: int) -> None:
    """Write `release` to `path` and its sum beside it; each member has the time `seconds` and belongs to root."""
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_name(f".{os.getpid()}-{path.name}")
    # No name and no time in the header: RFC 1952 §2.3.1. Wheels are compressed already, so level 1 does.
    with (
        unfinished.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for member in files(release):
            about = tarfile.TarInfo(f"{release.name}/{member.relative_to(release)}")
            about.size = member.stat().st_size
            about.mtime = seconds
            about.mode = 0o755 if member.stat().st_mode & _EXECUTABLE else 0o644
            about.uname = about.gname = "root"
            with member.open("rb") as content:
                tar.addfile(about, content)
    unfinished.replace(path)
    path.with_name(f"{path.name}.sha256").write_text(f"{_sha256(path)}  {path.name}\n")


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
