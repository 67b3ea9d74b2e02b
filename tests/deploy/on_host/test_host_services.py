"""Both services on a host that setup.sh set up: they work in their sandbox, and systemd restarts them."""

import asyncio
import json
import os
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import aclosing
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from bare import bare, set_up
from container import ADDRESS, Container
from container_root import Unsupported
from support.http_client import stream
from support.waiting import deadline
from world import API, DOMAIN, MAIL

HTTP, SMTP = "fake-email-http-api.service", "fake-email-smtp-ingest.service"
PATIENCE_SECONDS = 60.0
DOCTOR = "/opt/fake-email/current/venv/bin/fake-email doctor"
# The DNS of the tests has no record that a host can do without, no firewall is known, and no web page can be reached.
OF_WORLD = {
    *("mta_sts_missing", "tls_rpt_missing", "spf_missing", "dmarc_missing", "caa_missing"),
    *("port25_unknown", "frontend_away"),
}


class Host:
    """`container` runs a release; the methods connect to it from the other end of its network."""

    def __init__(self, container: Container, certificate: Path) -> None:
        self.container = container
        self.certificate = certificate

    def show(self, unit: str, name: str) -> str:
        """The value of a property of a unit."""
        return self.container.as_root("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def wait_for(self, state: str, is_reached: Callable[[], object]) -> None:
        for _ in deadline(PATIENCE_SECONDS):
            if is_reached():
                return
        raise AssertionError(f"not within {PATIENCE_SECONDS:.0f} s: {state}")

    def wait_for_another_process(self, unit: str, pid: str) -> None:
        self.wait_for("a new process", lambda: self.show(unit, "MainPID") not in {pid, "0"})
        self.wait_for("the service is ready", lambda: self.show(unit, "ActiveState") == "active")

    def kill(self, number: str, pid: str) -> None:
        self.container.as_root("kill", f"-{number}", pid)

    def workers(self) -> list[str]:
        """The pids of http-api's workers."""
        main = self.show(HTTP, "MainPID")
        return self.container.as_root("cat", f"/proc/{main}/task/{main}/children").stdout.split()

    def client(self) -> httpx.AsyncClient:
        """A client of the API as on the internet: by name, through Caddy."""

        async def name(request: httpx.Request) -> None:
            request.extensions["sni_hostname"] = API

        return httpx.AsyncClient(
            base_url=f"https://{ADDRESS}",
            headers={"Host": API},
            event_hooks={"request": [name]},
            timeout=PATIENCE_SECONDS,
            verify=ssl.create_default_context(cafile=self.certificate),
        )

    def send(self, recipient: str, subject: str, attachment: bytes = b"") -> None:
        """Send a mail over STARTTLS to port 25 as a sender that verifies the certificate."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "writer@client.test", recipient, subject
        message.set_content("Hello there.")
        if attachment:
            message.add_attachment(attachment, maintype="application", subtype="octet-stream", filename="a.bin")
        with self.container.network(), smtplib.SMTP(ADDRESS, 25, timeout=PATIENCE_SECONDS) as session:
            session.starttls(context=self.trust_without_names())
            session.send_message(message)

    def trust_without_names(self) -> ssl.SSLContext:
        """A context that trusts the authority and ignores the host name: the tests connect by address."""
        context = ssl.create_default_context(cafile=self.certificate)
        context.check_hostname = False
        return context

    def certificate_of_port_25(self) -> str:
        """The serial number and the host names of the certificate."""
        line = f"openssl s_client -connect 127.0.0.1:25 -starttls smtp -servername {MAIL} </dev/null 2>/dev/null"
        return self.container.ssh(f"{line} | openssl x509 -noout -serial -ext subjectAltName").stdout

    def problems(self, *arguments: str) -> dict[str, list[str]]:
        """By the ids of the problems that the doctor finds as root: the things that have them, and lines of the log."""
        done = self.container.ssh(f"sudo {DOCTOR} --json --quiet {' '.join(arguments)}", check=False, seconds=120)
        problems: dict[str, list[str]] = {}
        for each in map(json.loads, done.stdout.splitlines()):
            problems[each["id"]] = [*problems.get(each["id"], ()), each["about"], *each["details"]]
        assert done.returncode < 3, done.stderr
        return problems


@pytest.fixture(scope="module")
def host(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    directory = tmp_path_factory.mktemp("world")
    try:
        with bare(f"services{os.getpid()}", directory) as container:
            container.put(release, destination="/tmp/release.tar.gz")
            container.ssh("cd /tmp && tar xzf release.tar.gz && mv fake-email-* release")
            done = set_up(container, "/tmp/release")
            assert done.returncode == 0, done.stdout + done.stderr
            yield Host(container, directory / "pki/authorities/local/root.crt")
    except Unsupported as why:
        pytest.skip(str(why))


@pytest.fixture(autouse=True)
def _starts_of_their_own(host: Host) -> None:
    """Each test may start a service as often as its unit allows: the starts of the tests before it do not count."""
    host.container.as_root("systemctl", "reset-failed", HTTP, SMTP)


@pytest.fixture
def address(host: Host) -> str:
    """The address of a new mailbox."""
    made = host.container.ssh("curl -fsS -X POST http://127.0.0.1:3001/api/temporary-address").stdout
    return str(json.loads(made)["temp_email_addr"])


# Mail from end to end


async def test_a_large_mail_over_starttls_arrives_on_the_stream_behind_caddy_and_its_source_can_be_downloaded(
    host: Host, address: str
) -> None:
    attachment = os.urandom(6_000_000)
    with host.container.network():
        async with host.client() as http, asyncio.timeout(PATIENCE_SECONDS):
            async with aclosing(stream(http, address)) as events:
                first = asyncio.ensure_future(anext(events))
                await asyncio.to_thread(host.send, address, "large", attachment)
                arrived = (await first).data
            source = await http.get(f"/api/messages/{arrived['id']}/source")

    assert arrived["subject"] == "large"
    assert len(source.content) > len(attachment)


async def test_wait_matches_a_subject_with_an_expression_and_the_attachment_can_be_downloaded(
    host: Host, address: str
) -> None:
    with host.container.network():
        async with host.client() as http, asyncio.timeout(PATIENCE_SECONDS):
            query = {"address": address, "subject": "/^L.RGE$/", "has": "attachment", "timeout": "30"}
            waiting = asyncio.ensure_future(http.get("/api/inbox/wait", params=query))
            await asyncio.to_thread(host.send, address, "large", b"1234")
            path = f"/api/messages/{(await waiting).json()['id']}"
            page = await http.get(f"{path}/html")
            attachment = await http.get(f"{path}/attachments/0")

    assert (page.status_code, page.json()["code"]) == (404, "no_html")
    assert attachment.content == b"1234"


def test_jq_reads_the_journal_of_both_services(host: Host, address: str) -> None:
    host.send(address, "logged")

    host.container.as_root("journalctl", "--sync")
    messages = host.container.ssh(
        "sudo journalctl -u 'fake-email-*' -o cat | jq -r 'select(.event == \"message_stored\").message'"
    )

    assert re.fullmatch(r"[0-9a-f-]{36}", messages.stdout.split()[-1])


@pytest.mark.parametrize("unit", [HTTP, SMTP])
def test_systemd_rates_the_exposure_of_a_running_service_at_most_1_2(host: Host, unit: str) -> None:
    host.container.as_root("systemd-analyze", "security", "--threshold=12", unit)


@pytest.mark.parametrize("unit", [HTTP, SMTP])
def test_a_service_has_no_capability_and_cannot_gain_one(host: Host, unit: str) -> None:
    status = host.container.as_root("cat", f"/proc/{host.show(unit, 'MainPID')}/status").stdout

    assert set(re.findall(r"^Cap\w+:\t(\S+)", status, re.MULTILINE)) == {"0000000000000000"}
    assert "NoNewPrivs:\t1\n" in status


@pytest.mark.parametrize("unit", [HTTP, SMTP])
def test_a_service_can_execute_its_own_python_and_no_other_program(host: Host, unit: str) -> None:
    inside = ["nsenter", f"--target={host.show(unit, 'MainPID')}", "--mount", "--"]
    others = ["/bin/sh", "/usr/bin/id", "/usr/bin/openssl", "/usr/lib/openssh/sftp-server", "/usr/lib/systemd/systemd"]

    ran = [each for each in others if host.container.as_root(*inside, each, check=False).returncode != 126]
    host.container.as_root(*inside, "/opt/fake-email/current/venv/bin/python3", "-c", "import ctypes, ssl, uvloop")

    assert ran == []


def test_smtp_ingest_reloads(host: Host) -> None:
    host.container.as_root("systemctl", "reload", SMTP)


# A second run of setup.sh


def test_setup_from_the_running_release_changes_nothing_and_restarts_nothing(host: Host) -> None:
    pids = [host.show(unit, "MainPID") for unit in (HTTP, SMTP)]

    done = set_up(host.container, "/tmp/release")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "no changes: this host was already set up" in done.stdout
    assert [host.show(unit, "MainPID") for unit in (HTTP, SMTP)] == pids


def test_settings_that_would_stop_the_services_from_starting_are_not_installed(host: Host) -> None:
    pid = host.show(HTTP, "MainPID")
    host.container.ssh("echo 'DRAIN_SECONDS=soon' | sudo tee -a /etc/fake-email/env")
    try:
        done = set_up(host.container, "/tmp/release", VERCEL_ORIGIN="https://another.vercel.app")
    finally:
        host.container.ssh("sudo sed -i /^DRAIN_SECONDS=/d /etc/fake-email/env")

    assert done.returncode == 1
    assert "DRAIN_SECONDS: " in done.stderr
    assert "another.vercel.app" not in host.container.ssh("sudo cat /etc/fake-email/env").stdout
    assert host.show(HTTP, "MainPID") == pid


# Caddy


def test_only_caddy_s_user_and_root_reach_its_admin_api(host: Host) -> None:
    ask = "curl -s -o /dev/null -w '%{http_code}' --unix-socket /run/caddy/admin.sock http://localhost/config/"

    reached = [
        user
        for user in ("root", "caddy", "admin", "fake-email", "postgres")
        if host.container.as_root("su", "-s", "/bin/sh", user, "-c", f"{ask} || true").stdout != "000"
    ]

    assert reached == ["root", "caddy"]
    assert host.container.as_root("stat", "-c", "%a %U", "/run/caddy").stdout == "700 caddy\n"
    assert host.container.ssh("ss -Hltn sport = :2019").stdout == ""


def test_caddy_reloads_through_its_socket(host: Host) -> None:
    pid = host.show("caddy.service", "MainPID")

    host.container.as_root("systemctl", "reload", "caddy")

    assert host.show("caddy.service", "MainPID") == pid


def test_setup_moves_the_admin_api_of_a_caddy_that_runs_to_the_socket(host: Host) -> None:
    host.container.ssh("sudo sed -i '/^\tadmin /d' /etc/caddy/Caddyfile && sudo systemctl restart caddy")

    done = set_up(host.container, "/tmp/release")

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^changed: (.*)", done.stdout, re.MULTILINE) == ["/etc/caddy/Caddyfile"]
    host.container.as_root("systemctl", "reload", "caddy")


# Certificates


def test_starttls_uses_a_renewed_certificate_without_a_restart(host: Host) -> None:
    before, pid = host.certificate_of_port_25(), host.show(SMTP, "MainPID")
    assert MAIL in before

    stored = "/var/lib/caddy/.local/share/caddy/certificates"
    host.container.ssh(
        f"sudo systemctl stop caddy && sudo find {stored} -name 'mail.*' -delete && sudo systemctl start caddy"
    )

    host.wait_for("a new certificate", lambda: host.certificate_of_port_25() not in {before, ""})
    assert MAIL in host.certificate_of_port_25()
    assert host.show(SMTP, "MainPID") == pid


# A service dies


async def test_systemd_restarts_smtp_ingest_after_a_kill_and_http_api_keeps_running(host: Host, address: str) -> None:
    pid, other = host.show(SMTP, "MainPID"), host.show(HTTP, "MainPID")
    statuses: list[int] = []
    with host.container.network():
        async with host.client() as http:
            host.kill("KILL", pid)

            # The socket unit keeps port 25 open, so the sender waits for the next process.
            sending = asyncio.create_task(asyncio.to_thread(host.send, address, "meanwhile"))
            while not sending.done():
                statuses.append((await http.get("/api/inbox/poll", params={"address": address})).status_code)
            await sending
            polled = await http.get("/api/inbox/poll", params={"address": address})

    assert [message["subject"] for message in polled.json()["messages"]] == ["meanwhile"]
    assert set(statuses) == {200}
    assert host.show(HTTP, "MainPID") == other
    assert host.show(SMTP, "MainPID") != pid


@pytest.mark.parametrize("killed", ["the main process", "a worker"])
async def test_systemd_restarts_http_api_after_a_kill_and_neither_mail_nor_requests_fail(
    host: Host, address: str, killed: str
) -> None:
    pid, other = host.show(HTTP, "MainPID"), host.show(SMTP, "MainPID")
    with host.container.network():
        async with host.client() as http:
            host.kill("KILL", pid if killed == "the main process" else host.workers()[0])

            await asyncio.to_thread(host.send, address, "meanwhile")
            polled = await http.get("/api/inbox/poll", params={"address": address})

    assert [message["subject"] for message in polled.json()["messages"]] == ["meanwhile"]
    assert host.show(SMTP, "MainPID") == other
    host.wait_for_another_process(HTTP, pid)  # the worker that is left may have responded


# A service hangs


@pytest.mark.parametrize("unit", [HTTP, SMTP])
def test_the_watchdog_restarts_a_service_that_hangs(host: Host, unit: str) -> None:
    pid = host.show(unit, "MainPID")

    host.kill("STOP", host.workers()[0] if unit == HTTP else pid)

    host.wait_for_another_process(unit, pid)


# A service cannot start


def test_a_service_with_a_wrong_variable_is_not_restarted_and_the_journal_names_the_variable(host: Host) -> None:
    # Each connection to the socket starts the service again, as do the health checks of Caddy.
    host.container.ssh("sudo systemctl stop caddy; sudo sed -i.good 's/^DOMAIN=.*/DOMAIN=!/' /etc/fake-email/env")
    try:
        host.container.ssh(f"sudo systemctl restart {HTTP}", check=False)

        assert host.show(HTTP, "ActiveState") == "failed"
        assert host.show(HTTP, "ExecMainStatus") == "2"
        read = f"sudo journalctl --sync && sudo journalctl -u {HTTP} -o cat"
        assert "DOMAIN: '!' is not a domain name" in host.container.ssh(read).stdout
    finally:
        host.container.ssh(
            f"sudo mv /etc/fake-email/env.good /etc/fake-email/env && sudo systemctl restart {HTTP} caddy"
        )


# The doctor


def test_the_doctor_finds_no_problem_of_the_host_itself(host: Host) -> None:
    assert set(host.problems("--wait", "60")) <= OF_WORLD


def test_the_doctor_finds_a_unit_that_is_down_and_what_does_not_work_without_it(host: Host) -> None:
    # The socket is stopped too: it would start the service again.
    host.container.ssh(f"sudo systemctl stop fake-email-http-api.socket {HTTP}")
    try:
        problems = host.problems("--only", "host,http,mail")
    finally:
        host.container.ssh(f"sudo systemctl start {HTTP}")

    assert set(problems) == {"unit_down", "http_down", "mail_no_mailbox"}
    assert HTTP in problems["unit_down"]
    assert "DOMAIN: '!' is not a domain name, as in mx.example.org" in problems["unit_down"]  # of the test above


def test_the_doctor_finds_settings_that_every_user_can_read(host: Host) -> None:
    host.container.ssh("sudo chmod 644 /etc/fake-email/env")
    try:
        problems = host.problems("--only", "settings")
    finally:
        host.container.ssh("sudo chmod 600 /etc/fake-email/env")

    assert set(problems) == {"settings_readable"}


def test_the_doctor_of_another_user_reaches_the_host_as_the_internet_does(host: Host) -> None:
    done = host.container.ssh(f"{DOCTOR} --json --domain {DOMAIN}", check=False)

    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {each["id"] for each in found} - {"passed"} <= OF_WORLD | {"no_origin"}, done.stderr
    assert [each["severity"] for each in found if each["group"] == "mail"] == ["ok"]


def test_every_unit_starts_after_a_reboot(host: Host) -> None:
    host.container.reboot()

    done = host.container.ssh(f"sudo {DOCTOR} --wait 60", check=False, seconds=120)

    assert done.returncode <= 1, done.stdout
