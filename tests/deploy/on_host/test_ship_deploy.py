"""A deploy and its way back: never two at once, never cut in half, the last five stay."""

import os
import platform
import signal
from pathlib import Path

from altered import altered, replace_in
from shipping import Host, version_of
from support.harness import deadline


def test_the_first_release_of_a_host_runs(running: Host, release: Path) -> None:
    assert running.version() == version_of(release)
    assert running.is_well()


def test_a_release_that_runs_already_may_be_deployed_again(running: Host, release: Path) -> None:
    done = running.deploy(release)

    assert done.returncode == 0
    assert "it is on this host already, and is used as it is" in done.stdout


def test_without_a_release_one_is_made_for_the_python_and_machine_of_the_host(running: Host, release: Path) -> None:
    done = running.deploy(None)

    assert done.returncode == 0
    assert f"release: {version_of(release)} for Python 3.11 on {platform.machine()}" in done.stdout
    assert "it is on this host already, and is used as it is" in done.stdout


def test_another_release_of_the_same_name_as_the_one_that_runs_is_refused(
    running: Host, release: Path, tmp_path: Path
) -> None:
    def change(unpacked: Path) -> None:
        (unpacked / "deploy/more").write_text("more\n")

    done = running.deploy(altered(release, tmp_path, version_of(release), change))

    assert done.returncode == 1
    assert f"{version_of(release)} runs, and this one of the same name differs" in done.stdout


def test_of_two_deploys_at_once_one_is_refused(running: Host, release: Path) -> None:
    both = [running.deploying(release) for _ in range(2)]

    told = [process.communicate()[0] for process in both]

    assert sorted(process.returncode for process in both) == [0, 1]
    assert "another is under way on this host (deploy, process " in "".join(told)


def test_a_deploy_outlives_the_connection_that_began_it(running: Host, release: Path) -> None:
    def done() -> int:
        journal = running.root("journalctl --quiet --output=cat --identifier=fake-email-deploy")
        return journal.count(f"done: the host runs {version_of(release)}")

    before = done()
    process = running.deploying(release)
    assert process.stdout is not None
    assert any(line.startswith("http-api ") for line in process.stdout)

    os.killpg(process.pid, signal.SIGKILL)

    assert any(done() > before for _ in deadline(60))
    process.communicate()  # who was cut off is gone


def test_the_release_before_comes_back(running: Host, release: Path, tmp_path: Path) -> None:
    done = running.deploy(altered(release, tmp_path, "next", lambda _: None))
    assert done.returncode == 0

    back = running.roll_back()

    assert back.returncode == 0
    assert "end to end" in back.stdout
    assert running.version() == version_of(release)
    assert running.is_well()


def test_a_release_that_is_named_comes_back(running: Host) -> None:
    before = running.version()

    there = running.roll_back("next")
    again = running.roll_back(before)

    assert (there.returncode, again.returncode) == (0, 0)
    assert running.version() == before


def test_going_back_to_what_is_not_there_is_refused(running: Host) -> None:
    done = running.roll_back("0.0.1")

    assert done.returncode == 1
    assert "'0.0.1' is not on this host; there are " in done.stdout


def test_the_newest_five_releases_stay(running: Host, release: Path) -> None:
    older = [f"older-{number}" for number in range(6)]
    for number, name in enumerate(older):
        place = f"/opt/fake-email/releases/{name}"
        running.root(f"mkdir {place} && touch --date=@{1_000_000_000 + number} {place}/VERSION")
    running.root("mkdir /opt/fake-email/releases/cut-off")

    assert running.deploy(release).returncode == 0

    left = running.root("ls /opt/fake-email/releases").split()
    assert sorted(left) == sorted([version_of(release), "next", *older[-3:]])
    running.root("rm -r /opt/fake-email/releases/older-*")


def test_a_release_whose_api_binds_its_port_by_itself_is_left_and_comes_back(
    running: Host, release: Path, tmp_path: Path
) -> None:
    def change(unpacked: Path) -> None:
        units = unpacked / "deploy/systemd"
        (units / "fake-email-http-api.socket").unlink()
        service = units / "fake-email-http-api.service"
        replace_in(service, "Requires=fake-email-http-api.socket\nAfter=fake-email-http-api.socket ", "After=")
        replace_in(service, "SocketBindDeny=any\n", "")

    def held() -> str:
        return running.root("systemctl is-active fake-email-http-api.socket || true")

    steps = [running.deploy(altered(release, tmp_path, "without-socket", change))]
    seen = [(running.version(), held(), running.is_well())]
    for version in (version_of(release), "without-socket", version_of(release)):
        steps.append(running.roll_back(version))
        seen.append((running.version(), held(), running.is_well()))
    running.root("rm -r /opt/fake-email/releases/without-socket")

    assert [step.returncode for step in steps] == [0, 0, 0, 0]
    assert seen == 2 * [("without-socket", "inactive", True), (version_of(release), "active", True)]
