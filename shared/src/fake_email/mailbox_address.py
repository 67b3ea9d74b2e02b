"""The address of a mailbox, in the one form that the table `mailbox` has, from every form that people write. Pure."""

import idna

_DOMAIN_CHARACTERS = 255


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
