"""A message to check, and its verdict, as they pass between the daemon and the process that checks. Pure."""

from collections.abc import Iterator

import msgspec

from fake_email.authentication import Verdict

LENGTH_OCTETS = 8
_PIECE_OCTETS = 131_072


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
    """The end of the job of that number; without a verdict, the resolver did not answer, or `fault` names a bug."""

    number: int
    verdict: Verdict | None = None
    fault: str = ""


def framed(value: Job | Done) -> Iterator[bytes]:
    """The value in pieces, with the length of what is not content before it, and that of content after this length."""
    content = value.content if isinstance(value, Job) else b""
    rest = msgspec.structs.replace(value, content=b"") if isinstance(value, Job) else value
    octets = msgspec.msgpack.encode(rest)
    yield b"".join((_length(octets), _length(content), octets))
    for start in range(0, len(content), _PIECE_OCTETS):
        yield content[start : start + _PIECE_OCTETS]


def lengths(octets: bytes) -> tuple[int, int]:
    """Both lengths, from the first 2 * LENGTH_OCTETS octets."""
    return int.from_bytes(octets[:LENGTH_OCTETS], "big"), int.from_bytes(octets[LENGTH_OCTETS:], "big")


def job(octets: bytes, content: bytes) -> Job:
    """The job in these octets."""
    return msgspec.structs.replace(msgspec.msgpack.decode(octets, type=Job), content=content)


def _length(octets: bytes) -> bytes:
    return len(octets).to_bytes(LENGTH_OCTETS, "big")
