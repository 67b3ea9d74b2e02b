"""A host as the operator sees it: deploy a release to it, roll back, ask for its version and its health."""

import os
import subprocess
import sys
from pathlib import Path

from container import ADDRESS, ADMINISTRATOR, Container

DEPLOY = Path(__file__).parents[3] / "deploy"
_DEPLOY_SECONDS = 240.0


class Host:
    """`container` is the machine, which `bare` made with `directory`; deploys and rollbacks reach it over ssh."""

    def __init__(self, container: Container, directory: Path) -> None:
        self.container = container
        self.authority = directory / "pki/authorities/local/root.crt"  # signs the host's certificates
        dial = Path(__file__).with_name("dial.py")
        config = directory / "ssh_config"
        config.write_text(
            f"IdentityFile {container.key}\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n"
            f"ProxyUseFdpass yes\nProxyCommand {' '.join(container.outside())} {sys.executable} {dial} %h %p\n"
        )
        self._environ = os.environ | {
            "HOST": f"{ADMINISTRATOR}@{ADDRESS}",
            "PYTHON": sys.executable,
            "SSH_OPTIONS": f"-F {config}",
        }

    def deploying(self, release: Path | None) -> subprocess.Popen[str]:
        """Start `make deploy` with this release in a new process group; stderr goes to stdout."""
        return self._start(DEPLOY / "deploy.sh", RELEASE=str(release or ""))

    def deploy(self, release: Path | None) -> subprocess.CompletedProcess[str]:
        """Run `make deploy` to its end, with this release or with one that it builds itself."""
        return _ended(self.deploying(release))

    def roll_back(self, version: str = "") -> subprocess.CompletedProcess[str]:
        """Run `make rollback` to its end."""
        return _ended(self._start(DEPLOY / "go-back.sh", VERSION=version))

    def root(self, line: str) -> str:
        """Run a shell line as root on the host and return its output; raises AssertionError when it fails."""
        return self.container.as_root("/bin/sh", "-c", line).stdout.strip()

    def version(self) -> str:
        """The version of the release that the units run."""
        return self.root("readlink /opt/fake-email/current").removeprefix("releases/")

    def is_healthy(self) -> bool:
        """True when the API reports that it is healthy and port 25 greets."""
        health = self.root("curl --silent --max-time 10 http://127.0.0.1:3001/api/health || true")
        banner = self.root("echo QUIT | nc -w 10 127.0.0.1 25 || true")
        return health == "OK" and banner.startswith("220 ")

    def _start(self, script: Path, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [script],
            env=self._environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def _ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    with process:
        try:
            output, _ = process.communicate(timeout=_DEPLOY_SECONDS)
        finally:
            process.kill()
    sys.stdout.write(output)  # shown with a test that fails
    return subprocess.CompletedProcess(process.args, process.returncode, output)


def version_of(release: Path) -> str:
    return release.name.removeprefix("fake-email-").removesuffix(".tar.gz")
