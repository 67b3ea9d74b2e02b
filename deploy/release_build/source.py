"""What the repository says: which version this is, of when, and which files belong to it."""

import re
import shutil
import subprocess
from pathlib import Path

from release_build.errors import ReleaseError


def _git(root: Path, *arguments: str) -> str:
    git = ["git", "-c", "core.quotePath=false", "-C", str(root), *arguments]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"git {arguments[0]}: {done.stderr.strip()}; a release is made of a clone with a commit")
    return done.stdout


def version(root: Path) -> str:
    """`git describe`; it ends in `-dirty` when a file is not as it was committed."""
    described = _git(root, "describe", "--tags", "--always", "--dirty").strip()
    return re.sub(r"[^A-Za-z0-9._-]", "-", described)  # a tag may hold a slash, the name of a file may not


def committed_at(root: Path) -> int:
    """When the commit was made, in seconds since 1970."""
    return int(_git(root, "show", "--no-patch", "--format=%ct", "HEAD"))


def copy(root: Path, place: Path, parts: list[str]) -> None:
    """Copy what git knows below `parts`; what else lies there belongs to no release."""
    for name in _git(root, "ls-files", "-z", "--", *parts).split("\0"):
        if name and (root / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, place / name)
