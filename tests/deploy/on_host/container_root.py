"""The root file system of Debian with systemd that `container.py` boots: built once, and again when its recipe changes.

The packages that setup.sh installs are only downloaded into it: a container has no way to the package archive.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path("/var/cache/fake-email-test")
_TOOLS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ssh": "openssh-client",
    "ip": "iproute2",
}
# The packages of Debian's images for cloud hosts.
_INSTALLED = [
    *("systemd", "systemd-sysv", "dbus", "libpam-systemd", "procps", "iproute2", "openssh-server", "sudo"),
    *("ca-certificates", "openssl", "netbase", "python3"),
]
# For the case that the database is on the same host.
_SERVICES = ["postgresql"]
_DOWNLOADED = ["curl", "jq", "netcat-openbsd", "python3-venv", "ufw", "caddy", "bind9-host"]
_NO_SERVICES = "#!/bin/sh\nexit 101\n"
_SECOND_STAGE = f"""
    apt-get -qq update
    apt-get -qqy install --no-install-recommends {" ".join(_SERVICES)}
    apt-get clean
    apt-get -qqy install --no-install-recommends --download-only {" ".join(_DOWNLOADED)}
    systemctl mask apt-daily.timer apt-daily-upgrade.timer
    useradd --create-home --shell /bin/bash admin
    useradd --create-home --shell /bin/bash guest
    echo 'admin ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin
"""
_ROOT = CACHE / f"bookworm-{hashlib.sha256(f'{_INSTALLED}{_SECOND_STAGE}'.encode()).hexdigest()[:12]}"


class Unsupported(Exception):
    """This machine cannot boot a container; the text gives the reason."""


def make() -> Path:
    """Return the root file system, which must stay unchanged; raises Unsupported when this machine cannot build one."""
    if os.geteuid() != 0:
        raise Unsupported("only root can boot a container")
    if subprocess.run(["unshare", "--mount", "--net", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        raise Unsupported("root cannot create mount and network namespaces here, as in an unprivileged container")
    if not shutil.which("apt-get"):
        raise Unsupported("apt-get, which downloads the container's tools, is missing")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install_tools()
        if not _ROOT.exists():
            for older in CACHE.glob("bookworm-*"):
                if not _is_mounted(older):
                    shutil.rmtree(older)
            _bootstrap(CACHE / f"bookworm-new-{os.getpid()}")
    return _ROOT


def _is_mounted(root: Path) -> bool:
    """True while a container uses `root`."""
    return f"lowerdir={root}," in Path("/proc/mounts").read_text()


def _install_tools() -> None:
    missing = [package for command, package in _TOOLS.items() if not shutil.which(command)]
    if missing:
        _run("apt-get", "--quiet=2", "update")
        _run("apt-get", "--quiet=2", "--yes", "install", "--no-install-recommends", *missing)


def _bootstrap(root: Path) -> None:
    options = ["--variant=minbase", f"--include={','.join(_INSTALLED)}", f"--keyring={_keyring()}"]
    _run("debootstrap", *options, "bookworm", root)
    shutil.copy(Path("/etc/resolv.conf").resolve(), root / "etc/resolv.conf")
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text(_NO_SERVICES)
    policy.chmod(0o755)
    unshare = ["unshare", "--mount", "--pid", "--fork", f"--mount-proc={root / 'proc'}"]
    _run(*unshare, "chroot", root, "sh", "-ec", _SECOND_STAGE)
    policy.unlink()
    (root / "etc/resolv.conf").unlink()
    root.rename(_ROOT)


def _keyring() -> Path:
    """The file of Debian's keys, which Ubuntu has in a separate package."""
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    if not keyring.exists():
        _run("apt-get", "--quiet=2", "--yes", "install", "debian-archive-keyring")
    return keyring


def _run(*command: str | Path) -> None:
    """Run a command; raises Unsupported with its output when it fails."""
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise Unsupported(f"{command[0]} failed: {done.stdout.decode(errors='replace')[-2_000:]}")
