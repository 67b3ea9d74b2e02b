"""A message of megabytes read in steps so short that other threads run in between.

A call into C holds the interpreter's lock until the call returns: on 25 MB for tens of milliseconds.
"""

from collections.abc import Iterator

OCTETS = 64 * 1024


def steps(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The start and the end of each step."""
    for at in range(start, end, OCTETS):
        yield at, min(at + OCTETS, end)


def find(content: bytes, wanted: bytes, start: int, end: int, rare: bytes = b"") -> int:
    """Return `content.find(wanted, start, end)`, found in steps.

    `rare` is one octet of `wanted` that long content may lack: to look for it first takes a thirtieth of the time.
    """
    for at in range(start, end, OCTETS):
        stop = min(at + OCTETS + len(wanted) - 1, end)
        if rare and content.find(rare, at, stop) < 0:
            continue
        position = content.find(wanted, at, stop)
        if position >= 0:
            return position
    return -1


def with_line_feeds(content: bytes) -> bytes:
    """The content with LF for each CRLF, each CR CR LF, as programs for Windows write, and each bare CR."""
    pieces: list[bytes] = []
    at = 0
    while at < len(content):
        end = at + OCTETS
        end += content.startswith(b"\r\r\n", end - 1)
        end += content.startswith(b"\r\n", end - 1)
        piece = content[at:end].replace(b"\r\r\n", b"\r\n")
        pieces.append(piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        at = end
    return b"".join(pieces)
