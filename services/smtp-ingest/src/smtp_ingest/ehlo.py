"""HELO and EHLO (RFC 5321 §4.1.1.1): the name that the client gives, the reply, and the trace of its mail. Pure."""

import re

import msgspec

from fake_email.settings import Settings
from fake_email.storage.incoming_message import Trace

# A character of neither a host name nor an address literal; the trace line shows the name that the client gave.
_FORBIDDEN = re.compile(r"[^\w.:\[\]-]")
_MAX_NAME = 255


class ClientIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """The name that the client gave itself; `is_extended` for EHLO."""

    host_name: str
    is_extended: bool

    def trace(self, *, client_address: str, tls: str, is_utf8: bool) -> Trace:
        """The trace of a message that this client sends; `tls` is empty for plain text (RFC 3848, RFC 6531 §4.3)."""
        name = "UTF8SMTP" if is_utf8 else "ESMTP"
        return Trace(
            client_address=client_address,
            host_name=self.host_name,
            protocol=f"{name}S" if tls else name if self.is_extended else "SMTP",
            tls=tls,
        )


def read(host_name: str, *, is_extended: bool) -> ClientIdentity:
    """The identity with `host_name`, in which `?` replaces forbidden characters."""
    return ClientIdentity(host_name=_FORBIDDEN.sub("?", host_name[:_MAX_NAME]), is_extended=is_extended)


def reply(settings: Settings, *, is_extended: bool, has_starttls: bool) -> str:
    """The reply to HELO; for EHLO, with the extensions."""
    own_name = settings.domain[0]
    if not is_extended:
        return f"250 {own_name}"
    keywords = [
        own_name,
        f"SIZE {settings.max_message_octets}",
        "8BITMIME",
        "SMTPUTF8",
        "PIPELINING",
        "ENHANCEDSTATUSCODES",
        "CHUNKING",
        *(["STARTTLS"] if has_starttls else []),
    ]
    return "\r\n".join([*(f"250-{keyword}" for keyword in keywords), "250 HELP"])
