"""What runs of tags do to the text, by the place where they stand: mail repeats the same tags hundreds of times. Pure.

A place is a list of open elements. The same tags at the same place write the same text and lead to the same place, in
this mail and in the next one of its sender. What is remembered is bounded, and begins anew when it is full.
"""

from typing import NamedTuple

from fake_email.html.structure import DEPTH, Structure

CHARACTERS = 1024  # of tags that are remembered
MOVES = 4096
_ALL_CHARACTERS = 1024 * 1024  # of all tags that are remembered
PLACES = 512  # each takes up to some 8 KB


class Move(NamedTuple):
    """The text that tags write at a place, their number, and the place behind them."""

    written: str
    tags: int
    place: "Place"


class Place:
    """The elements that are open at a place; `takes_links` is true where a link changes none of them."""

    def __init__(self, structure: Structure) -> None:
        self.open = tuple(structure.open)
        self.names = {name: count for name, count in structure.names.items() if count}
        self.unusual = structure.unusual
        self.takes_links = (
            len(self.open) < DEPTH
            and "a" not in self.names
            and not (self.unusual and (self.open[-1].hidden or any(each.is_over for each in self.open)))
        )
        # What tags write depends on the character before them: the end of a line, a blank, or another.
        self.behind_line: dict[str, Move] = {}
        self.behind_blank: dict[str, Move] = {}
        self.behind_text: dict[str, Move] = {}

    def enter(self, structure: Structure) -> None:
        """Open the elements of this place, and no other."""
        structure.open[:] = self.open
        structure.names.clear()
        structure.names.update(self.names)
        structure.unusual = self.unusual


class Places:
    """Places and moves, until there are too many."""

    def __init__(self) -> None:
        self.is_full = False
        self._places: dict[tuple[int, ...], Place] = {}
        self._moves = self._characters = 0

    def here(self, structure: Structure) -> Place | None:
        """The place where these elements are open; None for a new one when there are too many."""
        key = tuple(map(id, structure.open))  # a place keeps its elements, and equal elements are one
        place = self._places.get(key)
        if place is None:
            self.is_full |= len(self._places) >= PLACES
            if not self.is_full:
                place = self._places[key] = Place(structure)
        return place

    def add(self, moves: dict[str, Move], tags: str, move: Move) -> None:
        """Remember what these tags do."""
        self._moves += 1
        self._characters += len(tags)
        self.is_full |= self._moves > MOVES or self._characters > _ALL_CHARACTERS
        if not self.is_full:
            moves[tags] = move


_current = {True: Places(), False: Places()}


def known(*, has_sheets: bool) -> Places:
    """The places and moves of all documents; a style sheet changes what hidden elements have inside."""
    if _current[has_sheets].is_full:
        _current[has_sheets] = Places()  # a thread that still reads with the old one goes on with it
    return _current[has_sheets]
