"""A message sent through: from SMTP over the database to an event stream, in a mailbox of its own."""

import http.client
import json
import smtplib
import time
import urllib.parse
import uuid

import msgspec

from fake_email.doctor import http_call
from fake_email.doctor.finding import Finding, Problem, passed
from fake_email.doctor.http_call import Response, Site
from fake_email.doctor.in_thread import in_thread
from fake_email.doctor.target import Target

NO_MAILBOX = Problem(
    id="mail_no_mailbox",
    severity="error",
    why="Nobody can make a mailbox.",
    mend="on the host `sudo journalctl -u fake-email-http-api -n 20`",
)
REFUSED = Problem(
    id="mail_refused",
    severity="error",
    why="Mail for a mailbox that exists is not accepted.",
    mend="on the host `sudo journalctl -u fake-email-smtp-ingest -n 20`",
)
NOT_SEEN = Problem(
    id="mail_not_seen",
    severity="error",
    why="Mail is accepted, but people and programs that wait for it do not get it.",
    mend="on the host `sudo journalctl -u 'fake-email-*' -n 40`; is it the same installation at both ends?",
)
NOT_DELETED = Problem(
    id="mailbox_not_deleted",
    severity="warning",
    why="People cannot delete their mail. The mailbox of this check expires in a minute all the same.",
    mend="on the host `sudo journalctl -u fake-email-http-api -n 20`",
)
_STREAM_SECONDS = 10.0
_SMTP_SECONDS = 10.0
_ABOUT = "message"
_Failure = OSError | http.client.HTTPException


class _Mailbox(msgspec.Struct, frozen=True):
    address: str
    token: str

    @property
    def query(self) -> str:
        return f"address={urllib.parse.quote(self.address)}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


async def check(target: Target) -> list[Finding]:
    """Make a private mailbox, send a message to it, see it on the stream, and delete the mailbox."""
    return await in_thread(lambda: _check(target))


def _check(target: Target) -> list[Finding]:
    made = _make(target.http)
    if isinstance(made, str):
        return [NO_MAILBOX.found(_ABOUT, made)]
    began_at = time.monotonic()
    try:
        problem = _send_and_see(target, made)
    finally:
        deletion = _delete(target.http, made)
    seconds = time.monotonic() - began_at
    found = problem or passed(_ABOUT, f"accepted by SMTP and seen on the stream, in {seconds:.1f} s")
    return [found, NOT_DELETED.found(_ABOUT, deletion)] if deletion else [found]


def _make(site: Site) -> _Mailbox | str:
    """A new mailbox, or the reason why there is none."""
    request = json.dumps({"private": True, "ttl_seconds": 60}).encode()
    try:
        response = http_call.call(site, "POST", "/api/temporary-address", {"Content-Type": "application/json"}, request)
        if response.status != http.client.OK:
            return response.summary
        made = json.loads(response.body)
        return _Mailbox(str(made["temp_email_addr"]), str(made["token"]))
    except (OSError, http.client.HTTPException) as error:
        return http_call.why(error)
    except (ValueError, KeyError, TypeError):
        return "the response is not that of fake-email"


def _send_and_see(target: Target, mailbox: _Mailbox) -> Finding | None:
    """None when all went well."""
    subject = f"fake-email doctor {uuid.uuid4()}"
    try:
        stream = http_call.connect(target.http, _STREAM_SECONDS)
        try:
            stream.request("GET", f"/api/inbox/stream?{mailbox.query}", headers=mailbox.headers)
            events = stream.getresponse()
            if events.status != http.client.OK:
                return NOT_SEEN.found(_ABOUT, f"the stream does not open: {http_call.read(events).summary}")
            if refused := _send(target.smtp, mailbox.address, subject):
                return REFUSED.found(_ABOUT, refused)
            if not _is_seen(events, subject.encode()):
                return NOT_SEEN.found(_ABOUT, f"not on the stream within {_STREAM_SECONDS:.0f} s")
        finally:
            stream.close()
    except (OSError, http.client.HTTPException) as error:
        return NOT_SEEN.found(_ABOUT, f"the stream: {http_call.why(error)}")
    return None


def _send(server: tuple[str, int], address: str, subject: str) -> str:
    """The reason why the message was not accepted, or an empty text."""
    content = f"From: doctor@localhost\r\nTo: {address}\r\nSubject: {subject}\r\n\r\nseen?\r\n"
    try:
        with smtplib.SMTP(*server, timeout=_SMTP_SECONDS, local_hostname="doctor.invalid") as session:
            session.sendmail("", [address], content)
    except smtplib.SMTPRecipientsRefused as error:
        return " ".join(f"{code} {text.decode(errors='replace')}" for code, text in error.recipients.values())
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error
        return f"{error.smtp_code} {said if isinstance(said, str) else said.decode(errors='replace')}"
    except OSError as error:
        return f"port {server[1]} of {server[0]}: {http_call.why(error)}"
    return ""


def _is_seen(events: http.client.HTTPResponse, subject: bytes) -> bool:
    """True once a line of the stream has the subject; raises OSError when no line comes in time."""
    ends_at = time.monotonic() + _STREAM_SECONDS
    while time.monotonic() < ends_at:
        line = events.readline(1_000_000)
        if subject in line:
            return True
        if not line:
            return False
    return False


def _delete(site: Site, mailbox: _Mailbox) -> str:
    """The reason why the mailbox was not deleted, or an empty text."""
    try:
        response: Response = http_call.call(site, "DELETE", f"/api/inbox?{mailbox.query}", mailbox.headers)
    except (OSError, http.client.HTTPException) as error:
        return http_call.why(error)
    return "" if response.status in {http.client.OK, http.client.NO_CONTENT} else response.summary
