"""deploy.sh with an ssh, an scp and a sudo that stay on this machine: what it leaves on the host."""

import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy/deploy.sh"
NAME = "fake-email-1"
COMMANDS = {
    "ssh": 'shift 2; cd "$HOST_HOME" && exec sh -c "$*"',
    "scp": 'echo "${2#*:}" >>"$COPIED" && cp "$1" "$HOST_HOME/${2#*:}" && exit "${SCP_STATUS:-0}"',
    "sudo": 'shift; exec "$@"',
}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A release whose installation prints a line."""
    install = tmp_path / "install.sh"
    install.write_text("#!/bin/sh\necho installed\n")
    install.chmod(0o755)
    release = tmp_path / f"{NAME}.tar.gz"
    with tarfile.open(release, "w:gz") as tar:
        tar.add(install, f"{NAME}/deploy/install.sh")
    digest = hashlib.sha256(release.read_bytes()).hexdigest()
    release.with_name(f"{release.name}.sha256").write_text(f"{digest}  {release.name}\n")
    return release


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home directory on the host."""
    home = tmp_path / "home"
    home.mkdir()
    return home


def deploy(release: Path, home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    commands = home.with_name("commands")
    commands.mkdir(exist_ok=True)
    for name, line in COMMANDS.items():
        (commands / name).write_text(f"#!/bin/sh\n{line}\n")
        (commands / name).chmod(0o755)
    known = {"PATH": f"{commands}:{os.environ['PATH']}", "HOST": "ann@host", "RELEASE": str(release)}
    on_host = {"HOST_HOME": str(home), "COPIED": str(home.with_name("copied"))}
    return subprocess.run([DEPLOY], env={**known, **on_host, **environ}, capture_output=True, text=True, check=False)


def test_two_deploys_share_no_file_on_the_host_and_leave_none(release: Path, home: Path) -> None:
    done = [deploy(release, home) for _ in range(2)]

    assert [(each.returncode, each.stdout) for each in done] == [(0, "installed\n")] * 2
    assert len(set(home.with_name("copied").read_text().splitlines())) == 2
    assert list(home.iterdir()) == []


def test_a_copy_that_fails_leaves_no_file_on_the_host(release: Path, home: Path) -> None:
    done = deploy(release, home, SCP_STATUS="1")

    assert (done.returncode, done.stdout) == (1, "")
    assert list(home.iterdir()) == []
