"""Server-sent events as bytes (HTML Living Standard §9.2.5, "Parsing an event stream"). Pure."""

import msgspec

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # A proxy that compresses an event waits for more: nothing may transform it (RFC 9111 §5.2.2.6).
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
# A line that readers ignore; it keeps the connection from looking idle.
COMMENT = b":\n\n"


def beginning(retry_milliseconds: int, *, event_id: int | str | None = None) -> bytes:
    """The time that a reader waits before it connects again, and the id that it quotes until the first event."""
    return b"retry: %d\n%s\n" % (retry_milliseconds, _id_line(event_id))


def event(name: str, data: object, *, event_id: int | str | None = None) -> bytes:
    """One event, with `data` as JSON, which has no line breaks; a reader that comes back quotes the last `event_id`."""
    return b"event: %s\n%sdata: %s\n\n" % (name.encode(), _id_line(event_id), msgspec.json.encode(data))


def of_mailbox(octets: bytes, address: str, *, event_id: str | None = None) -> bytes:
    """An event whose data is an object, with the address of its mailbox added to that, and another id."""
    head, _, data = octets.partition(b"data: {")
    name_line = head.partition(b"\n")[0]
    address_json = msgspec.json.encode(address)
    return b'%s\n%sdata: {"temp_email_addr":%s,%s' % (name_line, _id_line(event_id), address_json, data)


def _id_line(event_id: int | str | None) -> bytes:
    return b"" if event_id is None else b"id: %s\n" % str(event_id).encode()
