"""Server-sent events as bytes (HTML Living Standard §9.2.5, "Parsing an event stream"). Pure."""

import msgspec

# A line that readers ignore; it keeps the connection from looking idle.
COMMENT = b":\n\n"


def retry(milliseconds: int) -> bytes:
    """The time that a reader waits before it connects again."""
    return b"retry: %d\n\n" % milliseconds


def event(name: str, data: object, *, event_id: int | None = None) -> bytes:
    """One event, with `data` as JSON, which has no line breaks; a reader that comes back quotes the last `event_id`."""
    id_line = b"" if event_id is None else b"id: %d\n" % event_id
    return b"event: %s\n%sdata: %s\n\n" % (name.encode(), id_line, msgspec.json.encode(data))
