"""deploy/setup.sh on a host that was never set up, from what it refuses to a host that is ready, and once more.

The tests of this file are on one host, in this order: what is refused comes first and leaves it bare.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator

import pytest
from bare import CLONE, PASSWORD, VARIABLES, bare, command, set_up
from container import GUEST, Container
from container_root import Unsupported

# For the runs that sudo starts, and logs.
OTHER_URL = "postgresql://mail:another@localhost/mail"
_PLACES = "/etc /opt /usr /var/lib/dpkg /var/lib/caddy /srv"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    try:
        with bare(f"setup{os.getpid()}", tmp_path_factory.mktemp("world")) as container:
            yield container
    except Unsupported as why:
        pytest.skip(str(why))


class Watch:
    """What changes on the host from now on."""

    def __init__(self, host: Container) -> None:
        self._host = host
        self._began_at = host.ssh("date +%s.%N").stdout.strip()

    def changed(self) -> list[str]:
        found = self._host.ssh(f"sudo find {_PLACES} -type f -newerct @{self._began_at} 2>/dev/null || true")
        return sorted(found.stdout.split())


@pytest.fixture
def watch(host: Container) -> Watch:
    return Watch(host)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """What it ended with."""
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr.strip().splitlines()[-1]


def as_seen_with(prepare: str) -> str:
    """setup.sh as the administrator, where root has done `prepare` to its view of the file system alone."""
    run = f"cd / && exec sudo -u admin env {command(DATABASE_URL=OTHER_URL)}"
    return f"sudo unshare --mount sh -ec {shlex.quote(f'{prepare}; {run}')}"


# What is refused


def test_root_is_refused(host: Container, watch: Watch) -> None:
    done = host.ssh(f"sudo env {command(DATABASE_URL=OTHER_URL)}", check=False)

    assert "run it as a user who may sudo, not as root" in refusal(done)
    assert watch.changed() == []


def test_a_user_who_may_not_sudo_is_refused(host: Container, watch: Watch) -> None:
    done = set_up(host, user=GUEST)

    assert "guest may not sudo without a password" in refusal(done)
    assert watch.changed() == []


def test_another_distribution_is_refused(host: Container, watch: Watch) -> None:
    prepare = "printf 'ID=fedora\nPRETTY_NAME=Fedora\n' >/run/fedora; mount --bind /run/fedora /usr/lib/os-release"

    done = host.ssh(as_seen_with(prepare), check=False)

    assert "this is Fedora; Ubuntu or Debian is what it takes" in refusal(done)
    assert watch.changed() == []


def test_a_full_disk_is_refused(host: Container, watch: Watch) -> None:
    done = host.ssh(as_seen_with("mount -t tmpfs -o size=10m tmpfs /opt"), check=False)

    assert "10 MB are free below /opt" in refusal(done)
    assert watch.changed() == []


@pytest.mark.parametrize("port", [25, 80, 443])
def test_a_port_that_somebody_has_is_refused(host: Container, watch: Watch, port: int) -> None:
    listen = f"import socket, time; taken = socket.create_server(('', {port})); time.sleep(600)"
    host.as_root("systemd-run", "--unit=squatter", "--property=Type=exec", "python3", "-c", listen)
    try:
        waited = f"until ss -Hltn sport = :{port} | grep -q .; do :; done"
        host.ssh(f"timeout 10 sh -c {shlex.quote(waited)}")

        done = set_up(host)
    finally:
        host.as_root("systemctl", "stop", "squatter.service")

    assert re.search(rf'port {port} is taken by "python3",pid=\d+', refusal(done))
    assert watch.changed() == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://mail:wrong@localhost/mail", "the password is wrong for the user mail"),
        ("postgresql://mail:open-Sesame-7@localhost/none", "there is no database none"),
        ("postgresql://mail:open-Sesame-7@localhost:5433/mail", "nothing listens on port 5433"),
        ("postgresql://mail:open-Sesame-7@nowhere.example/mail", "the name nowhere.example is not known"),
        ("postgresql://mail:open-Sesame-7@localhost/mail?sslmode=verify-full", "TLS failed"),
        ("postgresql://mail:open-Sesame-7@localhost/postgres", "the user mail may not make tables"),
        ("postgresql://mail:open/Sesame@localhost/mail", "as %40, %2F, %3A"),
        ("mysql://mail:open-Sesame-7@localhost/mail", "not a Postgres URI"),
    ],
)
def test_a_database_that_cannot_be_worked_with_is_refused(host: Container, watch: Watch, url: str, reason: str) -> None:
    done = set_up(host, DATABASE_URL=url)

    said = refusal(done)
    assert said.startswith("DATABASE_URL: ")
    assert reason in said
    assert "esame" not in done.stdout + done.stderr
    assert watch.changed() == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("DATABASE_URL", "", "DATABASE_URL is not given"),
        ("DOMAIN", "", "DOMAIN is not given"),
        ("DOMAIN", "localhost", "DOMAIN: 'localhost' is not a domain name"),
        ("VERCEL_ORIGIN", "your-app.vercel.app", "VERCEL_ORIGIN: 'your-app.vercel.app' is not an origin"),
    ],
)
def test_a_variable_that_is_missing_or_wrong_is_refused(
    host: Container, watch: Watch, name: str, value: str, reason: str
) -> None:
    done = set_up(host, **{name: value})

    assert reason in refusal(done)
    assert watch.changed() == []


# A bare host


def test_a_bare_host_becomes_ready_and_the_summary_says_what_is_left(host: Container) -> None:
    done = set_up(host)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "no release yet: make deploy HOST=admin@this-host" in done.stdout
    assert re.search(r"^note  release  +none yet", done.stdout, re.MULTILINE)
    assert re.search(r"^pass  MX fake-email.example +mail.fake-email.example", done.stdout, re.MULTILINE)
    assert PASSWORD not in done.stdout + done.stderr


def test_the_secret_is_in_no_log(host: Container) -> None:
    # Looked for from outside, since sudo logs what it is asked to look for.
    logs = [path.read_bytes() for path in (host.root / "var/log").rglob("*") if path.is_file()]

    assert PASSWORD not in host.ssh("sudo journalctl --no-pager").stdout
    assert not any(PASSWORD.encode() in log for log in logs)


def test_the_settings_are_the_services_alone(host: Container) -> None:
    assert host.ssh("sudo stat -c '%a %U' /etc/fake-email/env").stdout == "600 fake-email\n"


def test_the_firewall_lets_in_ssh_mail_and_the_web(host: Container) -> None:
    status = host.ssh("sudo ufw status").stdout

    assert "Status: active" in status
    assert set(re.findall(r"^(\S+) +ALLOW +Anywhere", status, re.MULTILINE)) == {
        "22/tcp",
        "25/tcp",
        "80/tcp",
        "443/tcp",
    }


# Once more


def test_a_second_run_changes_nothing_and_says_so(host: Container, watch: Watch) -> None:
    done = set_up(host)

    assert "nothing changed: this host was ready" in done.stdout
    assert not re.search("^changed:", done.stdout, re.MULTILINE)
    assert watch.changed() == []


def test_a_run_without_variables_goes_by_those_that_are_there(host: Container, watch: Watch) -> None:
    done = set_up(host, **dict.fromkeys(VARIABLES, ""))

    assert "nothing changed: this host was ready" in done.stdout
    assert watch.changed() == []


def test_a_changed_variable_changes_the_environment_file_alone(host: Container, watch: Watch) -> None:
    done = set_up(host, VERCEL_ORIGIN="https://another.vercel.app")

    assert re.findall(r"^changed: (.*)", done.stdout, re.MULTILINE) == ["/etc/fake-email/env"]
    assert watch.changed() == ["/etc/fake-email/env"]
    assert "CORS_ALLOWED_ORIGINS=https://another.vercel.app\n" in host.ssh("sudo cat /etc/fake-email/env").stdout


def test_what_was_written_into_the_environment_file_by_hand_stays(host: Container) -> None:
    host.ssh("echo 'SMTP_MAX_SESSIONS=7' | sudo tee -a /etc/fake-email/env")

    set_up(host, VERCEL_ORIGIN="https://a-third.vercel.app")

    settings = host.ssh("sudo cat /etc/fake-email/env").stdout
    assert "SMTP_MAX_SESSIONS=7\n" in settings
    assert "CORS_ALLOWED_ORIGINS=https://a-third.vercel.app\n" in settings


def test_a_port_that_sshd_has_moved_to_is_let_in(host: Container) -> None:
    host.ssh("printf 'Port 22\\nPort 2222\\n' | sudo tee /etc/ssh/sshd_config.d/ports.conf")

    done = set_up(host)

    assert "changed: firewall: 2222/tcp" in done.stdout


def test_a_caddyfile_that_caddy_does_not_take_replaces_nothing(host: Container, watch: Watch) -> None:
    broken = f"{CLONE}/deploy/Caddyfile"
    host.ssh(f"echo 'api.example {{ no_such_directive }}' >>{broken}")

    done = set_up(host)

    assert "Caddy does not take the Caddyfile, and goes on with the one it has" in refusal_of(done)
    assert watch.changed() == [broken]


def refusal_of(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr
