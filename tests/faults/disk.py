"""A small disk that can be filled."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faults.trial import Unsupported

_BLOCK = bytes(4_096)


@contextmanager
def small_disk(directory: Path, *, octets: int) -> Iterator[Path]:
    """Mount a file system of that size at a new directory during the block; raises Unsupported."""
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
    """Keep the disk full during the block; space that other files give up stays free."""
    ballast = disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(_BLOCK)
        yield
    finally:
        ballast.unlink()
