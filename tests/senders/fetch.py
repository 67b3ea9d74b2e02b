"""Fetch the senders and opendkim into .local/senders: Debian packages, unpacked, not installed, and nodemailer."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".local/senders"
# Another number with other packages, so that they are fetched where the earlier ones are already.
DEBIAN = CACHE / "debian-2"
NODEMAILER = CACHE / "node_modules/nodemailer"

_SENDERS = ["postfix", "exim4-base", "exim4-daemon-light", "opensmtpd", "swaks", "libnet-ssleay-perl"]
# A second opinion on DKIM signatures.
_CHECKER = "opendkim"
# The programs that `postfix start` runs.
_TOOLS = ["dash", "coreutils", "diffutils", "findutils", "grep", "sed"]
_LIBRARIES = ("lib", "zlib1g", "perl")
_USERS = {"nobody": 65534, "postfix": 2101, "Debian-exim": 2102, "opensmtpd": 2103, "opensmtpq": 2104, "postdrop": 2105}
# Owner, group and mode of paths, as the packages' install scripts set them.
_OWNED = {
    "var/lib/postfix": ("postfix", "postfix", 0o755),
    "var/log/exim4": ("Debian-exim", "Debian-exim", 0o750),
    "var/spool/exim4": ("Debian-exim", "Debian-exim", 0o750),
    "usr/sbin/smtpctl": ("root", "opensmtpq", 0o2755),
    "usr/sbin/postdrop": ("root", "postdrop", 0o2755),
    "usr/sbin/postqueue": ("root", "postdrop", 0o2755),
}
_NODEMAILER_VERSION = "10.6.0"


def is_usable() -> bool:
    """Return whether the programs in DEBIAN are fetched and this user may run them."""
    return DEBIAN.exists() and os.geteuid() == 0


def fetch_debian() -> None:
    """Make DEBIAN, the root directory for the hosts."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise OSError("only root on Debian can unpack and run them")
    debs, root = CACHE / "debs", CACHE / "debian.new"
    for directory in (debs, root):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
    subprocess.run(["apt-get", "--quiet=2", "update"], check=True)
    listed = subprocess.run(
        ["apt-cache", "depends", "--recurse", "--important", *_SENDERS, _CHECKER],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    libraries = {name for name in listed.stdout.splitlines() if name.startswith(_LIBRARIES)}
    subprocess.run(
        [
            "apt-get",
            "--quiet=2",
            "-o",
            "APT::Sandbox::User=root",
            "download",
            *{*_SENDERS, _CHECKER, *_TOOLS, *libraries},
        ],
        cwd=debs,
        check=True,
    )
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for deb in sorted(debs.iterdir()):
        subprocess.run(["dpkg-deb", "--extract", deb, root], check=True)
    _set_up(root)
    root.rename(DEBIAN)
    shutil.rmtree(debs)


def _set_up(root: Path) -> None:
    for path in ("dev", "etc", "run", "tmp", *_OWNED):
        if not (root / path).exists():
            (root / path).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "var/run").symlink_to("../run")
    for name, minor in (("null", 3), ("urandom", 9)):
        os.mknod(root / "dev" / name, 0o20666, os.makedev(1, minor))
        (root / "dev" / name).chmod(0o666)
    ids = {"root": 0, **_USERS}
    (root / "etc/passwd").write_text("".join(f"{name}:x:{id_}:{id_}::/:/bin/sh\n" for name, id_ in ids.items()))
    (root / "etc/group").write_text("".join(f"{name}:x:{id_}:\n" for name, id_ in ids.items()))
    for path, (owner, group, mode) in _OWNED.items():
        os.chown(root / path, ids[owner], ids[group])
        (root / path).chmod(mode)


def fetch_nodemailer() -> None:
    """Make NODEMAILER, a package for Node."""
    npm = shutil.which("npm")
    if not npm:
        raise OSError("apt install npm")
    options = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run([npm, "install", *options, f"nodemailer@{_NODEMAILER_VERSION}"], cwd=CACHE, check=True)


def main() -> None:
    """Fetch all senders; report a failed fetch here, and again as the reason of the skipped tests."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "package.json").write_text("{}\n")
    for target, fetch in ((DEBIAN, fetch_debian), (NODEMAILER, fetch_nodemailer)):
        try:
            if not target.exists():
                fetch()
        except (OSError, subprocess.CalledProcessError) as error:
            sys.stderr.write(f"{target.name}: not fetched: {error}\n")


if __name__ == "__main__":
    main()
