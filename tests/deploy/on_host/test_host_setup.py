"""deploy/setup.sh on a bare host: the runs that it refuses, the first run that succeeds, and later runs.

The tests of this file share one host and run in order: the refused runs come first and leave the host bare.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator

import env_file
import pytest
from bare import CLONE, PASSWORD, VARIABLES, bare, command, set_up
from container import GUEST, Container
from container_root import Unsupported
from support.waiting import deadline

# sudo logs its command line: the runs that it starts have a URL with another password.
OTHER_URL = "postgresql://mail:another@localhost/mail"
_DIRECTORIES = "/etc /opt /usr /var/lib/dpkg /var/lib/caddy /srv"
# Caddy locks what it works on, whenever it renews a certificate or tries again to get one.
_LOCKS = "/var/lib/caddy/.local/share/caddy/locks/*"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    try:
        with bare(f"setup{os.getpid()}", tmp_path_factory.mktemp("world")) as container:
            yield container
    except Unsupported as why:
        pytest.skip(str(why))


class Watch:
    """The files that change on the host after the creation of this object."""

    def __init__(self, host: Container) -> None:
        self._host = host
        self._began_at = host.ssh("date +%s.%N").stdout.strip()

    def changed(self) -> list[str]:
        find = f"sudo find {_DIRECTORIES} -type f -newerct @{self._began_at} -not -path '{_LOCKS}'"
        files = self._host.ssh(f"{find} 2>/dev/null || true")
        return sorted(files.stdout.split())


@pytest.fixture
def watch(host: Container) -> Watch:
    return Watch(host)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The last line that a refused run printed."""
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr.strip().splitlines()[-1]


def as_seen_with(prepare: str) -> str:
    """The shell line that runs setup.sh as the administrator in a mount namespace where root ran `prepare`."""
    run = f"cd / && exec sudo -u admin env {command(DATABASE_URL=OTHER_URL)}"
    return f"sudo unshare --mount sh -ec {shlex.quote(f'{prepare}; {run}')}"


# Refused runs


def test_root_is_refused(host: Container, watch: Watch) -> None:
    done = host.ssh(f"sudo env {command(DATABASE_URL=OTHER_URL)}", check=False)

    assert "run this as a user with sudo rights, not as root" in refusal(done)
    assert watch.changed() == []


def test_a_user_who_cannot_use_sudo_is_refused(host: Container, watch: Watch) -> None:
    done = set_up(host, user=GUEST)

    assert "guest cannot use sudo without a password" in refusal(done)
    assert watch.changed() == []


def test_another_distribution_is_refused(host: Container, watch: Watch) -> None:
    prepare = "printf 'ID=fedora\nPRETTY_NAME=Fedora\n' >/run/fedora; mount --bind /run/fedora /usr/lib/os-release"

    done = host.ssh(as_seen_with(prepare), check=False)

    assert "this host runs Fedora; only Ubuntu and Debian are supported" in refusal(done)
    assert watch.changed() == []


def test_a_full_disk_is_refused(host: Container, watch: Watch) -> None:
    done = host.ssh(as_seen_with("mount -t tmpfs -o size=10m tmpfs /opt"), check=False)

    assert "/opt has 10 MB free" in refusal(done)
    assert watch.changed() == []


@pytest.mark.parametrize("port", [25, 80, 443])
def test_a_port_in_use_is_refused(host: Container, watch: Watch, port: int) -> None:
    listen = f"import socket, time; taken = socket.create_server(('', {port})); time.sleep(600)"
    host.as_root("systemd-run", "--unit=squatter", "--property=Type=exec", "python3", "-c", listen)
    try:
        until_bound = f"until ss -Hltn sport = :{port} | grep -q .; do sleep 0.1; done"
        host.ssh(f"timeout 60 sh -c {shlex.quote(until_bound)}")

        done = set_up(host)
    finally:
        host.as_root("systemctl", "stop", "squatter.service")

    assert re.search(rf'port {port} is in use by "python3",pid=\d+', refusal(done))
    assert watch.changed() == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://mail:wrong@localhost/mail", "the password for the user mail is wrong"),
        ("postgresql://mail:open-Sesame-7@localhost/none", "there is no database none"),
        ("postgresql://mail:open-Sesame-7@localhost:5433/mail", "nothing listens on port 5433"),
        ("postgresql://mail:open-Sesame-7@nowhere.example/mail", "the name nowhere.example is unknown"),
        ("postgresql://mail:open-Sesame-7@localhost/mail?sslmode=verify-full", "TLS failed"),
        ("postgresql://mail:open-Sesame-7@localhost/postgres", "the user mail may not create tables"),
        ("postgresql://mail:open/Sesame@localhost/mail", "as %40, %2F, %3A"),
        ("mysql://mail:open-Sesame-7@localhost/mail", "not a Postgres URI"),
    ],
)
def test_an_unusable_database_is_refused(host: Container, watch: Watch, url: str, reason: str) -> None:
    done = set_up(host, DATABASE_URL=url)

    error = refusal(done)
    assert error.startswith("DATABASE_URL: ")
    assert reason in error
    assert "esame" not in done.stdout + done.stderr
    assert watch.changed() == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("DATABASE_URL", "", "DATABASE_URL is missing"),
        ("DOMAIN", "", "DOMAIN is missing"),
        ("DOMAIN", "localhost", "DOMAIN: 'localhost' is not a domain name"),
        ("VERCEL_ORIGIN", "your-app.vercel.app", "VERCEL_ORIGIN: 'your-app.vercel.app' is not an origin"),
        ("VERCEL_ORIGIN", "https://*", "as in https://my-app-git-*-my-team.vercel.app"),
    ],
)
def test_a_missing_or_invalid_variable_is_refused(
    host: Container, watch: Watch, name: str, value: str, reason: str
) -> None:
    done = set_up(host, **{name: value})

    assert reason in refusal(done)
    assert watch.changed() == []


# The first run


def test_a_bare_host_is_set_up_and_told_the_next_step(host: Container) -> None:
    done = set_up(host)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "no release yet: run make deploy HOST=admin@this-host" in done.stdout
    assert "fake-email doctor --domain fake-email.example --only dns" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr
    # Caddy gets them by itself, and once more a minute later when it fails; the next tests look for changed files.
    stored = host.root / "var/lib/caddy/.local/share/caddy/certificates"
    assert any(len([*stored.rglob("*.json")]) == 2 for _ in deadline(120))


def test_no_log_contains_the_password(host: Container) -> None:
    # The files are searched from outside: sudo would log the search for the password.
    logs = [path.read_bytes() for path in (host.root / "var/log").rglob("*") if path.is_file()]

    assert PASSWORD not in host.ssh("sudo journalctl --no-pager").stdout
    assert not any(PASSWORD.encode() in log for log in logs)


def test_only_root_can_read_the_settings(host: Container) -> None:
    assert host.ssh("sudo stat -c '%a %U %G' /etc/fake-email/env").stdout == "600 root root\n"


def test_the_firewall_allows_ssh_mail_and_the_web(host: Container) -> None:
    status = host.ssh("sudo ufw status").stdout

    assert "Status: active" in status
    assert set(re.findall(r"^(\S+) +ALLOW +Anywhere", status, re.MULTILINE)) == {
        "22/tcp",
        "25/tcp",
        "80/tcp",
        "443/tcp",
    }


# Later runs


def test_a_second_run_reports_no_changes_and_makes_none(host: Container, watch: Watch) -> None:
    done = set_up(host)

    assert "no changes: this host was already set up" in done.stdout
    assert not re.search("^changed:", done.stdout, re.MULTILINE)
    assert watch.changed() == []


def test_a_run_without_variables_uses_the_settings_of_the_host(host: Container, watch: Watch) -> None:
    done = set_up(host, **dict.fromkeys(VARIABLES, ""))

    assert "no changes: this host was already set up" in done.stdout
    assert watch.changed() == []


def test_settings_that_another_user_owns_become_roots(host: Container) -> None:
    host.ssh("sudo chown fake-email /etc/fake-email/env")

    done = set_up(host)

    assert re.findall(r"^changed: (.*)", done.stdout, re.MULTILINE) == ["/etc/fake-email/env belongs to root"]
    assert host.ssh("sudo stat -c '%a %U %G' /etc/fake-email/env").stdout == "600 root root\n"


def test_a_changed_variable_changes_only_the_environment_file(host: Container, watch: Watch) -> None:
    done = set_up(host, VERCEL_ORIGIN="https://another.vercel.app")

    assert re.findall(r"^changed: (.*)", done.stdout, re.MULTILINE) == ["/etc/fake-email/env"]
    assert watch.changed() == ["/etc/fake-email/env"]
    assert "CORS_ALLOWED_ORIGINS=https://another.vercel.app\n" in host.ssh("sudo cat /etc/fake-email/env").stdout


def test_the_settings_are_read_as_systemd_reads_them(host: Container) -> None:
    lines = [
        *("# A=comment", "A=1 \\", "  2", "B='x\ny' \"\\$z\"", "export C=3", "D= spaces \t", "E=a\u2028b\x85c\x0bd"),
        *("F=it's", "F=last # no comment", "G=\\'\\\\", 'H="kept \\n', 'next"', "I-I=9", "J='open \\\"\n=K=5"),
    ]
    (host.root / "srv/settings").write_text("\n".join(lines))

    unit = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--property=EnvironmentFile=/srv/settings"]
    environ = dict(each.split("=", 1) for each in host.as_root(*unit, "env", "-0").stdout.split("\0") if each)

    ours = {name: value for name, value in environ.items() if len(name) == 1 or name in {"export C", "I-I"}}
    assert env_file.read("\n".join(lines)) == ours


def test_a_run_keeps_settings_that_were_added_to_the_environment_file_by_hand(host: Container) -> None:
    host.ssh("echo 'SMTP_MAX_SESSIONS=7' | sudo tee -a /etc/fake-email/env")

    set_up(host, VERCEL_ORIGIN="https://a-third.vercel.app")

    settings = host.ssh("sudo cat /etc/fake-email/env").stdout
    assert "SMTP_MAX_SESSIONS=7\n" in settings
    assert "CORS_ALLOWED_ORIGINS=https://a-third.vercel.app\n" in settings


def test_a_resolver_among_the_denied_addresses_is_allowed_and_told_and_closed_again_when_it_is_gone(
    host: Container,
) -> None:
    as_before = dict.fromkeys(VARIABLES, "")
    host.ssh("sudo cp /etc/resolv.conf /srv/ && echo nameserver 169.254.169.253 | sudo tee -a /etc/resolv.conf")
    opened = set_up(host, **as_before)
    host.ssh("sudo cp /srv/resolv.conf /etc/")
    closed = set_up(host, **as_before)

    drop_in = "/etc/systemd/system/fake-email-{}.service.d/resolver.conf"
    changed = [drop_in.format(service) for service in ("http-api", "smtp-ingest")]
    assert re.findall(r"^changed: (.*)", opened.stdout, re.MULTILINE) == changed
    assert re.search(r"^note: open to the services.*: resolver 169.254.169.253$", opened.stdout, re.MULTILINE)
    assert re.findall(r"^changed: (.*)", closed.stdout, re.MULTILINE) == [f"{each} removed" for each in changed]


def test_the_firewall_allows_another_port_of_sshd(host: Container) -> None:
    host.ssh("printf 'Port 22\\nPort 2222\\n' | sudo tee /etc/ssh/sshd_config.d/ports.conf")

    done = set_up(host)

    assert "changed: firewall: 2222/tcp" in done.stdout


def test_a_caddyfile_that_caddy_rejects_is_not_installed(host: Container, watch: Watch) -> None:
    broken = f"{CLONE}/deploy/Caddyfile"
    host.ssh(f"echo 'api.example {{ no_such_directive }}' >>{broken}")

    done = set_up(host)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "Caddy rejects the Caddyfile and keeps its old one" in done.stderr
    assert watch.changed() == [broken]
