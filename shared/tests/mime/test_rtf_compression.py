"""Compressed RTF, with the examples of [MS-OXRTFCP] §3 and an encoder of the simplest kind."""

import struct

import pytest

from fake_email.mime import rtf_compression

EXAMPLES = {
    b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n": (
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    ),
    rb"{\rtf1 WXYZWXYZWXYZWXYZWXYZ}": "1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0",
}


def literal(rtf: bytes) -> bytes:
    """Compressed RTF without a copy: eight octets behind each octet of zeros."""
    body = b"".join(b"\0" + rtf[at : at + 8] for at in range(0, len(rtf), 8))
    return struct.pack("<IIII", len(body) + 12, len(rtf), 0x75465A4C, 0) + body


def copies(*references: tuple[int, int]) -> bytes:
    """Compressed RTF of copies alone, each of (offset, octets)."""
    body = b""
    for at in range(0, len(references), 8):
        body += b"\xff" + b"".join(
            struct.pack(">H", offset << 4 | octets - 2) for offset, octets in references[at : at + 8]
        )
    return struct.pack("<IIII", len(body) + 12, 0, 0x75465A4C, 0) + body


@pytest.mark.parametrize(("rtf", "compressed"), EXAMPLES.items(), ids=["text", "a copy into itself"])
def test_the_examples_of_the_specification_are_read(rtf: bytes, compressed: str) -> None:
    assert rtf_compression.read(bytes.fromhex(compressed)) == rtf


def test_uncompressed_rtf_is_read() -> None:
    assert rtf_compression.read(struct.pack("<IIII", 17, 5, 0x414C454D, 0) + b"{\\a}}") == b"{\\a}}"


@pytest.mark.parametrize("octets", [1, 4_096 - 207, 4_096, 10_001])
def test_a_copy_reaches_4096_octets_back_across_the_end_of_the_window(octets: int) -> None:
    rtf = bytes(97 + at % 23 for at in range(octets // 8 * 8))
    behind = struct.pack(">H", (len(rtf) + 207 - 4_095) % 4_096 << 4 | 1)
    compressed = literal(rtf) + b"\1" + behind
    compressed = struct.pack("<I", len(compressed) - 4) + compressed[4:]

    read = rtf_compression.read(compressed)

    assert read[: len(rtf)] == rtf
    before = bytes(4_096) + rtf if len(rtf) > 4_095 else b""
    assert not before or read[len(rtf) :] == before[-4_095:][:3]


def test_a_copy_may_begin_in_the_preset_text() -> None:
    assert rtf_compression.read(copies((0, 6), (206, 2))) == b"{\\rtf1x{"


@pytest.mark.parametrize("cut", range(0, 40, 3))
def test_what_was_cut_is_read_as_far_as_it_goes(cut: int) -> None:
    [rtf, compressed] = next(iter(EXAMPLES.items()))

    assert rtf.startswith(rtf_compression.read(bytes.fromhex(compressed)[:cut]))


@pytest.mark.parametrize(
    "octets",
    [literal(b"x" * 3_000_000), copies(*[((207 + 17 * at - 17) % 4_096, 17) for at in range(200_000)])],
    ids=["octets", "copies"],
)
def test_the_rtf_is_bounded(octets: bytes) -> None:
    assert len(rtf_compression.read(octets)) == rtf_compression.OCTETS


@pytest.mark.parametrize("octets", [b"", bytes(15), bytes(16), b"{\\rtf1 this is not compressed}"])
def test_what_is_not_compressed_rtf_is_empty(octets: bytes) -> None:
    assert rtf_compression.read(octets) == b""
