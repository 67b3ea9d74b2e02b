"""A sender of mail for tests of clients, which do not use asyncio."""

import smtplib
from email.message import EmailMessage


class Sender:
    """Delivers to an smtp-ingest on this host; each mail is a session of its own."""

    def __init__(self, port: int) -> None:
        self._port = port

    def text(self, address: str, subject: str, text: str = "Hello there.") -> None:
        """Deliver a mail of text from Ann."""
        message = EmailMessage()
        message["From"] = "Ann <ann@example.test>"
        message["Subject"] = subject
        message.set_content(text)
        self._deliver(address, message.as_bytes())

    def welcome(self, address: str) -> None:
        """Deliver a mail with a code, a link and an attachment."""
        message = EmailMessage()
        message["From"] = "Ann <ann@example.test>"
        message["Subject"] = "Welcome"
        message.set_content("Your code is 482913.")
        link = '<a href="https://example.test/verify?t=Qm9w">Confirm your address</a>'
        message.add_alternative(f"<p>Your code is 482913. {link}</p>", subtype="html")
        message.add_attachment("Be kind.", filename="terms.txt")
        self._deliver(address, message.as_bytes())

    def _deliver(self, address: str, content: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self._port, local_hostname="client.test") as session:
            session.sendmail("ann@example.test", [address], content)
