"""All leaves of a message, also those inside of a leaf: signed content, files of Outlook, files within text. Pure."""

import itertools
from collections.abc import Iterator

from msgspec.structs import replace

from fake_email.mime import parameters as mime_parameters
from fake_email.mime import parts, signed, tnef, transfer_encoding, uuencode
from fake_email.mime.parts import Leaf

SIGNED = 20  # contents of signatures read in one message
SIGNED_DEPTH = 3  # of signatures around signatures
_OCTET_STREAM = "application/octet-stream"
_TEXT_TYPES = ("text/plain", "")


def leaves(content: bytes, fields: dict[bytes, bytes], body: int) -> Iterator[tuple[Leaf, bytes]]:
    """Each leaf, and the content that its offsets count in: this content, or what is decoded from a leaf of it.

    A leaf comes before the leaves inside of it, whose sections count on from its own. All in all there are PARTS.
    """
    signed_left = itertools.repeat(None, SIGNED)
    with_enclosed = (_with_enclosed(leaf, content, signed_left) for leaf in parts.leaves(content, fields, body))
    return itertools.islice(itertools.chain.from_iterable(with_enclosed), parts.PARTS)


def octets(content: bytes, section: str) -> bytes:
    """The decoded octets of the leaf with this section; empty when the message has no such leaf."""
    content, fields, body = parts.read(content)
    with_section = (each for each in leaves(content, fields, body) if each[0].section == section)
    leaf, content = next(with_section, (None, b""))
    return leaf.beginning(content, len(content)) if leaf else b""


def _with_enclosed(
    leaf: Leaf, content: bytes, signed_left: Iterator[None], depth: int = SIGNED_DEPTH
) -> Iterator[tuple[Leaf, bytes]]:
    """The leaf and the leaves inside of it; each signed content that is read takes one of `signed_left`."""
    if leaf.type in _TEXT_TYPES:
        files = _in_text(leaf, content)
        yield (replace(leaf, cuts=tuple((each.start, each.end) for each in files)) if files else leaf), content
        yield from ((each, content) for each in files)
        return
    yield leaf, content
    name = leaf.name.lower()
    if leaf.type in signed.TYPES or name == signed.NAME:
        if depth and any(True for _ in itertools.islice(signed_left, 1)):
            for each, inner in _signed(leaf, content):
                yield from _with_enclosed(each, inner, signed_left, depth - 1)
    elif leaf.type in tnef.TYPES or name == tnef.NAME:
        decoded = leaf.beginning(content, leaf.end - leaf.start)
        yield from ((each, decoded) for each in _of_outlook(leaf, decoded))


def _signed(leaf: Leaf, content: bytes) -> Iterator[tuple[Leaf, bytes]]:
    inner = signed.content(leaf.beginning(content, leaf.end - leaf.start))
    if not inner:
        return
    inner, fields, body = parts.read(inner)
    for each in parts.leaves(inner, fields, body):
        alternative = None if each.alternative is None else f"{leaf.section}.{each.alternative}"
        yield replace(each, section=f"{leaf.section}.{each.section}", alternative=alternative), inner


def _in_text(leaf: Leaf, content: bytes) -> list[Leaf]:
    has_file = content.find(b"\nbegin ", max(0, leaf.start - 1), leaf.end) >= 0 or leaf.start == 0
    if not has_file or leaf.disposition == "attachment" or transfer_encoding.mechanism(leaf.encoding):
        return []
    return [
        _file(
            leaf,
            number,
            name=mime_parameters.decoded({"name": each.name}, "name", leaf.charset),
            start=each.start,
            end=each.end,
            encoding=b"x-uuencode",
        )
        for number, each in enumerate(uuencode.files(content, leaf.start, leaf.end), 1)
    ]


def _of_outlook(leaf: Leaf, decoded: bytes) -> Iterator[Leaf]:
    body = tnef.body(decoded)
    if body:
        text = _file(leaf, 0, name="", start=body.start, end=body.end, type_=body.type)
        yield replace(text, charset=body.charset, disposition="", is_substitute=True)
    for number, each in enumerate(tnef.files(decoded), 1):
        type_ = mime_parameters.media_type(each.type.encode())
        content_id = each.content_id.strip("<> ")
        yield _file(
            leaf, number, name=each.name, start=each.start, end=each.end, type_=type_, content_id=content_id or None
        )


def _file(
    leaf: Leaf,
    number: int,
    *,
    name: str,
    start: int,
    end: int,
    type_: str = "",
    content_id: str | None = None,
    encoding: bytes = b"",
) -> Leaf:
    return Leaf(
        section=f"{leaf.section}.{number}",
        type=type_ or _OCTET_STREAM,
        charset="",
        disposition="attachment",
        name=mime_parameters.file_name(name),
        content_id=content_id,
        encoding=encoding,
        start=start,
        end=end,
        alternative=None,
    )
