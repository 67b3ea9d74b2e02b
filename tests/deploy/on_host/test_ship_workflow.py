"""The workflow that deploys: its own shell steps, run against a host with the key that it would have."""

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
    # YAML 1.1 has `on:` for True.
    read = msgspec.yaml.decode((WORKFLOWS / name).read_bytes(), type=dict[str | bool, object])
    return msgspec.convert(
        {key: value for key, value in read.items() if key is not True}, Workflow
    )  # `on:`, in YAML 1.1


class Runner:
    """What GitHub runs the steps on: a directory with the artifact, secrets in the environment, a place for scratch."""

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

    def take(self, release: Path) -> None:
        """Download the artifact."""
        for path in (release, release.with_name(f"{release.name}.sha256")):
            shutil.copy(path, self.artifact)

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a step of the job `deploy` as GitHub does."""
        (script,) = (step.run for step in workflow("deploy.yml").jobs["deploy"].steps if step.name == name)
        return self._run("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script)

    def ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        """What somebody else would try with the key."""
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
    """It has the release as its artifact, and a key that the host knows as the deploy key."""
    runner = Runner(running, tmp_path)
    runner.take(release)
    public = runner.key.with_suffix(".pub").read_text().strip()
    running.root(f"echo 'restrict,command=\"{COMMAND}\" {public}' >>{KEYS}")
    yield runner
    running.root(f"rm -f /home/{ADMINISTRATOR}/fake-email-*")


def test_the_steps_ship_and_install_with_a_key_that_may_do_nothing_else(
    running: Host, release: Path, runner: Runner
) -> None:
    shipped = runner.step("Ship")
    installed = runner.step("Install")

    assert (shipped.returncode, installed.returncode) == (0, 0)
    assert f"done: the host runs {version_of(release)}" in installed.stdout
    assert running.is_well()
    assert "fake-email-" not in running.root(f"ls /home/{ADMINISTRATOR}")


def test_what_was_shipped_and_is_no_release_leaves_nothing_behind(running: Host, runner: Runner) -> None:
    done = runner.ssh(INSTALL)

    assert done.returncode == 2
    assert "fake-email-1.tar.gz" in done.stdout
    assert running.root(f"ls /home/{ADMINISTRATOR}") == ""


def test_the_key_is_gone_after_its_step(runner: Runner) -> None:
    runner.step("Ship")

    assert list(runner.scratch.iterdir()) == []


def test_the_key_is_gone_after_a_step_that_failed(runner: Runner) -> None:
    runner.environ["EC2_USER"] = "nobody"

    assert runner.step("Ship").returncode != 0
    assert list(runner.scratch.iterdir()) == []


def test_a_host_with_another_key_than_the_one_pinned_gets_nothing(running: Host, runner: Runner) -> None:
    runner.environ["EC2_KNOWN_HOSTS"] = f"{ADDRESS} {runner.key.with_suffix('.pub').read_text()}"

    shipped = runner.step("Ship")

    assert shipped.returncode != 0
    assert "Host key verification failed" in shipped.stdout
    assert "fake-email-" not in running.root(f"ls /home/{ADMINISTRATOR}")


def test_an_artifact_that_was_changed_is_not_shipped(running: Host, runner: Runner) -> None:
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
def test_the_deploy_key_may_run_nothing_else(runner: Runner, command: str) -> None:
    done = runner.ssh(command)

    assert done.returncode == 1
    assert done.stdout.startswith("this key may ship a release and install it, and nothing else")
    assert "uid=" not in done.stdout


def test_only_a_push_to_main_deploys_one_after_the_other_and_after_the_build() -> None:
    job = workflow("deploy.yml").jobs["deploy"]

    assert job.needs == "build"
    assert job.condition == "github.event_name == 'push' && github.ref == 'refs/heads/main'"
    assert job.environment == "production"
    assert job.concurrency == Concurrency(group="deploy-production", cancel_in_progress=False)


@pytest.mark.parametrize("name", ["ci.yml", "deploy.yml"])
def test_a_workflow_reads_only_ends_and_runs_actions_of_one_commit(name: str) -> None:
    described = workflow(name)

    assert described.permissions == {"contents": "read"}
    for job in described.jobs.values():
        assert 0 < job.timeout_minutes <= 60
        assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step.uses) for step in job.steps if step.uses)
