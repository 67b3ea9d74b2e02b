"""`make demo`: send real mail to a new mailbox of the running services, and show what its stream receives."""

import smtplib
import sys
import time
from collections.abc import Iterator
from email.message import EmailMessage

import httpx
import msgspec
from environment import http_url, read

_ARRIVAL_SECONDS = 10.0
_REVERSE_PATH = "orders@bakery.example"
_CODE = "481516"


class NewMailbox(msgspec.Struct, frozen=True):
    temp_email_addr: str


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    type: str
    size: int


class Code(msgspec.Struct, frozen=True, kw_only=True):
    value: str
    evidence: str


class Message(msgspec.Struct, frozen=True, kw_only=True):
    from_header: str
    subject: str
    body_text: str
    codes: list[Code]
    attachments: list[Attachment]


def main() -> None:
    """Exit with status 1 and one line on stderr when the services do not run or the mail does not arrive."""
    environ = read()
    try:
        # A proxy that the environment names cannot reach the ports of this machine.
        with httpx.Client(base_url=http_url(environ), timeout=_ARRIVAL_SECONDS, trust_env=False) as api:
            _run(api, environ["SMTP_HOST"], int(environ["SMTP_PORT"]))
    except (httpx.ConnectError, ConnectionRefusedError):
        sys.exit("make demo: the services are not running: start them with make run in another terminal")
    except (httpx.ReadTimeout, StopIteration):
        sys.exit(f"make demo: the mail was accepted but did not arrive within {_ARRIVAL_SECONDS:.0f} s")
    except (httpx.HTTPError, smtplib.SMTPException) as error:
        sys.exit(f"make demo: {error}")


def _run(api: httpx.Client, smtp_host: str, smtp_port: int) -> None:
    made = api.post("/api/temporary-address", json={"private": False}).raise_for_status()
    address = msgspec.json.decode(made.content, type=NewMailbox).temp_email_addr
    print(f"mailbox      {address}")
    with (
        api.stream("GET", "/api/inbox/stream", params={"address": address}) as stream,
        smtplib.SMTP(smtp_host, smtp_port, timeout=_ARRIVAL_SECONDS) as client,
    ):
        stream.raise_for_status()
        client.sendmail(_REVERSE_PATH, address, _message(address))
        accepted_at = time.monotonic()
        event = next(_data(stream))
        arrived_at = time.monotonic()
    _show(msgspec.json.decode(event, type=Message))
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


def _data(stream: httpx.Response) -> Iterator[str]:
    """The `data` of each `message` event (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    event_name = ""
    for line in stream.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            event_name = value
        elif field == "data" and event_name == "message":
            yield value


def _show(message: Message) -> None:
    print(f"from         {message.from_header}")
    print(f"subject      {message.subject}")
    for line in filter(None, message.body_text.splitlines()):
        print(f"text         {line}")
    for code in message.codes:
        print(f'code         {code.value}, found in "{code.evidence}"')
    for attachment in message.attachments:
        print(f"attachment   {attachment.name}, {attachment.type}, {attachment.size} bytes")


if __name__ == "__main__":
    main()
