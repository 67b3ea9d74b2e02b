"""Install the units of a release in systemd's directory."""

from pathlib import Path

from installer.errors import Failed
from installer.host import run, tell
from installer.services import SOCKETS, systemctl

SYSTEM = Path("/etc/systemd/system")
_KINDS = {".service", ".socket", ".target", ".path", ".timer"}


def install(release: Path, before: Path | None) -> None:
    """Install the units of `release`, and remove those that only `before` has; raises Failed for invalid units."""
    new, old = _units(release), _units(before)
    for name in old.keys() - new.keys():
        systemctl("disable", "--now", name)
        (SYSTEM / name).unlink(missing_ok=True)
        systemctl("daemon-reload")
        tell(f"removed {name}")
    changed = [name for name, unit in new.items() if not _is_installed(unit)]
    done = run(str(release / "deploy/units.sh"), str(release / "deploy/systemd"))
    if done.status:
        raise Failed(f"the units cannot be installed: {done.output}")
    if not changed:
        return
    tell(done.output)
    verified = run("systemd-analyze", "verify", *(str(SYSTEM / name) for name in sorted(new)))
    if verified.status:
        raise Failed(f"systemd-analyze verify: {verified.output}")
    if to_enable := [name for name in changed if "[Install]" in new[name].read_text()]:
        systemctl("enable", *to_enable)
    for socket in SOCKETS.keys() & set(changed):
        # systemd reads a socket's addresses when it starts the socket: until then the port is not bound.
        systemctl("stop", SOCKETS[socket], socket)


def sockets(release: Path) -> list[str]:
    """The socket units of `release`; an older release has fewer."""
    return sorted(SOCKETS.keys() & _units(release).keys())


def _units(release: Path | None) -> dict[str, Path]:
    directory = release / "deploy/systemd" if release else None
    return {path.name: path for path in directory.iterdir() if path.suffix in _KINDS} if directory else {}


def _is_installed(unit: Path) -> bool:
    installed = SYSTEM / unit.name
    return installed.exists() and installed.read_bytes() == unit.read_bytes()
