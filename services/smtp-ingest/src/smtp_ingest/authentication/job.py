"""A message to check, and its verdict, as they pass between the daemon and the process that checks. Pure."""

import msgspec

from fake_email.authentication import Verdict

LENGTH_OCTETS = 8


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is committed, and how it came; `content` has the exact octets received."""

    number: int
    client_address: str
    host_name: str
    reverse_path: str
    protocol: str
    tls: str
    content: bytes


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on the job of that number; None when no look-up was answered."""

    number: int
    verdict: Verdict | None


def framed(value: Job | Done) -> bytes:
    """The value with its length before it."""
    octets = msgspec.msgpack.encode(value)
    return len(octets).to_bytes(LENGTH_OCTETS, "big") + octets
