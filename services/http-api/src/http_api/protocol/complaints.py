"""The complaints of msgspec about a parameter or a body, in words that name what the call takes. Pure."""

import re
from collections.abc import Iterable

from http_api.protocol import nearest

_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_CHOICE = re.compile(r"Invalid enum value ('.*')", re.DOTALL)
_SHOWN_CHARACTERS = 100


def explain(complaint: str, path: str, expected: str, fields: Iterable[str] = ()) -> tuple[str, str]:
    """The field and the sentence, from a complaint about a value, what it must be in words, and the fields that it has.

    The path of the value is as in `mailboxes[0].token`; that of the body itself is empty.
    """
    if unknown := _UNKNOWN.search(complaint):
        name = unknown[1][:_SHOWN_CHARACTERS]
        return name, f"{name}: not a field of this call; {nearest.suggest(name, fields)}."
    if missing := _MISSING.search(complaint):
        name = f"{path}.{missing[1]}" if path else missing[1]
        return name, f"{name}: missing; this call needs it."
    field = path or "body"
    if complaint.startswith(("Expected", "Invalid enum")):
        choice = _CHOICE.match(complaint)
        given = f", not {choice[1][:_SHOWN_CHARACTERS]}" if choice else ""
        return field, f"{field}: must be {expected}{given}."
    return field, f"{field}: {complaint.replace('`', '').rstrip('.')}."
