"""The releases of this host: which there are, which one runs, and the one rename that changes that."""

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
    """Have `current` be `release`, at once for whoever looks; None: have none."""
    if release is None:
        CURRENT.unlink(missing_ok=True)
        return
    beside = CURRENT.with_name("current.next")
    beside.unlink(missing_ok=True)
    beside.symlink_to(release.relative_to(CURRENT.parent))
    beside.replace(CURRENT)


def place(unpacked: Path, release: Path, running: Path | None) -> None:
    """Make `release` of what was unpacked, environment and all, unless it is there already."""
    if _is_complete(release):
        if (release / SUMS).read_bytes() == (unpacked / SUMS).read_bytes():
            tell("it is on this host already, and is used as it is")
            _make_newest(release)
            return
        if release == running:
            raise Failed(f"{release.name} runs, and this one of the same name differs: commit, and release again")
    remove(release)
    for path in sorted(unpacked.rglob("*")):
        if path.is_file() and path != unpacked / "VERSION":
            _copy(path, release / path.relative_to(unpacked))
    environment.make(release)
    shutil.rmtree(release / "wheels")
    os.sync()  # what says that it is complete is so after a power cut too
    _copy(unpacked / "VERSION", release / "VERSION")
    _make_newest(release)


def _make_newest(release: Path) -> None:
    """In the order of releases, whatever the host's clock says: it may have been set back since the last one."""
    newest = max((each / "VERSION").stat().st_mtime_ns for each in _newest_first())
    now = max(time.time_ns(), newest + 1_000_000_000)
    os.utime(release / "VERSION", ns=(now, now))


def _copy(path: Path, place: Path) -> None:
    """As root's, and for all to read, whatever the mask was of who unpacked it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, place)
    place.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


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
    """The complete release of this name; raises Failed that lists those there are."""
    there = {release.name: release for release in _newest_first()}
    if version not in there:
        raise Failed(f"{version!r} is not on this host; there are {', '.join(there) or 'none'}")
    return there[version]


def previous(running: Path | None) -> Path:
    """The release that was installed before `running`; raises Failed when there is none."""
    there = _newest_first()
    older = there[there.index(running) + 1 :] if running in there else there
    if not older:
        raise Failed(f"there is no release before {running.name if running else 'this one'}: nothing to go back to")
    return older[0]


def keep_newest(release: Path, before: Path | None) -> None:
    """Remove all but the newest five, and what a deploy that was cut off left."""
    kept = {*_newest_first()[:KEPT], release, before}
    for old in RELEASES.iterdir():
        if old not in kept:
            tell(f"removed {old.name}")
            remove(old)
