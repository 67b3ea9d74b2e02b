"""Make a release with one fault from a good one; its checksums match, as they do after a mistake in the build."""

import hashlib
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from release_build import archive

_MADE_AT = 1_700_000_000


def altered(release: Path, directory: Path, version: str, change: Callable[[Path], None]) -> Path:
    """Unpack `release`, apply `change`, and return a new tarball in `directory` with another version."""
    unpacked = directory / f"fake-email-{version}"
    # Python 3.11.2, which Debian 12 has, extracts without the filters of tarfile.
    subprocess.run(["tar", "-xzf", release, "-C", directory], check=True)
    (directory / release.name.removesuffix(".tar.gz")).rename(unpacked)
    (unpacked / "VERSION").write_text(f"{version}\n")
    change(unpacked)
    archive.write_sums(unpacked)
    tarball = directory / f"{unpacked.name}.tar.gz"
    archive.write(unpacked, tarball, _MADE_AT)
    shutil.rmtree(unpacked)
    return tarball


def change_wheel(release: Path, package: str, change: Mapping[str, Callable[[bytes], bytes]]) -> None:
    """Rewrite files of a wheel in an unpacked release, and its checksum in the requirements."""
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
