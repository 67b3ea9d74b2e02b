"""Try a release in a minimal root file system: without network, home directory, or tools of the build machine."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from release_build.errors import ReleaseError
from release_build.target import Target

_EMPTY_ROOT = Path(__file__).with_name("empty-root.sh")
_NAMESPACES = ["unshare", "--mount", "--net"]
_SECONDS = 300.0
_SYSTEM = "/usr/bin:/usr/local/bin"
# The Python that a virtual environment was made from, not the environment.
_WHERE = "import os, sys; print(os.path.realpath(sys.executable), sys.base_prefix, sep='\\n')"


def run(release: Path, target: Target, scratch: Path) -> str:
    """Install a copy of `release` there, start its commands, and return the result as text; raises ReleaseError."""
    python = _python(target)
    if platform.machine() != target.arch or not python:
        return f"not tried: this machine has no Python {target.python} for {target.arch}; the host will try it first"
    namespaces = _namespaces()
    if not namespaces:
        return "not tried: it needs root, sudo without a password, or user namespaces; the host will try it first"
    command = [*namespaces, str(_EMPTY_ROOT), str(scratch / "root"), str(release), *python]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise ReleaseError(f"the release does not work in an empty root without network:\n{done.stdout.strip()}")
    return f"works in an empty root without network: {'; '.join(done.stdout.splitlines()[-3:])}"


def _python(target: Target) -> list[str]:
    """The path and the prefix of the target's Python on this machine; empty when it has none."""
    program = shutil.which(f"python{target.python}", path=f"{_SYSTEM}:{os.environ.get('PATH', '')}")
    if not program:
        return []
    return subprocess.run([program, "-c", _WHERE], stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines()


def _namespaces() -> list[str]:
    """A command prefix that gives new mount and network namespaces; empty where this user may not create any."""
    if os.geteuid() == 0:
        return _NAMESPACES
    for command in ([*_NAMESPACES, "--map-root-user"], ["sudo", "-n", *_NAMESPACES]):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return []
