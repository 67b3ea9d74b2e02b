"""The address of a mailbox, in the one form that the table `mailbox` has, from every form that people write. Pure."""

import re

import idna

_DOMAIN_CHARACTERS = 255
# RFC 5321 §4.1.2: a dot at either end, or two in a row, would have to be quoted by every sender.
_EXACT = re.compile(r"(?=.{3,64}\Z)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")

# The names of RFC 2142, those that certificate authorities write to (CA/Browser Forum, Baseline Requirements
# §3.2.2.4.4), and those that a reader would take for the service itself.
_RESERVED = frozenset({
    *("postmaster", "abuse", "noc", "security", "hostmaster", "usenet", "news", "webmaster", "www", "uucp", "ftp"),
    *("admin", "administrator", "root", "sysadmin", "info", "marketing", "sales", "support", "help", "helpdesk"),
    *("noreply", "no-reply", "no_reply", "no.reply", "donotreply", "do-not-reply", "mailer-daemon", "mailerdaemon"),
    *("billing", "contact", "legal", "privacy", "dmca", "trust", "ssl", "ssladmin", "ssladministrator", "sslwebmaster"),
    *("daemon", "nobody", "operator", "owner", "system", "service", "team", "office", "dmarc", "tlsrpt"),
})  # fmt: skip


def canonical(local_part: str, domain: str) -> str:
    """The address in lower case, without the tag of `local+tag@`, and with the domain as A-labels (RFC 5890)."""
    return f"{local_part.lower().partition('+')[0]}@{a_labels(domain)}"


def a_labels(domain: str) -> str:
    """The domain in lower case and as A-labels; a domain that has none stays as it is: no mailbox has it."""
    domain = domain.lower()
    if domain.isascii() or len(domain) > _DOMAIN_CHARACTERS:
        return domain
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain


def is_exact_name(name: str) -> bool:
    """True when a mailbox may have `name` as it is, unless it is reserved."""
    return _EXACT.fullmatch(name) is not None


def is_reserved(name: str) -> bool:
    """True for a name that nobody is given as it is."""
    return name in _RESERVED
