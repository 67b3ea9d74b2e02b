"""The deploy workflow: its own shell steps run against a host with a deploy key."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import msgspec.yaml
import pytest
from container import ADDRESS, ADMINISTRATOR
from shipping import Host, version_of

WORKFLOWS = Path(__file__).parents[3] / ".github/workflows"
KEYS = f"/home/{ADMINISTRATOR}/.ssh/authorized_keys"
COMMAND = "/opt/fake-email/current/deploy/deploy-key.sh"
STEP_SECONDS = 240
INSTALL = (
    "d=$(mktemp -d -p .) && tar -xzf fake-email-1.tar.gz -C $d && sudo -n $d/fake-email-1/deploy/install.sh; "
    "s=$?; rm -rf $d fake-email-1.tar.gz; exit $s"
)


class Step(msgspec.Struct):
    name: str = ""
    uses: str = ""
    run: str = ""


class Concurrency(msgspec.Struct, rename="kebab"):
    group: str
    cancel_in_progress: bool | str


class Job(msgspec.Struct, rename={"condition": "if", "timeout_minutes": "timeout-minutes"}):
    steps: list[Step]
    timeout_minutes: int
    needs: str = ""
    condition: str = ""
    environment: str = ""
    concurrency: Concurrency | None = None


class Workflow(msgspec.Struct):
    jobs: dict[str, Job]
    permissions: dict[str, str]


def workflow(name: str) -> Workflow:
    # In YAML 1.1 the key `on:` is True.
    content = msgspec.yaml.decode((WORKFLOWS / name).read_bytes(), type=dict[str | bool, object])
    return msgspec.convert({key: value for key, value in content.items() if key is not True}, Workflow)


class Runner:
    """GitHub's runner: a directory with the artifact, secrets in the environment, and a temporary directory."""

    def __init__(self, host: Host, directory: Path) -> None:
        self.scratch, self.artifact, self.key = directory / "scratch", directory / "release", directory / "key"
        self.scratch.mkdir()
        self.artifact.mkdir()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "RUNNER_TEMP": str(self.scratch),
            "EC2_HOST": ADDRESS,
            "EC2_USER": ADMINISTRATOR,
            "EC2_SSH_KEY": self.key.read_text(),
            "EC2_KNOWN_HOSTS": f"{ADDRESS} {host.root('cat /etc/ssh/ssh_host_ed25519_key.pub')}",
        }
        self._outside = host.container.outside()

    def download(self, release: Path) -> None:
        """Put `release` where the job downloads its artifact to."""
        for path in (release, release.with_name(f"{release.name}.sha256")):
            shutil.copy(path, self.artifact)

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a step of the job `deploy` with the shell options of GitHub."""
        (script,) = (step.run for step in workflow("deploy.yml").jobs["deploy"].steps if step.name == name)
        return self._run("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script)

    def ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run `command` on the host with the deploy key."""
        known = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")
        alone = ("-i", str(self.key), "-o", "IdentitiesOnly=yes")
        return self._run("ssh", "-n", *alone, *known, f"{ADMINISTRATOR}@{ADDRESS}", command)

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self._outside, *command],
            cwd=self.artifact,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
        sys.stdout.write(done.stdout)  # shown with a test that fails
        return done


@pytest.fixture
def runner(running: Host, release: Path, tmp_path: Path) -> Iterator[Runner]:
    """A runner that has the release as its artifact, and whose key is the deploy key of the host."""
    runner = Runner(running, tmp_path)
    runner.download(release)
    public = runner.key.with_suffix(".pub").read_text().strip()
    running.root(f"echo 'restrict,command=\"{COMMAND}\" {public}' >>{KEYS}")
    yield runner
    running.root(f"rm -f /home/{ADMINISTRATOR}/fake-email-*")


def test_the_steps_copy_and_install_a_release_with_the_deploy_key(running: Host, release: Path, runner: Runner) -> None:
    shipped = runner.step("Ship")
    installed = runner.step("Install")

    assert (shipped.returncode, installed.returncode) == (0, 0)
    assert f"done: the host runs {version_of(release)}" in installed.stdout
    assert running.is_healthy()
    assert "fake-email-" not in running.root(f"ls /home/{ADMINISTRATOR}")


def test_a_failed_installation_leaves_no_file_on_the_host(running: Host, runner: Runner) -> None:
    done = runner.ssh(INSTALL)

    assert done.returncode == 2
    assert "fake-email-1.tar.gz" in done.stdout
    assert running.root(f"ls /home/{ADMINISTRATOR}") == ""


def test_a_step_deletes_the_key(runner: Runner) -> None:
    runner.step("Ship")

    assert list(runner.scratch.iterdir()) == []


def test_a_failed_step_deletes_the_key(runner: Runner) -> None:
    runner.environ["EC2_USER"] = "nobody"

    assert runner.step("Ship").returncode != 0
    assert list(runner.scratch.iterdir()) == []


def test_a_host_with_another_key_than_the_pinned_one_receives_nothing(running: Host, runner: Runner) -> None:
    runner.environ["EC2_KNOWN_HOSTS"] = f"{ADDRESS} {runner.key.with_suffix('.pub').read_text()}"

    shipped = runner.step("Ship")

    assert shipped.returncode != 0
    assert "Host key verification failed" in shipped.stdout
    assert "fake-email-" not in running.root(f"ls /home/{ADMINISTRATOR}")


def test_a_changed_artifact_is_not_copied_to_the_host(running: Host, runner: Runner) -> None:
    (tarball,) = runner.artifact.glob("*.tar.gz")
    with tarball.open("ab") as content:
        content.write(b"more")

    shipped = runner.step("Ship")

    assert shipped.returncode != 0
    assert "FAILED" in shipped.stdout
    assert "fake-email-" not in running.root(f"ls /home/{ADMINISTRATOR}")


@pytest.mark.parametrize(
    "command",
    [
        "id",
        "",
        "scp -t .ssh/authorized_keys",
        "scp -f .ssh/authorized_keys",
        "scp -t fake-email-1.tar.gz; id",
        "scp -t fake-email-1/../../etc/x.tar.gz",
        "sudo -n id",
        f"{INSTALL}; id",
        f"{INSTALL}\nid",
        INSTALL.replace("sudo -n", "sudo -n id;"),
    ],
)
def test_the_deploy_key_can_run_no_other_command(runner: Runner, command: str) -> None:
    done = runner.ssh(command)

    assert done.returncode == 1
    assert done.stdout.startswith("this key may only copy a release and install it")
    assert "uid=" not in done.stdout


def test_only_a_push_to_main_deploys_and_one_deploy_runs_at_a_time_after_the_build() -> None:
    job = workflow("deploy.yml").jobs["deploy"]

    assert job.needs == "build"
    assert job.condition == "github.event_name == 'push' && github.ref == 'refs/heads/main'"
    assert job.environment == "production"
    assert job.concurrency == Concurrency(group="deploy-production", cancel_in_progress=False)


@pytest.mark.parametrize("name", ["ci.yml", "deploy.yml"])
def test_a_workflow_only_reads_has_a_time_limit_and_pins_its_actions(name: str) -> None:
    described = workflow(name)

    assert described.permissions == {"contents": "read"}
    for job in described.jobs.values():
        assert 0 < job.timeout_minutes <= 60
        assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step.uses) for step in job.steps if step.uses)
