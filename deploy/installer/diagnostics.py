"""What tells a person why a release or a service does not run, read off the host before it goes back."""

import os
import re
import sys
from pathlib import Path

from installer.host import run
from installer.services import PORTS, SERVICES, state

_LINES = 20


def of_release(release: Path, command: str) -> list[str]:
    """Whether the host can execute the command at all, what its libraries miss, what is for another Python."""
    return [*_not_executable(release / "venv/bin" / command), *_missing_libraries(release), *_foreign(release)]


def _not_executable(program: Path) -> list[str]:
    try:
        first = program.open("rb").readline(4_096)
    except OSError as error:
        return [f"{program}: {error.strerror}"]
    found = []
    if first.startswith(b"#!"):
        interpreter = first[2:].decode(errors="replace").split()[0]
        if not Path(interpreter).exists():
            found.append(f"{program} begins with #!{interpreter}, which this host does not have")
    if not os.access(program, os.X_OK):
        found.append(f"{program} is not executable")
    if os.statvfs(program).f_flag & os.ST_NOEXEC:
        found.append(f"{program} is on a file system that is mounted noexec")
    return found


def _missing_libraries(release: Path) -> list[str]:
    return [
        f"{compiled.relative_to(release)}: {line.strip()}"
        for compiled in sorted(release.glob("venv/lib/python*/site-packages/**/*.so*"))
        for line in run("ldd", str(compiled)).output.splitlines()
        if "not found" in line
    ]


def _foreign(release: Path) -> list[str]:
    """The compiled modules that another Python than this one would load."""
    own = f"cpython-{sys.version_info.major}{sys.version_info.minor}-"
    compiled = release.glob("venv/lib/python*/site-packages/**/*.so")
    others = [path for path in compiled if ".cpython-" in path.name and own not in path.name]
    return [f"{path.relative_to(release)}: not for the Python of this host" for path in sorted(others)]


def of_services(release: Path, since: float) -> str:
    """State and journal since then (seconds since 1970) of each unit, and more of one that is not well."""
    found = []
    for unit in (*SERVICES, *PORTS):
        now = state(unit)
        found.append(f"{unit}: {now.active} ({now.sub}), {now.result}, status {meaning(now.status)}")
        if now.active == "active" and not now.restarts:
            seen = []
        elif unit in PORTS:
            seen = holders(PORTS[unit])
        else:
            seen = of_release(release, unit.removeprefix("fake-email-").removesuffix(".service"))
        found += [f"  {line}" for line in [*_journal(unit, since), *seen]]
    return "\n".join(found)


def _journal(unit: str, since: float) -> list[str]:
    newest = ("--lines", str(_LINES), f"--since=@{since:.0f}", "--unit", unit)
    return run("journalctl", "--quiet", "--no-pager", "--output=cat", *newest).output.splitlines()


def meaning(status: str) -> str:
    """`203/EXEC` for 203, which systemd says when it cannot execute a program, and nothing else."""
    named = re.search(rf"^(\w+)\s+{status}\s", run("systemd-analyze", "exit-status", status).output, re.MULTILINE)
    return f"{status}/{named[1]}" if named else status


def holders(port: int) -> list[str]:
    """Who listens on it, one line each."""
    listening = run("ss", "--no-header", "--listening", "--tcp", "--numeric", "--processes", f"sport = :{port}").output
    return [f"port {port} is held: {' '.join(line.split())}" for line in listening.splitlines()]
