"""Probe the running services: each one alone, and then both with a mail from port 25 to an event stream."""

import http.client
import json
import smtplib
import socket
import uuid
from contextlib import closing
from urllib.parse import quote

from installer.errors import Failed
from installer.services import HTTP_SOCKET, PORTS

_SECONDS = 10.0
_HOST = "127.0.0.1"
_SMTP_PORT = 25
_OK = 200
_NO_CONTENT = 204


def http_trouble() -> str:
    """An empty text when http-api is healthy, else the reason."""
    try:
        with closing(_connect(2.0)) as api:
            api.request("GET", "/api/health")
            answer = api.getresponse()
            return "" if answer.status == _OK else f"/api/health answered {answer.status}: {_text(answer)}"
    except (OSError, http.client.HTTPException) as error:
        return f"/api/health: {error}"


def smtp_trouble() -> str:
    """An empty text when smtp-ingest greets with 220, else the reason."""
    try:
        with socket.create_connection((_HOST, _SMTP_PORT), _SECONDS) as connection:
            banner = connection.recv(512).decode(errors="replace").strip()
    except OSError as error:
        return f"port {_SMTP_PORT}: {error}"
    return "" if banner.startswith("220 ") else f"port {_SMTP_PORT} greets with {banner!r}"


def end_to_end() -> str:
    """Send a mail to a new mailbox, read it on the stream, and delete the mailbox; raises Failed at the first error."""
    try:
        with closing(_connect(_SECONDS)) as api:
            address, token = _make_mailbox(api)
            try:
                with closing(_connect(_SECONDS)) as stream:
                    _open(stream, address, token)
                    subject = f"fake-email deploy {uuid.uuid4()}"
                    _send(address, subject)
                    _read_until(stream, subject)
            finally:
                _delete(api, address, token)
    except (OSError, http.client.HTTPException, smtplib.SMTPException) as error:
        raise Failed(f"the end-to-end probe: {error}") from None
    return "end to end: a mail to a new mailbox was accepted on port 25 and arrived on the stream; it is deleted again"


def _connect(seconds: float) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(_HOST, PORTS[HTTP_SOCKET], timeout=seconds)


def _make_mailbox(api: http.client.HTTPConnection) -> tuple[str, str]:
    request = json.dumps({"private": True, "ttl_seconds": 60})
    api.request("POST", "/api/temporary-address", request, {"Content-Type": "application/json"})
    answer = api.getresponse()
    body = _text(answer)
    if answer.status != _OK:
        raise Failed(f"the end-to-end probe: no mailbox was created: {answer.status} {body}")
    made = json.loads(body)
    return str(made["temp_email_addr"]), str(made["token"])


def _open(stream: http.client.HTTPConnection, address: str, token: str) -> None:
    stream.request("GET", f"/api/inbox/stream?address={quote(address)}", headers=_authorization(token))


def _send(address: str, subject: str) -> None:
    with smtplib.SMTP(_HOST, _SMTP_PORT, timeout=_SECONDS) as smtp:
        smtp.sendmail("", [address], f"From: deploy@localhost\r\nTo: {address}\r\nSubject: {subject}\r\n\r\nseen?\r\n")


def _read_until(stream: http.client.HTTPConnection, subject: str) -> None:
    answer = stream.getresponse()
    if answer.status != _OK:
        raise Failed(f"the end-to-end probe: the stream did not open: {answer.status} {_text(answer)}")
    while line := answer.readline():  # raises TimeoutError after _SECONDS without a line
        if subject.encode() in line:
            return
    raise Failed("the end-to-end probe: the stream ended before the mail arrived")


def _delete(api: http.client.HTTPConnection, address: str, token: str) -> None:
    api.request("DELETE", f"/api/inbox?address={quote(address)}", headers=_authorization(token))
    answer = api.getresponse()
    if answer.status not in {_OK, _NO_CONTENT}:
        raise Failed(f"the end-to-end probe: the mailbox was not deleted: {answer.status} {_text(answer)}")
    answer.read()


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _text(answer: http.client.HTTPResponse) -> str:
    return answer.read(4_096).decode(errors="replace").strip()
