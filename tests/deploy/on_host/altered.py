"""Releases that are wrong in one way, made of one that is right; their sums fit, as an honest mistake's would."""

import hashlib
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from release_build import archive

_MADE_AT = 1_700_000_000


def altered(release: Path, place: Path, version: str, change: Callable[[Path], None]) -> Path:
    """The tarball, in `place`, of what `change` makes of the unpacked `release`, under another version."""
    unpacked = place / f"fake-email-{version}"
    with tarfile.open(release) as tar:
        tar.extractall(place, filter="data")
    (place / release.name.removesuffix(".tar.gz")).rename(unpacked)
    (unpacked / "VERSION").write_text(f"{version}\n")
    change(unpacked)
    archive.write_sums(unpacked)
    tarball = place / f"{unpacked.name}.tar.gz"
    archive.write(unpacked, tarball, _MADE_AT)
    shutil.rmtree(unpacked)
    return tarball


def change_wheel(release: Path, package: str, change: Mapping[str, Callable[[bytes], bytes]]) -> None:
    """Rewrite files of a wheel in an unpacked release, and its sum in the requirements."""
    (wheel,) = release.glob(f"wheels/{package}-*.whl")
    before = _sha256(wheel)
    with zipfile.ZipFile(wheel) as old:
        members = {name: old.read(name) for name in old.namelist()}
    for name, rewrite in change.items():
        members[name] = rewrite(members.get(name, b""))
    with zipfile.ZipFile(wheel, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)
    replace_in(release / "requirements.txt", before, _sha256(wheel))


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
