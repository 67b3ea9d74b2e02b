"""DATA's transparency (RFC 5321 §4.5.2): where the content ends, and the dots that are none of its own. Pure."""

_END = b"\r\n.\r\n"
_STUFFED = b"\r\n."
_LINE_END = b"\r\n"


class DotStuffing:
    """Takes the octets after 354 and gives the content, up to <CRLF>.<CRLF> and nothing less."""

    def __init__(self) -> None:
        # The line before the first one of the content is DATA's own, so ".<CRLF>" at once is an empty message.
        self._held = _LINE_END
        self._is_first = True

    def feed(self, octets: bytes, *, is_kept: bool = True) -> tuple[bytes, bytes | None]:
        """More of the content, if it `is_kept`; and None while there is more to come, else what follows its end."""
        pending = self._held + octets
        end = pending.find(_END)
        if end >= 0:
            plain = self._plain(pending[: end + len(_LINE_END)]) if is_kept else b""
            return plain, pending[end + len(_END) :]
        # What may be the beginning of the end waits for the next octets.
        held = next(length for length in (4, 3, 2, 1, 0) if pending.endswith(_END[:length]))
        known = len(pending) - held
        self._held = pending[known:]
        return self._plain(pending[:known]) if is_kept else b"", None

    def _plain(self, octets: bytes) -> bytes:
        plain = octets.replace(_STUFFED, _LINE_END)
        if self._is_first and plain:
            self._is_first = False
            return plain[len(_LINE_END) :]
        return plain
