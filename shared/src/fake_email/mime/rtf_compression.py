"""RTF out of the compression that Outlook stores it in ([MS-OXRTFCP]). Pure."""

import struct

OCTETS = 2 * 1024 * 1024  # of RTF, at most

_HEAD = struct.Struct("<4I")  # the octets behind this number, the octets of the RTF, the form, a checksum
_COMPRESSED, _PLAIN = 0x75465A4C, 0x414C454D  # "LZFu" and "MELA"
_COUNTED_BEFORE = 4
_WINDOW = 4096
_SHORTEST = 2  # octets of a copy
_BEFORE = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)


def read(octets: bytes) -> bytes:
    """The RTF, OCTETS at most; it ends where the octets do, and is empty when they are none of the two forms.

    Neither the checksum nor the declared length is looked at: text that was cut is shown as far as it goes.
    """
    if len(octets) < _HEAD.size:
        return b""
    length, _, form, _ = _HEAD.unpack_from(octets)
    if form == _PLAIN:
        return octets[_HEAD.size : _HEAD.size + OCTETS]
    return _expanded(octets[: length + _COUNTED_BEFORE]) if form == _COMPRESSED else b""


def _expanded(octets: bytes) -> bytes:
    # What a copy may reach before the first octet: the preset text, and nothing before that.
    read = bytearray(_WINDOW - len(_BEFORE)) + _BEFORE
    written, most = len(_BEFORE) - _WINDOW, _WINDOW + OCTETS
    at, end = _HEAD.size, len(octets)
    while at < end and len(read) < most:
        is_copy = octets[at]
        at += 1
        if not is_copy:
            read += octets[at : at + 8]
            at += 8
            continue
        for bit in range(8):
            if not is_copy >> bit & 1:
                read += octets[at : at + 1]
                at += 1
                continue
            if at + 1 >= end:
                return bytes(read[_WINDOW:most])
            reference = octets[at] << 8 | octets[at + 1]
            at += 2
            distance = (len(read) + written - (reference >> 4)) % _WINDOW
            if distance == 0:  # the mark behind the last octet
                return bytes(read[_WINDOW:most])
            count = (reference & 15) + _SHORTEST
            copied = read[-distance:][:count]
            while len(copied) < count:  # a copy may reach into itself
                copied += copied[: count - len(copied)]
            read += copied
    return bytes(read[_WINDOW:most])
