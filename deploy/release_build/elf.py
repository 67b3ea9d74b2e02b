"""Read the requirements of a compiled file: its machine, loader and library paths (elf(5))."""

import struct
from collections.abc import Iterator

import msgspec

_64_BIT_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
_LOAD, _DYNAMIC, _INTERPRETER = 1, 2, 3  # p_type
_END, _STRINGS, _RPATH, _RUNPATH = 0, 5, 15, 29  # d_tag
_MACHINES = {62: "x86_64", 183: "aarch64"}  # e_machine


class Elf(msgspec.Struct, frozen=True, kw_only=True):
    machine: str
    paths: list[str]
    loader: str


class _Segment(msgspec.Struct, frozen=True):
    kind: int
    offset: int
    address: int
    octets: int


def read(content: bytes) -> Elf | None:
    """Return None unless `content` is a 64-bit little-endian ELF file; raises struct.error when it is damaged."""
    if not content.startswith(_64_BIT_LITTLE_ENDIAN):
        return None
    machine = struct.unpack_from("<H", content, 18)[0]
    segments = list(_segments(content))
    loader = next((_text(content, each.offset) for each in segments if each.kind == _INTERPRETER), "")
    return Elf(
        machine=_MACHINES.get(machine, str(machine)),
        paths=[path for text in _library_paths(content, segments) for path in text.split(":")],
        loader=loader,
    )


def _segments(content: bytes) -> Iterator[_Segment]:
    start = struct.unpack_from("<Q", content, 32)[0]
    size, count = struct.unpack_from("<HH", content, 54)
    for number in range(count):
        kind, _, offset, address, _, octets = struct.unpack_from("<IIQQQQ", content, start + number * size)
        yield _Segment(kind, offset, address, octets)


def _library_paths(content: bytes, segments: list[_Segment]) -> list[str]:
    for dynamic in (each for each in segments if each.kind == _DYNAMIC):
        entries = []
        for position in range(dynamic.offset, dynamic.offset + dynamic.octets, 16):
            tag, value = struct.unpack_from("<qQ", content, position)
            if tag == _END:
                break
            entries.append((tag, value))
        address = dict(entries).get(_STRINGS, 0)
        names = [value for tag, value in entries if tag in {_RPATH, _RUNPATH}]
        for load in (each for each in segments if each.kind == _LOAD):
            if load.address <= address < load.address + load.octets:
                return [_text(content, address - load.address + load.offset + name) for name in names]
    return []


def _text(content: bytes, start: int) -> str:
    return content[start : content.index(b"\0", start)].decode()
