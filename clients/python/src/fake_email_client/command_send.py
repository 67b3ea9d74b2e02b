"""`fake-email-client send-test`: a mail with a code, a link and a file, by SMTP."""

import argparse
import secrets
import smtplib
import socket
from email import policy
from email.message import EmailMessage

from fake_email_client.command_boxes import CommandError, KnownMailboxes
from fake_email_client.command_output import Output
from fake_email_client.mail import Mail

_SMTP_SECONDS = 30.0


def send_test(mail: Mail, known: KnownMailboxes, output: Output, given: argparse.Namespace) -> None:
    address = given.address or known.mailbox(mail, None).address
    code = f"{secrets.randbelow(1_000_000):06}"
    if given.smtp:
        host, _, port = given.smtp.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")  # of an IPv6 address
    else:
        server = mail.domains().smtp
        host, port = server.host, str(server.port)
    if not host or not port.isdecimal():
        raise ValueError(f"--smtp: {given.smtp} is not HOST:PORT")
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        with smtplib.SMTP(host, int(port), timeout=_SMTP_SECONDS, local_hostname=socket.gethostname()) as session:
            # RFC 6531 §3.4, for an address beyond ASCII.
            options = [] if address.isascii() else ["SMTPUTF8"]
            session.sendmail("test@example.test", [address], _content(address, code), options)
    except (OSError, smtplib.SMTPException) as error:
        raise CommandError(f"the mail server {shown} did not take the mail: {_reason(error)}") from error
    if output.terminal:
        said = f"Sent to {address} by {shown}, with the code {output.terminal.style(code, 'bold', 'green')}"
        output.terminal.print(said)
    else:
        output.json({"address": address, "code": code, "smtp": shown})


def _content(address: str, code: str) -> bytes:
    message = EmailMessage(policy.SMTPUTF8)
    message["From"] = "fake-email-client <test@example.test>"
    message["To"] = address
    message["Subject"] = f"{code} is your test code"
    link = f"https://example.test/verify?code={code}"
    message.set_content(f"Your code is {code}.\n\nOr confirm your address: {link}\n")
    message.add_alternative(
        f'<p>Your code is <b>{code}</b>.</p><p><a href="{link}">Confirm your address</a></p>', subtype="html"
    )
    message.add_attachment("A file.\n", filename="file.txt")
    return message.as_bytes()


def _reason(error: Exception) -> str:
    """The reply of the server, which smtplib keeps in many ways."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, reply = next(iter(error.recipients.values()))
        return f"{code} {reply.decode(errors='replace')}"
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    return str(error)
