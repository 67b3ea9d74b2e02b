"""The body of a call: JSON whose values must have exactly the declared types. Pure."""

from typing import TypeVar

import msgspec

from fake_email import expected
from http_api.protocol import complaints
from http_api.protocol.errors import BadInput

Body = TypeVar("Body", bound=msgspec.Struct)


def decode_strictly(body: object, body_type: type[Body]) -> Body:
    """Convert `body`, without Litestar's leniency, for which "60" is 60 and 1 is true; raises BadInput."""
    try:
        return msgspec.convert(body, body_type)
    except msgspec.ValidationError as error:
        complaint, _, path = str(error).partition(" - at `$")
        path = path.strip("`.")
        told = complaints.explain(complaint, path, expected.member(body_type, path), expected.fields(body_type, path))
        raise BadInput(*told) from None
