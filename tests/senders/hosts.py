"""Hosts that send mail: Debian's Postfix, Exim and OpenSMTPD, each in a root directory of its own."""

import re
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from support.waiting import DEADLINE_SECONDS, deadline

MX = "mx.test"

_FILES = {
    "etc/hosts": f"127.0.0.1 localhost {MX}\n",
    "etc/mailname": "client.test\n",
    "etc/resolv.conf": "lookup file\n",
    "etc/services": "smtp 25/tcp\n",
}


class Host(ABC):
    """A host that sends all mail to `MX` on this port of the loopback; with `authority`, over verified TLS."""

    sendmail: ClassVar[str]
    log: ClassVar[str]
    # For each outcome, the log line that reports it for a recipient; the group is the reason.
    outcomes: ClassVar[dict[str, str]]
    # The log line that reports a verified certificate.
    verified: ClassVar[str]

    def __init__(self, root: Path, port: int, authority: Path | None) -> None:
        self.root = root
        self.port = port
        self.is_over_tls = authority is not None
        for path, text in _FILES.items():
            self.write(path, text)
        self.write("etc/ssl/certs/ca-certificates.crt", authority.read_text() if authority else "")
        (root / "sendmail").symlink_to(self.sendmail)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)  # it may be a hard link that other hosts share
        file.write_text(text)

    def run(self, *command: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["chroot", self.root, *command], input=stdin, capture_output=True, timeout=DEADLINE_SECONDS, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr, self.log_text())
        return done.stdout.decode()

    @contextmanager
    @abstractmethod
    def running(self) -> Iterator[None]:
        """Run the host during the block."""

    @abstractmethod
    def flush(self) -> None:
        """Try now to send all queued messages."""

    def submit(self, content: bytes, *recipients: str, reverse_path: str = "writer@client.test") -> None:
        """Queue a message as a local program does, with LF line ends."""
        self.run("/sendmail", "-i", "-f", reverse_path, *recipients, stdin=content.replace(b"\r\n", b"\n"))

    def is_at_rest(self) -> bool:
        """Return whether no process of the host is left; Exim's deliveries outlive the command that began them."""
        for link in Path("/proc").glob("[0-9]*/root"):
            with suppress(OSError):  # the process has ended meanwhile
                if link.samefile(self.root):
                    return False
        return True

    def log_text(self) -> str:
        """Return the log so far."""
        log = self.root / self.log
        return log.read_text(errors="replace") if log.exists() else ""

    def wait_for(self, outcome: str, recipient: str, times: int = 1) -> str:
        """Wait until the outcome is logged `times` times for this recipient; return the last reason."""
        pattern = self.outcomes[outcome].replace("RECIPIENT", re.escape(recipient))
        for _ in deadline(60):
            reasons: list[str] = re.findall(pattern, self.log_text(), re.MULTILINE)
            if len(reasons) >= times:
                return reasons[-1]
        raise AssertionError(f"not {outcome}: {recipient}\n{self.log_text()}")


class Postfix(Host):
    sendmail = "/usr/sbin/sendmail"
    log = "var/log/mail.log"
    outcomes: ClassVar = {
        outcome: rf"to=<RECIPIENT>, .* status={outcome} \((.*)\)$" for outcome in ("sent", "deferred", "bounced")
    }
    verified = r"Verified TLS connection established to mx\.test"

    @contextmanager
    def running(self) -> Iterator[None]:
        self.write(
            "etc/postfix/main.cf",
            f"""\
compatibility_level = 3.6
maillog_file = /{self.log}
myhostname = client.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
relayhost = [{MX}]:{self.port}
smtp_host_lookup = native
smtp_tls_security_level = {"secure" if self.is_over_tls else "none"}
smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt
smtp_tls_loglevel = 1
smtp_connection_cache_destinations = $relayhost
default_destination_concurrency_limit = 1
message_size_limit = 50000000
mailbox_size_limit = 0
""",
        )
        services = [
            *("pickup unix n - n 60 1 pickup", "qmgr unix n - n 300 1 qmgr", "cleanup unix n - n - 0 cleanup"),
            *("rewrite unix - - n - - trivial-rewrite", "proxymap unix - - n - - proxymap"),
            *("bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce"),
            *("smtp unix - - n - - smtp", "error unix - - n - - error", "retry unix - - n - - error"),
            *("flush unix n - n 1000? 0 flush", "showq unix n - n - - showq", "scache unix - - n - 1 scache"),
            *("tlsmgr unix - - n 1000? 1 tlsmgr", "postlog unix-dgram n - n - 1 postlogd"),
        ]
        self.write("etc/postfix/master.cf", "\n".join(services) + "\n")
        self.run("postfix", "start")
        try:
            yield
        finally:
            self.run("postfix", "stop")

    def flush(self) -> None:
        self.run("postqueue", "-f")


class Exim(Host):
    sendmail = "/usr/sbin/exim4"
    log = "var/log/exim4/mainlog"
    outcomes: ClassVar = {
        "sent": r' [=-]> RECIPIENT .* C="(.*)"',
        "deferred": r" == RECIPIENT .* defer \(-?\d+\)(.*)$",
        "bounced": r" \*\* RECIPIENT .*?: (.*)$",
    }
    verified = r" [=-]> .* CV=yes"

    @contextmanager
    def running(self) -> Iterator[None]:
        self.write(
            "etc/exim4/exim4.conf",
            f"""\
primary_hostname = client.test
log_selector = +tls_certificate_verified
keep_environment =
begin routers
all:
  driver = manualroute
  route_list = * {MX}::{self.port} byname
  self = send
  transport = all
begin transports
all:
  driver = smtp
  hosts_require_tls = {"*" if self.is_over_tls else ":"}
  tls_verify_certificates = /etc/ssl/certs/ca-certificates.crt
  tls_verify_hosts = *
begin retry
* * F,1h,1s
""",
        )
        yield  # sendmail delivers at once and needs no daemon

    def flush(self) -> None:
        self.run("exim4", "-qff")


class OpenSmtpd(Host):
    sendmail = "/usr/sbin/smtpctl"
    log = "var/log/smtpd.log"
    outcomes: ClassVar = {
        outcome: rf'mta delivery .* to=<RECIPIENT> .* result="{result}" stat="(.*)"'
        for outcome, result in (("sent", "Ok"), ("deferred", "TempFail"), ("bounced", "PermFail"))
    }
    verified = 'mta server-cert-check result="success"'

    @contextmanager
    def running(self) -> Iterator[None]:
        self.write(
            "etc/smtpd.conf",
            f"""\
smtp max-message-size 50M
listen on socket
action "all" relay host smtp+{"tls" if self.is_over_tls else "notls"}://127.0.0.1:{self.port}
match from any for any action "all"
""",
        )
        self.write(self.log, "")
        with (self.root / self.log).open("wb") as log:
            daemon = subprocess.Popen(["chroot", self.root, "smtpd", "-d"], stdout=log, stderr=log)
        try:
            for _ in deadline():
                if (self.root / "run/smtpd.sock").exists() or daemon.poll() is not None:
                    break
            yield
        finally:
            daemon.terminate()
            daemon.wait(DEADLINE_SECONDS)

    def flush(self) -> None:
        # OpenSMTPD pauses a route after a failed connection.
        for route in self.run("smtpctl", "show", "routes").splitlines():
            self.run("smtpctl", "resume", "route", route.split(".")[0])
        self.run("smtpctl", "schedule", "all")
