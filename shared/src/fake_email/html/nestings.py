"""The effect of tags on the text, remembered by their nesting: mail repeats the same tags hundreds of times. Pure.

A nesting is a list of open elements. In the same nesting, the same tags write the same text and lead to the same
nesting, in this mail and in the next one of its sender. The memory is bounded, and is emptied when it is full.
"""

from typing import NamedTuple

from fake_email.html.structure import DEPTH, Structure

CHARACTERS = 1024  # of tags that are remembered
MOVES = 4096
_ALL_CHARACTERS = 1024 * 1024  # of all tags that are remembered
NESTINGS = 512  # each takes up to some 8 KB


class Move(NamedTuple):
    """The text that tags write in a nesting, their number, and the nesting behind them."""

    written: str
    tags: int
    nesting: "Nesting"


class Nesting:
    """A list of open elements; `takes_links` is true where a link changes none of them."""

    def __init__(self, structure: Structure) -> None:
        self.open = tuple(structure.open)
        self.names = {name: count for name, count in structure.names.items() if count}
        self.unusual = structure.unusual
        self.takes_links = (
            len(self.open) < DEPTH
            and "a" not in self.names
            and not (self.unusual and (self.open[-1].is_unusual or any(each.is_over for each in self.open)))
        )
        # What tags write depends on the character before them: the end of a line, a blank, or another.
        self.behind_line: dict[str, Move] = {}
        self.behind_blank: dict[str, Move] = {}
        self.behind_text: dict[str, Move] = {}

    def enter(self, structure: Structure) -> None:
        """Open exactly the elements of this nesting."""
        structure.open[:] = self.open
        structure.names.clear()
        structure.names.update(self.names)
        structure.unusual = self.unusual


class Nestings:
    """The memory of nestings and moves, until it is full."""

    def __init__(self) -> None:
        self.is_full = False
        self._nestings: dict[tuple[int, ...], Nesting] = {}
        self._moves = self._characters = 0

    def here(self, structure: Structure) -> Nesting | None:
        """The nesting of these open elements; None for a new nesting when the memory is full."""
        key = tuple(map(id, structure.open))  # a nesting keeps its elements, and equal elements are one
        nesting = self._nestings.get(key)
        if nesting is None:
            self.is_full |= len(self._nestings) >= NESTINGS
            if not self.is_full:
                nesting = self._nestings[key] = Nesting(structure)
        return nesting

    def add(self, moves: dict[str, Move], tags: str, move: Move) -> None:
        """Remember the move of these tags."""
        self._moves += 1
        self._characters += len(tags)
        self.is_full |= self._moves > MOVES or self._characters > _ALL_CHARACTERS
        if not self.is_full:
            moves[tags] = move


_current = {True: Nestings(), False: Nestings()}


def known(*, has_sheets: bool) -> Nestings:
    """The memory for all documents with style sheets, or without: a sheet changes what hidden elements have inside."""
    if _current[has_sheets].is_full:
        _current[has_sheets] = Nestings()  # a thread that still reads with the old one goes on with it
    return _current[has_sheets]
