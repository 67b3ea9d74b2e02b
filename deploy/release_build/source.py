"""Read the repository: the version, the time of the commit, and the files that git tracks."""

import re
import shutil
import subprocess
from pathlib import Path

from release_build.errors import ReleaseError


def _git(root: Path, *arguments: str) -> str:
    git = ["git", "-c", "core.quotePath=false", "-C", str(root), *arguments]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"git {arguments[0]}: {done.stderr.strip()}; a release needs a git clone that has a commit")
    return done.stdout


def version(root: Path) -> str:
    """The output of `git describe`, which ends in `-dirty` when a file differs from the commit."""
    described = _git(root, "describe", "--tags", "--always", "--dirty").strip()
    return re.sub(r"[^A-Za-z0-9._-]", "-", described)  # a tag may contain a slash, a file name may not


def committed_at(root: Path) -> int:
    """The time of the commit, in seconds since 1970."""
    return int(_git(root, "show", "--no-patch", "--format=%ct", "HEAD"))


def copy(root: Path, destination: Path, parts: list[str]) -> None:
    """Copy the files below `parts` that git tracks, and no others."""
    for name in _git(root, "ls-files", "-z", "--", *parts).split("\0"):
        if name and (root / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, destination / name)
