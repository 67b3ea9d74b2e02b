"""Which pages may read answers in a browser (Fetch Standard, "CORS protocol"), and what of them."""

import re

from litestar.config.cors import CORSConfig

_EXPOSED = [
    *("accept-ranges", "content-disposition", "content-length", "content-range", "etag", "location"),
    *("ratelimit-limit", "ratelimit-policy", "ratelimit-remaining", "ratelimit-reset", "retry-after"),
]


def config(origins: tuple[str, ...]) -> CORSConfig:
    """CORS for these origins; a `*` in one stands for one label part."""
    patterns = [re.escape(origin).replace(r"\*", "[a-z0-9-]+") for origin in origins]
    return CORSConfig(
        allow_origins=[],
        allow_origin_regex="|".join(patterns) or r"(?!)",
        allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
        allow_headers=["authorization", "content-type", "if-none-match", "if-range", "last-event-id", "range"],
        expose_headers=_EXPOSED,
        max_age=86_400,
    )


def headers(config: CORSConfig, origin: str) -> list[tuple[bytes, bytes]]:
    """What makes an answer readable for a page of `origin`, if that is a listed one."""
    if not config.is_origin_allowed(origin):
        return []
    named = {**config.simple_headers, "access-control-allow-origin": origin, "vary": "Origin"}
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in named.items()]
