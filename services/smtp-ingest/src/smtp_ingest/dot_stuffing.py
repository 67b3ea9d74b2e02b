"""Dot-stuffing in DATA (RFC 5321 §4.5.2): the end of the content, and the dots that the client added. Pure."""

_END = b"\r\n.\r\n"
_STUFFED = b"\r\n."
_LINE_END = b"\r\n"
_DOT = b"."


class DotStuffing:
    """Turns the octets after 354 into content; only <CRLF>.<CRLF> ends the content."""

    def __init__(self) -> None:
        # The CRLF of the DATA command is the line end before the content, so ".<CRLF>" alone is an empty message.
        self._held_back = _LINE_END
        self._is_first = True

    def feed(self, octets: bytes, *, is_kept: bool = True) -> tuple[bytes, bytes | None]:
        """The next octets of the content, and the octets after its end: None until the end is found.

        The content is empty unless it `is_kept`.
        """
        pending = self._held_back + octets
        # To look for one octet takes a fiftieth of the time, and base64 has no dots.
        has_dots = _DOT in pending
        end = pending.find(_END) if has_dots else -1
        if end >= 0:
            content = self._unstuff(pending[: end + len(_LINE_END)], has_dots=True) if is_kept else b""
            return content, pending[end + len(_END) :]
        # Octets that may begin the end wait for the next octets.
        held_back = next(length for length in (4, 3, 2, 1, 0) if pending.endswith(_END[:length]))
        known = len(pending) - held_back
        self._held_back = pending[known:]
        return self._unstuff(pending[:known], has_dots=has_dots) if is_kept else b"", None

    def _unstuff(self, octets: bytes, *, has_dots: bool) -> bytes:
        content = octets.replace(_STUFFED, _LINE_END) if has_dots else octets
        if self._is_first and content:
            self._is_first = False
            return content[len(_LINE_END) :]
        return content
