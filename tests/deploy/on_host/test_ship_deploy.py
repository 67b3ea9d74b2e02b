"""Deploy and rollback: one at a time, not interrupted by a lost connection, and the last five releases are kept."""

import os
import platform
import signal
from pathlib import Path

import pytest
from altered import altered, replace_in
from shipping import Host, version_of
from support.waiting import deadline

LOCK = "/run/fake-email-deploy.lock"


def test_a_host_runs_its_first_release(running: Host, release: Path) -> None:
    assert running.version() == version_of(release)
    assert running.is_healthy()


def test_the_running_release_can_be_deployed_again(running: Host, release: Path) -> None:
    done = running.deploy(release)

    assert done.returncode == 0
    assert "the host already has this release and uses it unchanged" in done.stdout


def test_a_deploy_without_a_release_builds_one_for_the_python_and_machine_of_the_host(
    running: Host, release: Path
) -> None:
    done = running.deploy(None)

    assert done.returncode == 0
    assert f"release: {version_of(release)} for Python 3.11 on {platform.machine()}" in done.stdout
    assert "the host already has this release and uses it unchanged" in done.stdout


def test_a_different_release_with_the_version_of_the_running_one_is_refused(
    running: Host, release: Path, tmp_path: Path
) -> None:
    def change(unpacked: Path) -> None:
        (unpacked / "deploy/more").write_text("more\n")

    done = running.deploy(altered(release, tmp_path, version_of(release), change))

    assert done.returncode == 1
    assert f"{version_of(release)} is running, and the new release of that version has other files" in done.stdout


def test_of_two_deploys_at_once_one_is_refused(running: Host, release: Path) -> None:
    both = [running.deploying(release) for _ in range(2)]

    outputs = [process.communicate()[0] for process in both]

    assert sorted(process.returncode for process in both) == [0, 1]
    assert "another one is running on this host (deploy, process " in "".join(outputs)


def test_a_deploy_continues_after_its_connection_is_lost(running: Host, release: Path) -> None:
    def completed() -> int:
        journal = running.root("journalctl --quiet --output=cat --identifier=fake-email-deploy")
        return journal.count(f"done: the host runs {version_of(release)}")

    before = completed()
    process = running.deploying(release)
    assert process.stdout is not None
    assert any(line.startswith("http-api ") for line in process.stdout)

    os.killpg(process.pid, signal.SIGKILL)

    assert any(completed() > before for _ in deadline(60))
    process.communicate()
    # It still holds the lock, for the doctor's advice; the next test deploys.
    running.root(f"flock --timeout 60 {LOCK} true")


def test_a_rollback_runs_the_previous_release(running: Host, release: Path, tmp_path: Path) -> None:
    done = running.deploy(altered(release, tmp_path, "next", lambda _: None))
    assert done.returncode == 0

    rollback = running.roll_back()

    assert rollback.returncode == 0
    assert "end to end" in rollback.stdout
    assert running.version() == version_of(release)
    assert running.is_healthy()


def test_a_rollback_with_a_version_runs_that_release(running: Host) -> None:
    before = running.version()

    to_next = running.roll_back("next")
    to_before = running.roll_back(before)

    assert (to_next.returncode, to_before.returncode) == (0, 0)
    assert running.version() == before


def test_a_rollback_to_an_unknown_version_is_refused(running: Host) -> None:
    done = running.roll_back("0.0.1")

    assert done.returncode == 1
    assert "release '0.0.1' is not on this host; it has: " in done.stdout


@pytest.mark.parametrize(("service", "port"), [("http-api", 9301), ("smtp-ingest", 9325)])
def test_each_service_shows_its_metrics_to_this_host_alone(running: Host, service: str, port: int) -> None:
    version = running.root(f"/opt/fake-email/current/venv/bin/{service} --version").removeprefix(f"{service} ")
    page = running.root(f"curl --silent --fail http://127.0.0.1:{port}/metrics")
    sockets = running.root(f"ss --no-header --listening --tcp --numeric sport = :{port} | awk '{{print $4}}'")

    assert f'{service.replace("-", "_")}_build_info{{version="{version}"}} 1.0' in page
    assert sockets == f"127.0.0.1:{port}"


def test_the_newest_five_releases_are_kept(running: Host, release: Path) -> None:
    older = [f"older-{number}" for number in range(6)]
    for number, name in enumerate(older):
        directory = f"/opt/fake-email/releases/{name}"
        running.root(f"mkdir {directory} && touch --date=@{1_000_000_000 + number} {directory}/VERSION")
    running.root("mkdir /opt/fake-email/releases/cut-off")

    assert running.deploy(release).returncode == 0

    left = running.root("ls /opt/fake-email/releases").split()
    assert sorted(left) == sorted([version_of(release), "next", *older[-3:]])
    running.root("rm -r /opt/fake-email/releases/older-*")


def test_a_host_can_switch_to_and_from_a_release_without_a_socket_unit_for_the_api(
    running: Host, release: Path, tmp_path: Path
) -> None:
    def change(unpacked: Path) -> None:
        units = unpacked / "deploy/systemd"
        (units / "fake-email-http-api.socket").unlink()
        service = units / "fake-email-http-api.service"
        replace_in(service, "Requires=fake-email-http-api.socket\nAfter=fake-email-http-api.socket ", "After=")
        replace_in(service, "SocketBindDeny=any\n", "")

    def socket_state() -> str:
        return running.root("systemctl is-active fake-email-http-api.socket || true")

    steps = [running.deploy(altered(release, tmp_path, "without-socket", change))]
    states = [(running.version(), socket_state(), running.is_healthy())]
    for version in (version_of(release), "without-socket", version_of(release)):
        steps.append(running.roll_back(version))
        states.append((running.version(), socket_state(), running.is_healthy()))
    running.root("rm -r /opt/fake-email/releases/without-socket")

    assert [step.returncode for step in steps] == [0, 0, 0, 0]
    assert states == 2 * [("without-socket", "inactive", True), (version_of(release), "active", True)]
