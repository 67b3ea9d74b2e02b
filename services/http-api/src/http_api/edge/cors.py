"""The headers that let a web page of a listed origin read responses (Fetch Standard, "CORS protocol"). Pure."""

import re

from http_api.protocol import origins, request_fields
from http_api.protocol.request_fields import Fields

_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE"})
_FIELDS = frozenset(
    {
        *("authorization", "content-type", "if-none-match", "if-range", "last-event-id", "range"),
        *("cache-control", "x-requested-with"),  # of libraries in place of EventSource
    }
)
# A web page may send these without permission; some browsers ask for permission all the same.
_SAFE_FIELDS = frozenset({"accept", "accept-language", "content-language"})
_EXPOSED = (
    b"accept-ranges, content-disposition, content-length, content-range, etag, location, message-seq, next-since, "
    b"ratelimit-limit, ratelimit-policy, ratelimit-remaining, ratelimit-reset, remote-images-blocked, retry-after, date"
)
_MAX_AGE_SECONDS = 86_400

Headers = list[tuple[bytes, bytes]]


class AllowedOrigins:
    """The origins that are listed; a `*` stands for a part of one label of the host name."""

    def __init__(self, listed: tuple[str, ...]) -> None:
        self._origins = re.compile(origins.pattern(listed).encode())

    def allows(self, origin: bytes) -> bool:
        """True when `origin` is listed."""
        return self._origins.fullmatch(origin) is not None

    def response_headers(self, origin: bytes) -> Headers:
        """The headers that let a web page of `origin` read a response; none unless the origin is listed."""
        if not self.allows(origin):
            return []
        return [*_allow(origin), (b"access-control-expose-headers", _EXPOSED)]

    def preflight_headers(self, request: Fields) -> Headers:
        """The headers that permit the call a preflight `request` announces; none when the call is not permitted."""
        headers = dict(request)
        origin = headers.get(b"origin", b"")
        method = headers.get(b"access-control-request-method", b"").decode("latin-1")
        fields = request_fields.joined(request, b"access-control-request-headers").lower().split(",")
        unknown = {field.strip() for field in fields} - _FIELDS - _SAFE_FIELDS - {""}
        if method not in _METHODS or unknown or not self.allows(origin):
            return []
        return [
            *_allow(origin),
            (b"access-control-allow-methods", ", ".join(sorted(_METHODS)).encode()),
            (b"access-control-allow-headers", ", ".join(sorted(_FIELDS)).encode()),
            (b"access-control-max-age", b"%d" % _MAX_AGE_SECONDS),
        ]


def _allow(origin: bytes) -> Headers:
    return [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
