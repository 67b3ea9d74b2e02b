"""Both services on a host that setup.sh made ready: their whole job in the sandbox, and what systemd does for them."""

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
from support.harness import deadline, stream
from world import API, MAIL

HTTP, SMTP = "fake-email-http-api.service", "fake-email-smtp-ingest.service"
PATIENCE_SECONDS = 60.0


class Host:
    """`container` runs a release; the connections that these make come from the other end of its network."""

    def __init__(self, container: Container, certificate: Path) -> None:
        self.container = container
        self.certificate = certificate

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.container.as_root("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def wait_for(self, what: str, is_so: Callable[[], object]) -> None:
        for _ in deadline(PATIENCE_SECONDS):
            if is_so():
                return
        raise AssertionError(f"not within {PATIENCE_SECONDS:.0f} s: {what}")

    def kill(self, number: str, pid: str) -> None:
        self.container.as_root("kill", f"-{number}", pid)

    def workers(self) -> list[str]:
        """The pids of http-api's workers."""
        main = self.show(HTTP, "MainPID")
        return self.container.as_root("cat", f"/proc/{main}/task/{main}/children").stdout.split()

    def client(self) -> httpx.AsyncClient:
        """A client of the API as the world has it: by name, through Caddy."""

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
        """Mail it over STARTTLS to port 25, as a sender that looks at the certificate does."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "writer@client.test", recipient, subject
        message.set_content("Hello there.")
        if attachment:
            message.add_attachment(attachment, maintype="application", subtype="octet-stream", filename="a.bin")
        with self.container.network(), smtplib.SMTP(ADDRESS, 25, timeout=PATIENCE_SECONDS) as session:
            session.starttls(context=self.unnamed())
            session.send_message(message)

    def unnamed(self) -> ssl.SSLContext:
        """Trusts the authority, whatever the name: these connect by address."""
        context = ssl.create_default_context(cafile=self.certificate)
        context.check_hostname = False
        return context

    def certificate_of_port_25(self) -> str:
        """Its serial number, and whom it is for."""
        line = f"openssl s_client -connect 127.0.0.1:25 -starttls smtp -servername {MAIL} </dev/null 2>/dev/null"
        return self.container.ssh(f"{line} | openssl x509 -noout -serial -ext subjectAltName").stdout


@pytest.fixture(scope="module")
def host(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    directory = tmp_path_factory.mktemp("world")
    try:
        with bare(f"services{os.getpid()}", directory) as container:
            container.put(release, place="/tmp/release.tar.gz")
            container.ssh("cd /tmp && tar xzf release.tar.gz && mv fake-email-* release")
            done = set_up(container, "/tmp/release")
            assert done.returncode == 0, done.stdout + done.stderr
            yield Host(container, directory / "pki/authorities/local/root.crt")
    except Unsupported as why:
        pytest.skip(str(why))


@pytest.fixture
def address(host: Host) -> str:
    """The address of a new mailbox."""
    made = host.container.ssh("curl -fsS -X POST http://127.0.0.1:3001/api/temporary-address").stdout
    return str(json.loads(made)["temp_email_addr"])


# The whole job


async def test_large_mail_over_starttls_is_on_the_stream_behind_caddy_and_its_source_can_be_had(
    host: Host, address: str
) -> None:
    attachment = os.urandom(6_000_000)
    with host.container.network():
        async with host.client() as http, asyncio.timeout(PATIENCE_SECONDS):
            async with aclosing(stream(http, address)) as events:
                first = asyncio.ensure_future(anext(events))
                await asyncio.to_thread(host.send, address, "large", attachment)
                arrived = (await first).data
            source = await http.get(f"/api/messages/{arrived['id']}/source", params={"address": address})

    assert arrived["subject"] == "large"
    assert len(source.content) > len(attachment)


async def test_a_message_is_waited_for_by_an_expression_and_its_page_and_attachment_are_shown(
    host: Host, address: str
) -> None:
    with host.container.network():
        async with host.client() as http, asyncio.timeout(PATIENCE_SECONDS):
            wanted = {"address": address, "subject": "/^L.RGE$/", "has": "attachment", "timeout": "30"}
            waiting = asyncio.ensure_future(http.get("/api/inbox/wait", params=wanted))
            await asyncio.to_thread(host.send, address, "large", b"1234")
            path = f"/api/messages/{(await waiting).json()['id']}"
            page = await http.get(f"{path}/html")
            attachment = await http.get(f"{path}/attachments/0")

    assert (page.status_code, page.json()["code"]) == (404, "no_html")
    assert attachment.content == b"1234"


def test_the_journal_of_both_is_json_that_jq_reads(host: Host, address: str) -> None:
    host.send(address, "logged")

    read = host.container.ssh(
        "sudo journalctl -u 'fake-email-*' -o cat | jq -r 'select(.event == \"message_stored\").message'"
    )

    assert re.fullmatch(r"[0-9a-f-]{36}", read.stdout.split()[-1])


@pytest.mark.parametrize("unit", [HTTP, SMTP])
def test_systemd_runs_it_as_little_exposed_as_its_file_says(host: Host, unit: str) -> None:
    host.container.as_root("systemd-analyze", "security", "--threshold=12", unit)


@pytest.mark.parametrize("unit", [HTTP, SMTP])
def test_it_has_no_capability_and_may_not_gain_one(host: Host, unit: str) -> None:
    status = host.container.as_root("cat", f"/proc/{host.show(unit, 'MainPID')}/status").stdout

    assert set(re.findall(r"^Cap\w+:\t(\S+)", status, re.MULTILINE)) == {"0000000000000000"}
    assert "NoNewPrivs:\t1\n" in status


# setup.sh once more


def test_setup_from_the_release_that_runs_changes_nothing_and_restarts_nothing(host: Host) -> None:
    pids = [host.show(unit, "MainPID") for unit in (HTTP, SMTP)]

    done = set_up(host.container, "/tmp/release")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing changed: this host was ready" in done.stdout
    assert [host.show(unit, "MainPID") for unit in (HTTP, SMTP)] == pids


def test_a_setting_with_which_the_services_would_not_start_replaces_nothing(host: Host) -> None:
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


# Certificates


def test_a_renewed_certificate_is_used_by_starttls_without_a_restart(host: Host) -> None:
    before, pid = host.certificate_of_port_25(), host.show(SMTP, "MainPID")
    assert MAIL in before

    stored = "/var/lib/caddy/.local/share/caddy/certificates"
    host.container.ssh(
        f"sudo systemctl stop caddy && sudo find {stored} -name 'mail.*' -delete && sudo systemctl start caddy"
    )

    host.wait_for("another certificate", lambda: host.certificate_of_port_25() not in {before, ""})
    assert MAIL in host.certificate_of_port_25()
    assert host.show(SMTP, "MainPID") == pid


# One dies


async def test_smtp_ingest_that_is_killed_comes_back_and_http_api_does_not_notice(host: Host, address: str) -> None:
    pid, other = host.show(SMTP, "MainPID"), host.show(HTTP, "MainPID")
    statuses: list[int] = []
    with host.container.network():
        async with host.client() as http:
            host.kill("KILL", pid)

            # Port 25 is the socket unit's, so the sender waits for the next one.
            sending = asyncio.create_task(asyncio.to_thread(host.send, address, "meanwhile"))
            while not sending.done():
                statuses.append((await http.get("/api/inbox/poll", params={"address": address})).status_code)
            await sending
            polled = await http.get("/api/inbox/poll", params={"address": address})

    assert [message["subject"] for message in polled.json()["messages"]] == ["meanwhile"]
    assert set(statuses) == {200}
    assert host.show(HTTP, "MainPID") == other
    assert host.show(SMTP, "MainPID") != pid


@pytest.mark.parametrize("whose", ["the first process", "a worker"])
async def test_http_api_that_is_killed_comes_back_and_neither_mail_nor_requests_fail(
    host: Host, address: str, whose: str
) -> None:
    pid, other = host.show(HTTP, "MainPID"), host.show(SMTP, "MainPID")
    with host.container.network():
        async with host.client() as http:
            host.kill("KILL", pid if whose == "the first process" else host.workers()[0])

            await asyncio.to_thread(host.send, address, "meanwhile")
            polled = await http.get("/api/inbox/poll", params={"address": address})

    assert [message["subject"] for message in polled.json()["messages"]] == ["meanwhile"]
    assert host.show(SMTP, "MainPID") == other
    assert host.show(HTTP, "MainPID") != pid


# One hangs


@pytest.mark.parametrize("unit", [HTTP, SMTP])
def test_a_service_that_hangs_is_ended_by_the_watchdog_and_started_again(host: Host, unit: str) -> None:
    pid = host.show(unit, "MainPID")

    host.kill("STOP", host.workers()[0] if unit == HTTP else pid)

    host.wait_for("another process", lambda: host.show(unit, "MainPID") not in {pid, "0"})
    host.wait_for("it to be ready", lambda: host.show(unit, "ActiveState") == "active")


# It cannot start


def test_a_wrong_variable_stops_the_service_for_good_and_the_journal_names_it(host: Host) -> None:
    host.container.ssh("sudo sed -i.good 's/^DOMAIN=.*/DOMAIN=!/' /etc/fake-email/env")
    try:
        host.container.ssh(f"sudo systemctl restart {HTTP}", check=False)

        assert host.show(HTTP, "ActiveState") == "failed"
        assert host.show(HTTP, "ExecMainStatus") == "2"
        assert "DOMAIN: '!' is not a domain name" in host.container.ssh(f"sudo journalctl -u {HTTP} -o cat").stdout
    finally:
        host.container.ssh(f"sudo mv /etc/fake-email/env.good /etc/fake-email/env && sudo systemctl restart {HTTP}")


def test_the_summary_fails_and_shows_the_journal_when_a_service_is_down(host: Host) -> None:
    # With its socket, which would start it again.
    host.container.ssh(f"sudo systemctl stop fake-email-http-api.socket {HTTP}")
    try:
        done = host.container.ssh("sudo python3 -E -B /opt/fake-email/current/deploy/summary.py", check=False)
    finally:
        host.container.ssh(f"sudo systemctl start {HTTP}")

    assert done.returncode == 1
    assert re.search(rf"^FAIL  {HTTP} +inactive dead$", done.stdout, re.MULTILINE)
    assert re.search(r"^FAIL  http-api +/api/health: .*refused", done.stdout, re.MULTILINE)
    assert "what the journal says of it:" in done.stdout


def test_all_of_it_comes_back_after_a_reboot(host: Host) -> None:
    host.container.reboot()

    host.container.ssh("sudo python3 -E -B /opt/fake-email/current/deploy/summary.py --wait 60", seconds=120)
