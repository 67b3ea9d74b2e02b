"""Check a release before it is shipped: no file of it may depend on the machine that built it."""

import re
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import parse_wheel_filename

from release_build import elf
from release_build.archive import files
from release_build.errors import ReleaseError
from release_build.target import Target

# Every host has these. In a wheel's scripts, pip replaces `python` with the interpreter of the virtual environment.
_INTERPRETERS = re.compile(rb"#!\s*(/bin/|/usr/bin/|python)")
_SHEBANG = re.compile(rb"#!\s*[/\w]")  # not #![, which begins an attribute in Rust sources
_LOADERS = {"", "/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"}


def check(release: Path, target: Target) -> None:
    """Raise ReleaseError with every fault that would show on the host."""
    faults = [f"{name}: {fault}" for name, content in _contents(release) for fault in complaints(name, content, target)]
    faults += [
        f"{wheel.name}: not for Python {target.python} on {target.arch} with glibc 2.35"
        for wheel in sorted(release.glob("wheels/*.whl"))
        if not parse_wheel_filename(wheel.name)[3] & target.tags
    ]
    if faults:
        raise ReleaseError("\n  ".join(["the release would not work on the host:", *faults]))


def complaints(name: str, content: bytes, target: Target) -> Iterator[str]:
    """A text for each fault of one file of a release."""
    if _SHEBANG.match(content) and not _INTERPRETERS.match(content):
        yield f"begins with {content.splitlines()[0].decode(errors='replace')}, which the host does not have"
    if name.endswith("pyvenv.cfg"):
        yield "belongs to a virtual environment of the machine that built it"
    if name.endswith(".pth"):
        yield from (f"points at {line}" for line in content.decode().splitlines() if line.startswith("/"))
    try:
        compiled = elf.read(content)
    except (struct.error, ValueError):
        yield "is damaged"
        return
    if compiled:
        yield from _compiled(compiled, target)


def _compiled(compiled: elf.Elf, target: Target) -> Iterator[str]:
    if compiled.machine != target.arch:
        yield f"is compiled for {compiled.machine}, not for {target.arch}"
    if compiled.loader not in _LOADERS:
        yield f"is loaded by {compiled.loader}, which the host does not have"
    for path in compiled.paths:
        if not path.startswith("$ORIGIN"):
            yield f"looks for libraries in {path}, which the host does not have"


def _contents(release: Path) -> Iterator[tuple[str, bytes]]:
    for path in files(release):
        name = str(path.relative_to(release))
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                yield from ((f"{path.name}: {member}", wheel.read(member)) for member in wheel.namelist())
        else:
            yield name, path.read_bytes()
