"""The content of opaque S/MIME (RFC 8551 §3.5.2), read out of the signature, which nobody verifies. Pure."""

import itertools
from collections.abc import Iterator

TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
NAME = "smime.p7m"

_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_SEQUENCE, _OID, _OCTETS, _PIECES, _CONTENT = 0x30, 0x06, 0x04, 0x24, 0xA0  # tags of ASN.1
_LONG = 0x80  # a length of so many octets follows; with none, a mark ends the value
_LENGTH_OCTETS = 4
_DEPTH = 16
_MOST_PIECES = 100_000  # of one content, each of a thousand octets or so


def content(octets: bytes) -> bytes:
    """The signed content, a message with header fields; empty when there is none, as in encrypted mail."""
    reading = _Reading(octets)
    try:
        # ContentInfo and SignedData, RFC 5652 §3 and §5.1.
        reading.enter(_SEQUENCE)
        if reading.read(_OID) != _SIGNED_DATA:
            return b""
        reading.enter(_CONTENT)
        reading.enter(_SEQUENCE)
        reading.skip()  # version
        reading.skip()  # digestAlgorithms
        reading.enter(_SEQUENCE)
        reading.skip()  # eContentType
        reading.enter(_CONTENT)
        return b"".join(itertools.islice(reading.pieces(), _MOST_PIECES))
    except (_MalformedError, IndexError):
        return b""


class _MalformedError(Exception):
    pass


class _Reading:
    """A position in values in the encoding BER (X.690)."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def enter(self, tag: int) -> int | None:
        """Go to the content of the value here; returns its end, or None when a mark ends it."""
        if self._octets[self._at] != tag:
            raise _MalformedError
        length = self._octets[self._at + 1]
        self._at += 2
        if length == _LONG:
            return None
        if length > _LONG:
            count = length - _LONG
            if count > _LENGTH_OCTETS:
                raise _MalformedError
            length = int.from_bytes(self._octets[self._at : self._at + count], "big")
            self._at += count
        return self._at + length

    def read(self, tag: int) -> bytes:
        """The content of the value here, which is not made of values; goes on behind it."""
        end = self.enter(tag)
        if end is None:
            raise _MalformedError
        start, self._at = self._at, end
        return self._octets[start:end]

    def skip(self, depth: int = _DEPTH) -> None:
        """Go on behind the value here."""
        end = self.enter(self._octets[self._at])
        if end is not None:
            self._at = end
            return
        if depth == 0:
            raise _MalformedError
        while not self._is_at_mark():
            self.skip(depth - 1)
        self._at += 2

    def pieces(self, depth: int = _DEPTH) -> Iterator[bytes]:
        """The octet string here, in the pieces that it is made of; a string that was cut ends where the octets do."""
        if self._octets[self._at] != _PIECES:
            yield self.read(_OCTETS)
            return
        if depth == 0:
            raise _MalformedError
        end = self.enter(_PIECES)
        while self._at < (len(self._octets) if end is None else min(end, len(self._octets))):
            if end is None and self._is_at_mark():
                self._at += 2
                return
            yield from self.pieces(depth - 1)

    def _is_at_mark(self) -> bool:
        return self._octets[self._at] == 0 and self._octets[self._at + 1] == 0
