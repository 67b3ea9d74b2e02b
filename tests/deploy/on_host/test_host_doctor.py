"""`fake-email doctor` on a host: root reads the settings, and each part of the host is examined."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import world
from bare import bare, set_up
from container import Container
from container_root import Unsupported

DOCTOR = "sudo /opt/fake-email/current/venv/bin/fake-email doctor"
# The world has no record that a host could do without.
OF_WORLD = {
    *("mta_sts_missing", "tls_rpt_missing", "spf_missing", "dmarc_missing", "caa_missing"),
    *("port25_unknown", "frontend_away"),
}


@pytest.fixture(scope="module")
def host(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    try:
        with bare(f"doctor{os.getpid()}", tmp_path_factory.mktemp("world")) as container:
            container.put(release, destination="/tmp/release.tar.gz")
            container.ssh("cd /tmp && tar xzf release.tar.gz && mv fake-email-* release")
            done = set_up(container, "/tmp/release")
            assert done.returncode == 0, done.stdout + done.stderr
            yield container
    except Unsupported as why:
        pytest.skip(str(why))


def examined(host: Container, *arguments: str) -> dict[str, dict[str, object]]:
    """The findings that did not pass, by their ids."""
    done = host.ssh(f"{DOCTOR} --json {' '.join(arguments)}", check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows, done.stderr
    return {row["id"]: row for row in rows if row["id"] != "passed"}


def test_a_host_that_was_just_set_up_has_no_problem_of_its_own(host: Container) -> None:
    problems = examined(host, "--wait", "60")

    assert set(problems) <= OF_WORLD


def test_a_unit_that_is_down_is_named_with_its_journal_and_so_is_the_service_behind_it(host: Container) -> None:
    # The socket is stopped too: it would start the service again.
    host.ssh("sudo systemctl stop fake-email-http-api.socket fake-email-http-api.service")
    try:
        problems = examined(host, "--only", "host,http,mail")
    finally:
        host.ssh("sudo systemctl start fake-email-http-api.socket fake-email-http-api.service")

    assert {"unit_down", "http_down", "mail_no_mailbox"} <= set(problems)


def test_settings_that_others_can_read_are_told(host: Container) -> None:
    host.ssh("sudo chmod 644 /etc/fake-email/env")
    try:
        problems = examined(host, "--only", "settings")
    finally:
        host.ssh("sudo chmod 600 /etc/fake-email/env")

    assert set(problems) == {"settings_readable"}


def test_the_doctor_on_another_machine_sees_the_same_host_through_dns(host: Container) -> None:
    done = host.ssh(
        f"cd / && /opt/fake-email/current/venv/bin/fake-email doctor --json --domain {world.DOMAIN}", check=False
    )

    problems = {row["id"] for row in map(json.loads, done.stdout.splitlines()) if row["id"] != "passed"}
    assert problems <= OF_WORLD | {"no_origin"}
