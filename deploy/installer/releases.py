"""The releases on this host: list them, add and remove them, and switch to one of them with a single rename."""

import os
import shutil
import stat
import time
from pathlib import Path

from installer import environment
from installer.errors import Failed
from installer.host import tell
from installer.manifest import SUMS

RELEASES = Path("/opt/fake-email/releases")
CURRENT = Path("/opt/fake-email/current")
KEPT = 5


def current() -> Path | None:
    """The release that the units run, if there is one."""
    return RELEASES / CURRENT.readlink().name if CURRENT.is_symlink() and CURRENT.exists() else None


def switch(release: Path | None) -> None:
    """Point `current` at `release` atomically, or remove `current` for None."""
    if release is None:
        CURRENT.unlink(missing_ok=True)
        return
    new = CURRENT.with_name("current.next")
    new.unlink(missing_ok=True)
    new.symlink_to(release.relative_to(CURRENT.parent))
    new.replace(CURRENT)


def place(unpacked: Path, release: Path, running: Path | None) -> None:
    """Make `release` with its virtual environment from the unpacked files, unless the host has it already."""
    if _is_complete(release):
        if (release / SUMS).read_bytes() == (unpacked / SUMS).read_bytes():
            tell("the host already has this release and uses it unchanged")
            _make_newest(release)
            return
        if release == running:
            raise Failed(
                f"{release.name} is running, and the new release of that version has other files: "
                "commit your changes and build again"
            )
    remove(release)
    for path in sorted(unpacked.rglob("*")):
        if path.is_file() and path != unpacked / "VERSION":
            _copy(path, release / path.relative_to(unpacked))
    environment.make(release)
    shutil.rmtree(release / "wheels")
    os.sync()  # VERSION marks the release as complete: after a power cut too, all other files are then on disk
    _copy(unpacked / "VERSION", release / "VERSION")
    _make_newest(release)


def _make_newest(release: Path) -> None:
    """Give `release` a later time than every other release, even when the host's clock was set back."""
    newest = max((each / "VERSION").stat().st_mtime_ns for each in _newest_first())
    now = max(time.time_ns(), newest + 1_000_000_000)
    os.utime(release / "VERSION", ns=(now, now))


def _copy(path: Path, destination: Path) -> None:
    """Copy a file as root's and readable for all, whatever umask the tarball was unpacked with."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, destination)
    destination.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def _is_complete(release: Path) -> bool:
    return (release / "VERSION").exists()  # the last file that is written


def remove(release: Path) -> None:
    if release.exists():
        (release / "VERSION").unlink(missing_ok=True)
        shutil.rmtree(release)


def _newest_first() -> list[Path]:
    complete = [release for release in RELEASES.iterdir() if _is_complete(release)]
    return sorted(complete, key=lambda release: (release / "VERSION").stat().st_mtime_ns, reverse=True)


def find(version: str) -> Path:
    """The complete release of that version; raises Failed, which lists the releases on the host."""
    by_version = {release.name: release for release in _newest_first()}
    if version not in by_version:
        raise Failed(f"release {version!r} is not on this host; it has: {', '.join(by_version) or 'none'}")
    return by_version[version]


def previous(running: Path | None) -> Path:
    """The release that was installed before `running`; raises Failed when there is none."""
    newest_first = _newest_first()
    older = newest_first[newest_first.index(running) + 1 :] if running in newest_first else newest_first
    if not older:
        raise Failed(f"this host has no release before {running.name if running else 'this one'} to roll back to")
    return older[0]


def keep_newest(release: Path, before: Path | None) -> None:
    """Remove all releases but the newest five, `release` and `before`, and the remains of interrupted deploys."""
    kept = {*_newest_first()[:KEPT], release, before}
    for old in RELEASES.iterdir():
        if old not in kept:
            tell(f"removed {old.name}")
            remove(old)
