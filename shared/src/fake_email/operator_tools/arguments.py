"""The arguments of the operator's commands: mailboxes, senders, networks, the text of a reply. Pure."""

import argparse
import ipaddress
import re

from fake_email import mailbox_address

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_REPLY_CHARACTERS = 200


def address_or_domain(text: str) -> str:
    """An address or a domain in the form that is stored; `@domain` is the same as `domain`."""
    local_part, at, domain = text.strip().rpartition("@")
    domain = mailbox_address.a_labels(domain)
    if not _DOMAIN.fullmatch(domain):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address or a domain, as in name@example.org, example.org")
    return f"{local_part.lower()}@{domain}" if at and local_part else domain


def network(text: str) -> str:
    """A network; an address is a network of its own."""
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a network, as in 192.0.2.0/24 or 2001:db8::/32") from None


def sender(text: str) -> str:
    """A domain or a network."""
    try:
        return network(text)
    except argparse.ArgumentTypeError:
        pass
    domain = mailbox_address.a_labels(text.strip().removeprefix("@"))
    # A domain has a letter somewhere in its last label: what has not was meant as a network.
    if not _DOMAIN.fullmatch(domain) or domain.rpartition(".")[2].isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a domain or a network, as in example.org or 192.0.2.0/24")
    return domain


def reply(text: str) -> str:
    """The text of an SMTP reply (RFC 5321 §4.2.1)."""
    if not 0 < len(text) <= _REPLY_CHARACTERS or not text.isascii() or not text.isprintable():
        raise argparse.ArgumentTypeError(f"the reply must have 1 to {_REPLY_CHARACTERS} printable ASCII characters")
    return text
