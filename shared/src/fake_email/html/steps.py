"""Long text changed in steps so short that other threads run in between.

A call into C holds the interpreter's lock until the call returns: on a megabyte for milliseconds.
"""

import re
from collections.abc import Callable, Iterator

CHARACTERS = 8192  # of one step; some steps are up to twice as long

# No white space, no character reference and no padding reaches across one of these positions.
_CUT = re.compile(r"[ \t\r\n\f&\w](?:(?<=\w[ \t\r\n\f])|(?<=[ \t\n\f]\w)|(?<=&)|(?<=[^\W\x00-\x7f]))")


def change(text: str, function: Callable[[str], str]) -> str:
    """`function(text)`, for a function that changes white space, character references or padding only."""
    return function(text) if len(text) <= CHARACTERS else "".join(map(function, pieces(text)))


def pieces(text: str) -> Iterator[str]:
    """The text in pieces of one step each, none of which cuts white space, a character reference or padding."""
    position = 0
    while position < len(text):
        cut = _CUT.search(text, position + CHARACTERS, position + 2 * CHARACTERS)
        end = cut.start() if cut else position + 2 * CHARACTERS
        yield text[position:end]
        position = end


def search(pattern: re.Pattern[str], text: str, position: int, longest: int) -> re.Match[str] | None:
    """`pattern.search(text, position)`, for a pattern that looks at `longest` characters at most."""
    for start in range(position, len(text), CHARACTERS):
        match = pattern.search(text, start, start + CHARACTERS + longest)
        if match and match.start() < start + CHARACTERS:
            return match
    return None
