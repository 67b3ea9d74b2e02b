"""A small disk, to be filled."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faults.trial import Unsupported

_PIECE = bytes(4_096)


@contextmanager
def small_disk(directory: Path, *, octets: int) -> Iterator[Path]:
    """A file system of that size in a new directory, gone after the block; raises Unsupported."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        raise Unsupported("a small file system takes root and mount(8)")
    directory.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={octets}", "tmpfs", directory],
        check=False,
        capture_output=True,
        text=True,
    )
    if made.returncode != 0:
        raise Unsupported(f"no small file system can be had here: {made.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """A disk without room for one octet more in the block, but what is given up by others meanwhile."""
    ballast = disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(_PIECE)
        yield
    finally:
        ballast.unlink()
