"""The body of a call: JSON that must be what it says, and nothing like it. Pure."""

from typing import TypeVar

import msgspec

from http_api.protocol.errors import BadInput

Wanted = TypeVar("Wanted", bound=msgspec.Struct)


def decode_strictly(body: object, kind: type[Wanted]) -> Wanted:
    """`body` as `kind`; Litestar takes "60" for 60, and 1 for true. Raises BadInput."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        complaint, _, path = str(error).partition(" - at `$.")
        field = path.rstrip("`") or "body"
        raise BadInput(field, f"{field}: {complaint.replace('`', '')}.") from None
