"""The open elements while the tags of a document are read, in time linear in the number of tags. Pure.

A parser of HTML takes quadratic time and memory for elements that are nested too deep, never closed, or closed out of
order (HTML Standard, "adoption agency algorithm"). Here elements are nested to a bounded depth and closed in order.
"""

import functools
from collections import defaultdict
from collections.abc import Callable
from weakref import WeakMethod

import msgspec

from fake_email.html import elements, style
from fake_email.html.style import Style

DEPTH = 200  # of open elements; browsers stop at 512


class Element(msgspec.Struct, frozen=True, gc=False):
    """An open element; `hidden` has the bits of `style` for its text, with those of the elements around it."""

    name: str
    style: Style
    hidden: int = 0
    is_over: bool = False  # its end tag came while another element was open inside

    @property
    def is_unusual(self) -> bool:
        """True where tags inside of this element do more than elsewhere."""
        return self.hidden != 0 or self.is_over or self.style.display == "flex"


def element(name: str, own: Style) -> Element:
    """The element of a start tag with this style where nothing around it is hidden."""
    return _known("img" if name == "image" else name, own, own.hides)  # HTML, "in body", of "image": "don't ask"


_known = functools.lru_cache(maxsize=1024)(Element)  # equal elements are one, which `nestings` relies on


class Structure:
    """The elements that are open in one reading of one document; `closed` is called for each that ends.

    It is a method of the reading, which keeps this structure. It is held weakly: in a cycle, all of a large document
    would stay in memory until the garbage collector finds it.
    """

    def __init__(self, closed: Callable[[Element], None], *, has_sheets: bool = False) -> None:
        self.open: list[Element] = []
        # The open elements that are hidden, over or flexible, and all that were too deep.
        self.unusual = 0
        self._closed = WeakMethod(closed)
        # A style sheet, which is not read, may show again what is without size or invisible.
        self._shows = style.INVISIBLE | style.NO_SIZE if has_sheets else 0
        self.names: defaultdict[str, int] = defaultdict(int)  # of the open elements
        self.too_deep: defaultdict[str, int] = defaultdict(int)

    def start(self, name: str, attributes: str) -> Element | None:
        """The element that a start tag opens; None for a tag that is left out. A void element is not opened."""
        return self.start_element(element(name, style.read(name, attributes) if attributes else style.PLAIN))

    def start_element(self, element: Element) -> Element | None:
        """Do the same, for an element of `element`. An unknown element counts only where it is hidden."""
        name = element.name
        if name not in elements.KNOWN:
            if not element.hidden or name in elements.VOID:
                return None
        elif not self.may_start(name):
            return None
        open_ = self.open
        if element.hidden or (open_ and open_[-1].hidden):
            element = self._within(element)
        if name not in elements.VOID:
            if len(open_) >= DEPTH:
                self.too_deep[name] += 1
                self.unusual += 1
                return None
            open_.append(element)
            self.names[name] += 1
            self.unusual += element.is_unusual
        return element

    def push(self, element: Element) -> bool:
        """Open a known element that is not void, where nothing is hidden and the depth allows it; False if it cannot
        start here.
        """
        name = element.name
        closing = _CLOSING[name]
        if closing is not None and not closing(self, name):
            return False
        self.open.append(element)
        self.names[name] += 1
        return True

    def may_start(self, name: str) -> bool:
        """Close what ends where a known element starts; False for one that cannot start here."""
        closing = _CLOSING[name]
        return closing is None or closing(self, name)

    def pop(self) -> Element:
        """The last element, which is no longer open; nothing may be hidden or over."""
        element = self.open.pop()
        self.names[element.name] -= 1
        return element

    def _within(self, element: Element) -> Element:
        """The element, hidden as the elements around it are, too."""
        own = element.style
        around = self.hidden() if element.name not in elements.TABLE_PARTS else self.open[-1].hidden
        return _known(element.name, own, around & ~(own.shows | self._shows) | own.hides)

    def end(self, name: str) -> None:
        """Close what an end tag closes."""
        if self.too_deep and self.too_deep[name]:
            self.too_deep[name] -= 1
        elif self.open and self.open[-1].name == name:
            self._close_last()
        elif name in elements.HEADINGS:
            self.close_nearest(elements.HEADINGS, elements.CELLS)
        elif not self.names[name]:
            return
        elif name in elements.TABLE_PARTS or name == "table":
            self.close_nearest(frozenset({name}), elements.ONLY_TABLE)
        elif name in elements.BLOCKS:
            self.close_nearest(frozenset({name}), elements.CELLS)
        else:
            self._end_inline(name)

    def hidden(self) -> int:
        """The bits of `style` for text that stands here."""
        if not self.open or not self.open[-1].hidden or self.open[-1].name not in elements.WITHOUT_TEXT:
            return self.open[-1].hidden if self.open else 0
        # HTML, "foster parent": what a table has outside of its cells is shown before the table.
        index = next(index for index in range(len(self.open) - 1, -1, -1) if self.open[index].name == "table")
        return self.open[index - 1].hidden if index else 0

    def end_all(self) -> None:
        self.close_to(0)

    def _end_inline(self, name: str) -> None:
        in_block = False
        for index in range(len(self.open) - 1, -1, -1):
            element = self.open[index]
            if element.name == name and not element.is_over:
                if in_block:
                    self.open[index] = Element(name, element.style, element.hidden, is_over=True)
                    self.unusual += not element.is_unusual
                else:
                    self.close_to(index)
                return
            if element.name in elements.CELLS:
                return
            in_block = in_block or element.name in elements.BLOCKS or element.name in elements.TABLE_PARTS

    def close_nearest(self, names: frozenset[str], barriers: frozenset[str]) -> None:
        """Close the innermost element with one of these names, and all inside it, unless a barrier is inside it."""
        if not any(map(self.names.__getitem__, names)):
            return
        for index in range(len(self.open) - 1, -1, -1):
            name = self.open[index].name
            if name in names:
                self.close_to(index)
                return
            if name in barriers:
                return

    def close_to(self, depth: int) -> None:
        while len(self.open) > depth:
            self._close_last()

    def _close_last(self) -> None:
        open_ = self.open
        while True:
            element = open_.pop()
            self.names[element.name] -= 1
            if element.is_unusual:
                self.unusual -= 1
            if (closed := self._closed()) is not None:
                closed(element)
            if not open_ or not open_[-1].is_over:
                return


_PARAGRAPH = frozenset({"p"})
# These close the elements that end where this one starts; they return false when this one cannot start here.


def _close_before_link(structure: Structure, name: str) -> bool:
    if structure.names[name] or structure.too_deep:
        structure.end(name)
    return True


def _close_before_table_part(structure: Structure, name: str) -> bool:
    if not structure.names["table"]:
        return False
    parents = elements.PARENTS[name]
    while structure.open[-1].name not in parents:
        structure.close_to(len(structure.open) - 1)
    return True


def _close_before_item(structure: Structure, name: str) -> bool:
    structure.close_nearest(elements.ITEMS[name], elements.LISTS)
    return _close_before_block(structure, name)


def _close_before_block(structure: Structure, _name: str) -> bool:
    if structure.names["p"]:
        structure.close_nearest(_PARAGRAPH, elements.CELLS)
    return True


def _close_before_heading(structure: Structure, name: str) -> bool:
    _close_before_block(structure, name)
    if structure.open and structure.open[-1].name in elements.HEADINGS:
        structure.close_to(len(structure.open) - 1)
    return True


_CLOSING: dict[str, Callable[[Structure, str], bool] | None] = {
    **dict.fromkeys(elements.KNOWN),
    **dict.fromkeys(elements.TABLE_PARTS, _close_before_table_part),
    **dict.fromkeys(elements.BLOCKS, _close_before_block),
    **dict.fromkeys(elements.HEADINGS, _close_before_heading),
    **dict.fromkeys(elements.ITEMS, _close_before_item),
    "a": _close_before_link,
}
