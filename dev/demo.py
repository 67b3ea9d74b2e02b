"""`make demo`: send real mail to a new mailbox of the running services, and show it as it arrives."""

import smtplib
import sys
import time
from email.message import EmailMessage

import httpx2
from environment import http_url, read

from fake_email_client import Mail, Message, NoMail, Problem

_ARRIVAL_SECONDS = 10.0
_REVERSE_PATH = "orders@bakery.example"
_CODE = "481516"


def main() -> None:
    """Exit with status 1 and one line on stderr when the services do not run or the mail does not arrive."""
    environ = read()
    try:
        with Mail(http_url(environ), patience=0) as mail:
            _run(mail, environ["SMTP_HOST"], int(environ["SMTP_PORT"]))
    except (httpx2.ConnectError, ConnectionRefusedError):
        sys.exit("make demo: the services are not running: start them with make run in another terminal")
    except NoMail:
        sys.exit(f"make demo: the mail was accepted but did not arrive within {_ARRIVAL_SECONDS:.0f} s")
    except (httpx2.HTTPError, Problem, smtplib.SMTPException) as error:
        sys.exit(f"make demo: {error}")


def _run(mail: Mail, smtp_host: str, smtp_port: int) -> None:
    box = mail.mailbox(private=False)
    print(f"mailbox      {box.address}")
    with smtplib.SMTP(smtp_host, smtp_port, timeout=_ARRIVAL_SECONDS) as client:
        client.sendmail(_REVERSE_PATH, box.address, _message(box.address))
        accepted_at = time.monotonic()
        message = box.wait(timeout=_ARRIVAL_SECONDS)
        arrived_at = time.monotonic()
    _show(message)
    print(f"arrived      {(arrived_at - accepted_at) * 1000:.1f} ms after the server accepted the mail")


def _message(address: str) -> bytes:
    message = EmailMessage()
    message["From"] = f"Crème & Crust Bakery <{_REVERSE_PATH}>"
    message["To"] = address
    message["Subject"] = "Your order for tomorrow: 2 crème brûlées"
    message.set_content(f"Hello!\n\nYour pick-up code is {_CODE}.\n")
    message.add_alternative(f"<p>Hello!</p><p>Your pick-up code is <b>{_CODE}</b>.</p>", subtype="html")
    message.add_attachment("item,quantity\ncrème brûlée,2\n", subtype="csv", filename="order.csv")
    return message.as_bytes()


def _show(message: Message) -> None:
    print(f"from         {message.from_header}")
    print(f"subject      {message.subject}")
    for line in filter(None, message.text.splitlines()):
        print(f"text         {line}")
    for code in message.codes:
        print(f'code         {code.value}, found in "{code.evidence}"')
    for attachment in message.attachments:
        print(f"attachment   {attachment.name}, {attachment.type}, {attachment.size} bytes")


if __name__ == "__main__":
    main()
