"""The address of a mailbox, in the one form of all that people write. Pure."""


def canonical(address: str) -> str:
    """The address in lower case and without a tag: mail to `Name+tag@` is in the mailbox `name@`."""
    local_part, at, domain = address.strip().lower().rpartition("@")
    return f"{local_part.partition('+')[0]}{at}{domain}"
