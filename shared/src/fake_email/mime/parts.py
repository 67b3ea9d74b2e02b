"""The parts of a message (RFC 2046 §5.1): its leaves, each with its IMAP section number."""

import re
from collections.abc import Iterator

import msgspec

from fake_email.mime import chunks, transfer_encoding
from fake_email.mime import headers as mime_headers
from fake_email.mime import parameters as mime_parameters

PARTS = 2_000  # read in one message, so that hostile mail costs no more
FIELD_OCTETS = 1024 * 1024  # of the header sections of all parts read; the parts after them are not read
DEPTH = 16  # of multiparts; forwarded messages are leaves, so real mail has five levels at most

_DELIMITER_END = re.compile(rb"--(?![0-9A-Za-z'()+_,./:=?-])()|[ \t]{0,998}+\r?(?:\n|\Z)")
_BOUNDARY_OCTETS = 256  # RFC 2046 allows 70
_LIKELY_BOUNDARY = re.compile(rb"(?:^|\n)--([!-~]{1,100})[ \t]*\r?\nContent-", re.IGNORECASE)
_LOOK_FOR_BOUNDARY = 64 * 1024  # octets
_CR = 13


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """One part without parts inside: the values of its fields, and the offsets of its body in the content."""

    section: str
    type: str  # empty when the field cannot be read
    charset: str
    disposition: str
    name: str
    content_id: str | None
    encoding: bytes
    start: int
    end: int
    alternative: str | None  # the section of the outermost multipart/alternative around it
    location: str | None = None  # RFC 2557: how HTML may name it instead of by its Content-ID
    is_flowed: bool = False  # RFC 3676
    is_delsp: bool = False
    cuts: tuple[tuple[int, int], ...] = ()  # the offsets of the files within text
    is_substitute: bool = False  # the text of a message that has no other

    def beginning(self, content: bytes, octets: int) -> bytes:
        """The first octets of the decoded body, so many at most."""
        return transfer_encoding.beginning(content, self.start, self.end, self.encoding, octets)

    def octet_count(self, content: bytes) -> int:
        """The length of the decoded body."""
        return transfer_encoding.octet_count(content, self.start, self.end, self.encoding)


class _Position(msgspec.Struct, frozen=True, kw_only=True):
    section: str = ""
    depth: int = 0
    default_type: str = "text/plain"
    alternative: str | None = None

    def child(self, index: int, parent_type: str) -> "_Position":
        """The position of the part with this number, counted from one, in the multipart at this position."""
        alternative = self.alternative
        if alternative is None and parent_type == "multipart/alternative":
            alternative = self.section
        return _Position(
            section=f"{self.section}.{index}" if self.section else str(index),
            depth=self.depth + 1,
            default_type="message/rfc822" if parent_type == "multipart/digest" else "text/plain",
            alternative=alternative,
        )


def read(content: bytes) -> tuple[bytes, dict[bytes, bytes], int]:
    """The content, its fields, and the offset of its body; LF replaces the line ends where CR alone is one."""
    fields, body = mime_headers.read(content, 0, len(content))
    section_end = min(body, mime_headers.SECTION_OCTETS)
    if content.count(b"\r", 0, section_end) > content.count(b"\r\n", 0, section_end + 1):
        content = chunks.with_line_feeds(content)
        fields, body = mime_headers.read(content, 0, len(content))
    return content, fields, body


def leaves(content: bytes, fields: dict[bytes, bytes], body: int) -> Iterator[Leaf]:
    """The leaves, in order, of the message with these fields and with its body at this offset, within the limits."""
    return _Walk(content).leaves(fields, body, len(content), _Position())


class _Walk:
    """One pass over one message, with the number of delimiters, and of octets in fields, that it may still read."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.left = PARTS
        self.field_octets = FIELD_OCTETS
        self.charset = ""  # that the first part with one names

    def leaves(self, fields: dict[bytes, bytes], start: int, end: int, position: _Position) -> Iterator[Leaf]:
        content_type = fields.get(b"content-type", b"")
        media_type = mime_parameters.media_type(content_type) if content_type else position.default_type
        index = 0
        if media_type.startswith("multipart/"):
            if position.depth < DEPTH:
                for index, (part_start, part_end) in enumerate(self._parts(content_type, start, end), 1):
                    part_fields, body = mime_headers.read(self.content, part_start, part_end)
                    self.field_octets -= body - part_start
                    if self.field_octets < 0:
                        self.left = 0
                    yield from self.leaves(part_fields, body, part_end, position.child(index, media_type))
            media_type = "text/plain"
        if index == 0:
            leaf = _leaf(fields, media_type, start, end, position, self.charset)
            self.charset = self.charset or leaf.charset
            yield leaf

    def _parts(self, content_type: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The start and the end of each part; a part without a closing delimiter ends where its parent ends."""
        boundary = self._boundary(content_type, start, end)
        part_start = -1
        for delimiter_start, delimiter_end, closing in self._delimiters(boundary, start, end):
            if part_start >= 0:
                yield part_start, max(part_start, delimiter_start)
            if closing:
                return
            part_start = delimiter_end
        if part_start >= 0 and self.left:
            yield part_start, end

    def _boundary(self, content_type: bytes, start: int, end: int) -> bytes:
        in_type = mime_parameters.parameters(content_type)
        declared = in_type.get("boundary") or mime_parameters.decoded(in_type, "boundary").encode()
        if declared:
            declared = declared[:_BOUNDARY_OCTETS].rstrip()
            if b"\t" in declared or b"  " in declared:
                declared = self._unfolded(declared, start, end)
            if chunks.find(self.content, b"\n--" + declared, start - 1, end, rare=b"-") >= 0:
                return declared
        likely = _LIKELY_BOUNDARY.search(self.content, start - 1, min(end, start + _LOOK_FOR_BOUNDARY))
        return likely[1] if likely else b""

    def _unfolded(self, boundary: bytes, start: int, end: int) -> bytes:
        """The boundary as its delimiters have it: a sender that folded it may have changed its blanks."""
        words = boundary.split()
        for each in (boundary, b" ".join(words), b"".join(words)):
            if chunks.find(self.content, b"\n--" + each, start - 1, end) >= 0:
                return each
        return boundary

    def _delimiters(self, boundary: bytes, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
        """The start and the end of each delimiter with its line breaks, and true for the closing one."""
        line = b"\n--" + boundary
        # A multipart comes after a field, so there is a line break before its body.
        at = chunks.find(self.content, line, start - 1, end, rare=b"-") if boundary else -1  # base64 has none
        while at >= 0 and self.left:
            self.left -= 1
            ending = _DELIMITER_END.match(self.content, at + len(line), end)
            if ending:
                yield at - (self.content[at - 1] == _CR), ending.end(), ending[1] is not None
            at = chunks.find(self.content, line, ending.end() - 1 if ending else at + len(line), end, rare=b"-")


def _leaf(fields: dict[bytes, bytes], media_type: str, start: int, end: int, position: _Position, charset: str) -> Leaf:
    in_type = mime_parameters.parameters(fields.get(b"content-type", b""))
    disposition = fields.get(b"content-disposition", b"")
    in_disposition = mime_parameters.parameters(disposition)
    own_charset = in_type.get("charset", b"").decode("ascii", "replace")
    charset = own_charset or charset
    name = (
        mime_parameters.decoded(in_disposition, "filename", charset)
        or mime_parameters.decoded(in_type, "name", charset)
        or mime_parameters.decoded(in_type, "file", charset)
    )
    content_id = _reference(fields.get(b"content-id", b"")).removeprefix("cid:")  # seen in real mail
    return Leaf(
        section=position.section or "1",  # RFC 3501 §6.4.5: the only part of a message has a number too
        type=media_type,
        charset=own_charset,
        disposition=mime_parameters.first_word(disposition),
        name=mime_parameters.file_name(name),
        content_id=content_id or None,
        encoding=fields.get(b"content-transfer-encoding", b""),
        start=start,
        end=end,
        alternative=position.alternative,
        location=_reference(fields.get(b"content-location", b"")) or None,
        is_flowed=in_type.get("format", b"").lower() == b"flowed",
        is_delsp=in_type.get("delsp", b"").lower() == b"yes",
    )


def _reference(field: bytes) -> str:
    return mime_headers.show(field[: mime_parameters.NAME_OCTETS]).strip("<> ") if field else ""
