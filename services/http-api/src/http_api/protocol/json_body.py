"""The body of a call: JSON whose values must have exactly the declared types. Pure."""

from typing import TypeVar

import msgspec

from http_api.protocol.errors import BadInput

Body = TypeVar("Body", bound=msgspec.Struct)


def decode_strictly(body: object, body_type: type[Body]) -> Body:
    """Convert `body`, without Litestar's leniency, for which "60" is 60 and 1 is true; raises BadInput."""
    try:
        return msgspec.convert(body, body_type)
    except msgspec.ValidationError as error:
        complaint, _, path = str(error).partition(" - at `$.")
        field = path.rstrip("`") or "body"
        raise BadInput(field, f"{field}: {complaint.replace('`', '')}.") from None
