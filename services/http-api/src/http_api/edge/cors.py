"""Which pages may read answers in a browser (Fetch Standard, "CORS protocol"), and what of them. Pure."""

import re
from collections.abc import Mapping

from http_api.protocol import origins

_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE"})
_FIELDS = frozenset({"authorization", "content-type", "if-none-match", "if-range", "last-event-id", "range"})
# What a page may send anyway; some browsers ask for it all the same.
_SAFE_FIELDS = frozenset({"accept", "accept-language", "content-language"})
_EXPOSED = (
    b"accept-ranges, content-disposition, content-length, content-range, etag, location, "
    b"ratelimit-limit, ratelimit-policy, ratelimit-remaining, ratelimit-reset, retry-after"
)
_MAX_AGE_SECONDS = 86_400

Headers = list[tuple[bytes, bytes]]


class Pages:
    """The pages of these origins; a `*` in one stands for one label part."""

    def __init__(self, listed: tuple[str, ...]) -> None:
        self._origins = re.compile(origins.pattern(listed).encode())

    def headers(self, origin: bytes) -> Headers:
        """What makes an answer readable for a page of `origin`; nothing unless it is a listed one."""
        if not self._origins.fullmatch(origin):
            return []
        return [*_allowing(origin), (b"access-control-expose-headers", _EXPOSED)]

    def permission(self, asked: Mapping[bytes, bytes]) -> Headers:
        """The answer to a browser that asks whether a page may make a call; nothing when it may not."""
        origin = asked.get(b"origin", b"")
        method = asked.get(b"access-control-request-method", b"").decode("latin-1")
        fields = asked.get(b"access-control-request-headers", b"").decode("latin-1").lower().split(",")
        unknown = {field.strip() for field in fields} - _FIELDS - _SAFE_FIELDS - {""}
        if method not in _METHODS or unknown or not self._origins.fullmatch(origin):
            return []
        return [
            *_allowing(origin),
            (b"access-control-allow-methods", ", ".join(sorted(_METHODS)).encode()),
            (b"access-control-allow-headers", ", ".join(sorted(_FIELDS)).encode()),
            (b"access-control-max-age", b"%d" % _MAX_AGE_SECONDS),
        ]


def _allowing(origin: bytes) -> Headers:
    return [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
