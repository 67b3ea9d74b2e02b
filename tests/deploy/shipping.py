"""A host as who deploys to it sees it: what can be shipped to it, what it runs, whether it is well."""

import os
import subprocess
import sys
from pathlib import Path

from container import ADDRESS, ADMINISTRATOR, Container

DEPLOY = Path(__file__).parents[2] / "deploy"
_DEPLOY_SECONDS = 240.0
_READY = """
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get install -y -q --no-install-recommends caddy jq curl netcat-openbsd python3-venv >/dev/null 2>&1
useradd --system --no-create-home --shell /usr/sbin/nologin fake-email
install -d -m755 /opt/fake-email/releases /etc/fake-email /etc/fake-email/tls
su postgres -c "psql -q -c \\"create role fe login password 'sesame'\\" -c 'create database fe owner fe'"
printf 'DATABASE_URL=postgresql://fe:sesame@127.0.0.1/fe\\nDOMAIN=mail.fake-email.test\\n' >/etc/fake-email/env
chown fake-email /etc/fake-email/env; chmod 600 /etc/fake-email/env
"""


class Host:
    """`container` is the machine; every command comes to it over ssh."""

    def __init__(self, container: Container) -> None:
        self.container = container
        known = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")
        self._environ = os.environ | {
            "HOST": f"{ADMINISTRATOR}@{ADDRESS}",
            "SSH_OPTIONS": " ".join(("-i", str(container.key), *known)),
        }

    def make_ready(self) -> None:
        self.container.as_root("/bin/sh", "-c", _READY, seconds=300)

    def deploying(self, release: Path) -> subprocess.Popen[str]:
        """`make deploy` with this release, under way in a process group of its own; both streams are its stdout."""
        return self._start(DEPLOY / "deploy.sh", RELEASE=str(release))

    def deploy(self, release: Path) -> subprocess.CompletedProcess[str]:
        """`make deploy` with this release, to its end."""
        return _ended(self.deploying(release), _DEPLOY_SECONDS)

    def roll_back(self, version: str = "", *, seconds: float = _DEPLOY_SECONDS) -> subprocess.CompletedProcess[str]:
        """`make rollback`, to its end."""
        return _ended(self._start(DEPLOY / "go-back.sh", VERSION=version), seconds)

    def root(self, line: str) -> str:
        """What a line of shell prints that root runs there; raises CalledProcessError."""
        return self.container.as_root("/bin/sh", "-c", line).stdout.strip()

    def version(self) -> str:
        """The version of the release that the units run."""
        return self.root("readlink /opt/fake-email/current").removeprefix("releases/")

    def is_well(self) -> bool:
        """Whether the API says so, and port 25 greets."""
        health = self.root("curl --silent --max-time 10 http://127.0.0.1:3001/api/health || true")
        banner = self.root("echo QUIT | nc -w 10 127.0.0.1 25 || true")
        return health == "OK" and banner.startswith("220 ")

    def _start(self, script: Path, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.container.outside(), str(script)],
            env=self._environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def _ended(process: subprocess.Popen[str], seconds: float) -> subprocess.CompletedProcess[str]:
    try:
        output, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
    sys.stdout.write(output)  # shown with a test that fails
    return subprocess.CompletedProcess(process.args, process.returncode, output)


def version_of(release: Path) -> str:
    return release.name.removeprefix("fake-email-").removesuffix(".tar.gz")
