"""Whether a release works where there is nothing but a system: no network, no home, no tool of the build machine."""

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
# Not the environment that this may be, but what that was made of.
_WHERE = "import os, sys; print(os.path.realpath(sys.executable), sys.base_prefix, sep='\\n')"


def run(release: Path, target: Target, scratch: Path) -> str:
    """Install a copy of `release` there, start the commands, and say how that went; raises ReleaseError."""
    where = _python(target)
    if platform.machine() != target.arch or not where:
        return f"not tried: this machine has no Python {target.python} for {target.arch}; the host tries it first"
    namespaces = _namespaces()
    if not namespaces:
        return "not tried: neither root, nor sudo without a password, nor namespaces for users; the host tries it first"
    command = [*namespaces, str(_EMPTY_ROOT), str(scratch / "root"), str(release), *where]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise ReleaseError(f"installed into an empty root without network, it does not work:\n{done.stdout.strip()}")
    return f"tried in an empty root without network: {'; '.join(done.stdout.splitlines()[-3:])}"


def _python(target: Target) -> list[str]:
    """The target's Python on this machine and where it lies; nothing when there is none."""
    found = shutil.which(f"python{target.python}", path=f"{_SYSTEM}:{os.environ.get('PATH', '')}")
    if not found:
        return []
    return subprocess.run([found, "-c", _WHERE], stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines()


def _namespaces() -> list[str]:
    """What goes in front of a command that is to have mounts and a network of its own; nothing where none may."""
    if os.geteuid() == 0:
        return _NAMESPACES
    for command in ([*_NAMESPACES, "--map-root-user"], ["sudo", "-n", *_NAMESPACES]):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return []
