"""Debian with systemd in a directory, for `container.py` to boot: made once, and kept until what is in it changes.

What a bare host lacks is downloaded and not installed: there is no network inside, and `setup.sh` installs it.
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
# What Debian's images for cloud hosts have.
_INSTALLED = [
    *("systemd", "systemd-sysv", "dbus", "libpam-systemd", "procps", "iproute2", "openssh-server", "sudo"),
    *("ca-certificates", "openssl", "netbase", "python3"),
]
# What is there when the database is on the same host.
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
    """No container can be booted here; the text says why."""


def make() -> Path:
    """The root file system, which nothing may write to; raises Unsupported where there can be none."""
    if os.geteuid() != 0:
        raise Unsupported("it takes root to boot a container")
    if subprocess.run(["unshare", "--mount", "--net", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        raise Unsupported("this root may not make mounts and networks of its own, as in a container without privileges")
    if not shutil.which("apt-get"):
        raise Unsupported("the container's tools are fetched with apt-get, which is not here")
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
    """Whether a container stands on it."""
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
    """Ubuntu keeps Debian's keys in a package of their own."""
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    if not keyring.exists():
        _run("apt-get", "--quiet=2", "--yes", "install", "debian-archive-keyring")
    return keyring


def _run(*command: str | Path) -> None:
    """Run it; what it said is shown when it failed."""
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise Unsupported(f"{command[0]} failed: {done.stdout.decode(errors='replace')[-2_000:]}")
