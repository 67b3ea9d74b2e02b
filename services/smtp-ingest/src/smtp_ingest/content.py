"""The content of a message as DATA brings it: found in the stream, without the dots of transparency. Pure."""

_END = b"\r\n.\r\n"
_STUFFED = b"\r\n."


class Content:
    """The octets after 354, up to <CRLF>.<CRLF> and nothing less (RFC 5321 §4.1.1.4, §4.5.2).

    Over `limit` octets it keeps none and still finds the end.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # The line before the first one of the content is DATA's own, so ".<CRLF>" at once is an empty message.
        self._buffer = bytearray(b"\r\n")
        self._dots = 0
        self.is_over_limit = False

    def feed(self, octets: bytes) -> bytes | None:
        """None while there is more to come, else what follows the end of the content."""
        buffer = self._buffer
        known = len(buffer)
        buffer += octets
        end = buffer.find(_END, max(known - 4, 0))
        if end < 0:
            self._dots += buffer.count(_STUFFED, max(known - 2, 0))
            # A last <CR> may be part of the end, whose dot is counted already.
            self._check_limit(len(buffer) - 2 - buffer.endswith(b"\r\n.\r"))
            if self.is_over_limit:
                del buffer[:-4]
            return None
        self._dots += buffer.count(_STUFFED, max(known - 2, 0), end)
        rest = bytes(memoryview(buffer)[end + len(_END) :])
        del buffer[end + 2 :]
        self._check_limit(end)
        return rest

    def octets(self) -> bytes:
        """The whole content, once its end is found and if it is not over the limit."""
        if self._dots == 0:
            return bytes(memoryview(self._buffer)[2:])
        return bytes(self._buffer.replace(_STUFFED, b"\r\n")[2:])

    def _check_limit(self, octets: int) -> None:
        self.is_over_limit = self.is_over_limit or octets - self._dots > self._limit
