"""The position of a stream of several mailboxes: the seq of the last message of each, as one opaque id. Pure.

A mailbox is named by a part of the hash of its address, so that the id serves with another ticket too.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping

_NAME_OCTETS = 9
_POSITION = re.compile(r"[A-Za-z0-9_-]{12}\.[0-9]{1,19}(?:,[A-Za-z0-9_-]{12}\.[0-9]{1,19}){0,99}")


def name(address: str) -> str:
    """The name of the mailbox of this address in the id of an event."""
    return base64.urlsafe_b64encode(hashlib.sha256(address.encode()).digest()[:_NAME_OCTETS]).decode()


def encode(seqs: Iterable[tuple[str, int]]) -> str:
    """The id for the seqs of mailboxes by name; of those without a message, at most one is named."""
    named = [*seqs]
    return ",".join(f"{each}.{seq}" for each, seq in named if seq) or f"{named[0][0]}.0"


def decode(value: str) -> Mapping[str, int] | None:
    """The seqs by name in an id of `encode`, or None for any other `value`."""
    if not _POSITION.fullmatch(value):
        return None
    pairs = (each.split(".") for each in value.split(","))
    return {each: int(seq) for each, seq in pairs}
