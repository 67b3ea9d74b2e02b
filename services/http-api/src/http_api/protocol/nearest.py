"""The name that a client probably meant by one that a call does not have. Pure."""

import difflib
from collections.abc import Iterable

_SHOWN_CHARACTERS = 100
# At 0.6, the default of difflib, `text` is near to `expect`.
_CUTOFF = 0.65


def suggest(name: str, known: Iterable[str]) -> str:
    """The nearest name that the call has, else all of its names."""
    names = sorted(known)
    nearest = difflib.get_close_matches(name[:_SHOWN_CHARACTERS].lower(), names, n=1, cutoff=_CUTOFF)
    if nearest:
        return f"the nearest is {nearest[0]}"
    return f"this call has {', '.join(names) or 'none'}"
