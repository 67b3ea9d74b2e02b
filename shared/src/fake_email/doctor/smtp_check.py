"""smtp-ingest as a sender sees it: the port, the greeting, STARTTLS and its certificate."""

import datetime
import smtplib
import socket
import ssl

from fake_email.doctor import certificates, http_call
from fake_email.doctor.finding import Finding, Problem, passed
from fake_email.doctor.in_thread import in_thread
from fake_email.doctor.target import Target

DOWN = Problem(
    id="smtp_down",
    severity="error",
    why="No mail can arrive.",
    mend="`sudo systemctl restart fake-email-smtp-ingest; sudo journalctl -u fake-email-smtp-ingest -n 20`",
)
PORT_CLOSED = Problem(
    id="port25_closed",
    severity="error",
    why="Either no mail can arrive, or the network of this machine lets no mail out, as many home networks do.",
    mend="run this on another server; if it fails there too, open TCP port 25 in the firewall of the cloud",
)
PORT_UNKNOWN = Problem(
    id="port25_unknown",
    severity="note",
    why="A firewall of the cloud stands outside this host, which cannot see it.",
    mend="on another machine `fake-email doctor --domain {domain}`",
)
NOT_READY = Problem(
    id="smtp_not_ready",
    severity="error",
    why="Senders keep their mail and try again later.",
    mend="on the host `sudo journalctl -u fake-email-smtp-ingest -n 20`",
)
OTHER_SERVER = Problem(
    id="smtp_other_server",
    severity="error",
    why="The mail goes to this program.",
    mend="on the host `sudo ss -ltnp 'sport = :25'` names it; for example `sudo systemctl disable --now postfix`",
)
NO_STARTTLS = Problem(
    id="starttls_missing",
    severity="warning",
    why="Mail is sent in plain text, and senders that insist on TLS do not deliver.",
    mend="set TLS_CERT_FILE and TLS_KEY_FILE in /etc/fake-email/env, as deploy/setup.sh does",
)
TLS_FAILS = Problem(
    id="starttls_fails",
    severity="error",
    why="Most senders do not fall back to plain text.",
    mend="on the host `sudo journalctl -u fake-email-smtp-ingest -n 20`",
)
INVALID = Problem(
    id="starttls_invalid",
    severity="warning",
    why="Most senders encrypt whatever the certificate is. Those that check it do not deliver.",
    mend="on the host `sudo journalctl -u caddy --since -1d` says why Caddy has no certificate for {host}",
)
EXPIRES = Problem(
    id="starttls_expires",
    severity="warning",
    why="Caddy renews a certificate when a third of its time is left, and has not been able to.",
    mend="on the host `sudo journalctl -u caddy --since -1d`",
)
STALE = Problem(
    id="starttls_stale",
    severity="warning",
    why="Caddy has another certificate for the mail host, which was not copied to smtp-ingest.",
    mend="`sudo systemctl start fake-email-certificate.service`",
)
_SECONDS = 8.0
_READY = 220
_OURS = "ESMTP fake-email"
_NAME = "doctor.invalid"


async def check(target: Target) -> list[Finding]:
    """Open a session, and a second one for STARTTLS."""
    unknown = (
        [PORT_UNKNOWN.found("port 25 from outside", "unknown", domain=target.domains[0])] if target.is_host else []
    )
    return [*await in_thread(lambda: _greeting(target)), *unknown]


def _greeting(target: Target) -> list[Finding]:
    about = f"port {target.smtp[1]} of {target.smtp[0]}"
    try:
        with smtplib.SMTP(timeout=_SECONDS) as session:
            code, text = session.connect(*target.smtp)
            banner = f"{code} {text.decode(errors='replace')}"
            if code != _READY:
                return [NOT_READY.found(about, banner)]
            if _OURS not in banner:
                return [OTHER_SERVER.found(about, banner)]
            session.ehlo(_NAME)
            if not session.has_extn("starttls"):
                return [passed(about, banner), NO_STARTTLS.found("STARTTLS", "not offered")]
    except smtplib.SMTPException as error:
        return [NOT_READY.found(about, str(error))]
    except OSError as error:
        problem = PORT_CLOSED if target.settings is None else DOWN
        return [problem.found(about, http_call.why(error))]
    return [passed(about, banner), _starttls(target)]


def _starttls(target: Target) -> Finding:
    about, host = "STARTTLS", target.mail_host
    try:
        with ssl.create_default_context().wrap_socket(_plain(target), server_hostname=host) as connection:
            version, valid = connection.version(), certificates.validity(connection)
    except ssl.SSLCertVerificationError as error:
        if _is_stale(target):
            return STALE.found(about, error.verify_message)
        return INVALID.found(about, error.verify_message, host=host)
    except OSError as error:
        return TLS_FAILS.found(about, http_call.why(error))
    if valid.ends_soon(datetime.datetime.now(datetime.UTC)):
        return (STALE if _is_stale(target) else EXPIRES).found(about, f"the certificate ends on {valid.end:%Y-%m-%d}")
    return passed(about, f"{version}, a certificate for {host} until {valid.end:%Y-%m-%d}")


def _plain(target: Target) -> socket.socket:
    """The socket of a session that is ready for TLS; raises OSError."""
    session = smtplib.SMTP(timeout=_SECONDS)
    try:
        session.connect(*target.smtp)
        session.ehlo(_NAME)
        code, text = session.docmd("STARTTLS")
        plain = session.sock
        if code != _READY or plain is None:
            raise smtplib.SMTPResponseException(code, text)
    except OSError:
        session.close()
        raise
    session.sock = None  # it stays open when smtplib's session is gone
    return plain


def _is_stale(target: Target) -> bool:
    """True when Caddy on this host presents another certificate for the mail host, and a valid one."""
    address = target.api.connect_to
    if address is None:
        return False
    try:
        with ssl.create_default_context().wrap_socket(
            socket.create_connection(address, _SECONDS), server_hostname=target.mail_host
        ) as connection:
            of_caddy = connection.getpeercert(binary_form=True)
        return of_caddy != certificates.presented(_plain(target), target.mail_host)
    except OSError:
        return False
