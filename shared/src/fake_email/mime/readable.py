"""Where in the octets of a message is this part?"""

from fake_email.mime import chunks, parts
from fake_email.mime import headers as mime_headers


def part_octets(content: bytes, part: str) -> bytes:
    """The octets, decoded, of the part with this IMAP section; none when there is no such part."""
    content, fields, body = readable(content)
    found = (leaf for leaf in parts.leaves(content, fields, body) if leaf.section == part)
    return next((leaf.beginning(content, len(content)) for leaf in found), b"")


def readable(content: bytes) -> tuple[bytes, dict[bytes, bytes], int]:
    """The content with line ends that can be read, its fields, and where its body starts."""
    fields, body = mime_headers.read(content, 0, len(content))
    section_end = min(body, mime_headers.SECTION_OCTETS)
    if content.count(b"\r", 0, section_end) > content.count(b"\r\n", 0, section_end + 1):
        content = chunks.with_line_feeds(content)
        fields, body = mime_headers.read(content, 0, len(content))
    return content, fields, body
