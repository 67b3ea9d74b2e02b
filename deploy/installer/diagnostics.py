"""Diagnostics: why a release or a service does not run, read from the host before it rolls back."""

import os
import re
import sys
from pathlib import Path

from installer.host import run
from installer.services import PORTS, SERVICES, state

_LINES = 20


def of_release(release: Path, command: str) -> list[str]:
    """A line for each reason why the command cannot run: not executable, a missing library, another Python."""
    return [*_not_executable(release / "venv/bin" / command), *_missing_libraries(release), *_foreign(release)]


def _not_executable(program: Path) -> list[str]:
    try:
        first = program.open("rb").readline(4_096)
    except OSError as error:
        return [f"{program}: {error.strerror}"]
    reasons = []
    if first.startswith(b"#!"):
        interpreter = first[2:].decode(errors="replace").split()[0]
        if not Path(interpreter).exists():
            reasons.append(f"{program} begins with #!{interpreter}, which this host does not have")
    if not os.access(program, os.X_OK):
        reasons.append(f"{program} is not executable")
    if os.statvfs(program).f_flag & os.ST_NOEXEC:
        reasons.append(f"{program} is on a file system that is mounted noexec")
    return reasons


def _missing_libraries(release: Path) -> list[str]:
    return [
        f"{compiled.relative_to(release)}: {line.strip()}"
        for compiled in sorted(release.glob("venv/lib/python*/site-packages/**/*.so*"))
        for line in run("ldd", str(compiled)).output.splitlines()
        if "not found" in line
    ]


def _foreign(release: Path) -> list[str]:
    """A line for each compiled module that only another Python can load."""
    own = f"cpython-{sys.version_info.major}{sys.version_info.minor}-"
    compiled = release.glob("venv/lib/python*/site-packages/**/*.so")
    others = [path for path in compiled if ".cpython-" in path.name and own not in path.name]
    return [f"{path.relative_to(release)}: not for the Python of this host" for path in sorted(others)]


def of_services(release: Path, since: float) -> str:
    """The state of each unit and its journal since then (seconds since 1970), with diagnostics of failed units."""
    lines = []
    for unit in (*SERVICES, *PORTS):
        now = state(unit)
        lines.append(f"{unit}: {now.active} ({now.sub}), {now.result}, status {meaning(now.status)}")
        if now.active == "active" and not now.restarts:
            reasons = []
        elif unit in PORTS:
            reasons = holders(PORTS[unit])
        else:
            reasons = of_release(release, unit.removeprefix("fake-email-").removesuffix(".service"))
        lines += [f"  {line}" for line in [*_journal(unit, since), *reasons]]
    return "\n".join(lines)


def _journal(unit: str, since: float) -> list[str]:
    newest = ("--lines", str(_LINES), f"--since=@{int(since)}", "--unit", unit)
    return run("journalctl", "--quiet", "--no-pager", "--output=cat", *newest).output.splitlines()


def meaning(status: str) -> str:
    """The status with systemd's name for it, for example `203/EXEC`, or the number alone when it has no name."""
    named = re.search(rf"^(\w+)\s+{status}\s", run("systemd-analyze", "exit-status", status).output, re.MULTILINE)
    return f"{status}/{named[1]}" if named else status


def holders(port: int) -> list[str]:
    """A line for each process that listens on `port`."""
    listening = run("ss", "--no-header", "--listening", "--tcp", "--numeric", "--processes", f"sport = :{port}").output
    return [f"port {port} is in use: {' '.join(line.split())}" for line in listening.splitlines()]
