"""The open elements while the tags of a document are read, in time linear in the number of tags. Pure.

A parser of HTML takes quadratic time and memory for elements that are nested too deep, never closed, or closed out of
order (HTML Standard, "adoption agency algorithm"). Here elements are nested to a bounded depth and closed in order.
"""

from collections import Counter
from collections.abc import Callable

import msgspec

from fake_email.html import elements, style
from fake_email.html.style import Style

DEPTH = 200  # of open elements; browsers stop at 512


class Element(msgspec.Struct, gc=False):
    """An open element; `hidden` has the bits of `style` for its text, with those of the elements around it."""

    name: str
    style: Style
    hidden: int = 0
    is_over: bool = False  # its end tag came while another element was open inside


class Structure:
    """The elements that are open in one reading of one document; `closed` is called for each that ends."""

    def __init__(self, closed: Callable[[Element], None], *, has_sheets: bool = False) -> None:
        self.open: list[Element] = []
        self._closed = closed
        # A style sheet, which is not read, may show again what is without size or invisible.
        self._shows = style.INVISIBLE | style.NO_SIZE if has_sheets else 0
        self._names: Counter[str] = Counter()  # of the open elements
        self._too_deep: Counter[str] = Counter()

    def start(self, name: str, attributes: str) -> Element | None:
        """The element that a start tag opens; None for a tag that is left out. A void element is not opened.

        An unknown element counts only where it is hidden.
        """
        own = style.read(name, attributes) if attributes else style.PLAIN
        if name == "image":  # HTML, "in body": "don't ask"
            name = "img"
        if name not in elements.KNOWN:
            if not own.hides or name in elements.VOID:
                return None
        elif name not in elements.INLINE and not self._close_before(name):
            return None
        elif name == "a":
            self.end("a")
        around = self.hidden() if name not in elements.TABLE_PARTS else self.open[-1].hidden
        hidden = around & ~(own.shows | self._shows) | own.hides if around or own.hides else 0
        element = Element(name, own, hidden)
        if name not in elements.VOID:
            if len(self.open) >= DEPTH:
                self._too_deep[name] += 1
                return None
            self.open.append(element)
            self._names[name] += 1
        return element

    def end(self, name: str) -> None:
        """Close what an end tag closes."""
        if self._too_deep and self._too_deep[name]:
            self._too_deep[name] -= 1
        elif self.open and self.open[-1].name == name:
            self._close_last()
        elif name in elements.HEADINGS:
            self._close_nearest(elements.HEADINGS, elements.CELLS)
        elif not self._names[name]:
            return
        elif name in elements.TABLE_PARTS or name == "table":
            self._close_nearest(frozenset({name}), elements.ONLY_TABLE)
        elif name in elements.BLOCKS:
            self._close_nearest(frozenset({name}), elements.CELLS)
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
        self._close_to(0)

    def _close_before(self, name: str) -> bool:
        """Close the elements that end where this one starts; false when this one cannot start here."""
        if name in elements.TABLE_PARTS:
            if not self._names["table"]:
                return False
            parents = elements.PARENTS[name]
            while self.open[-1].name not in parents:
                self._close_to(len(self.open) - 1)
            return True
        if name in elements.ITEMS:
            self._close_nearest(elements.ITEMS[name], elements.LISTS)
        if name in elements.BLOCKS:
            if self._names["p"]:
                self._close_nearest(_PARAGRAPH, elements.CELLS)
            if name in elements.HEADINGS and self.open and self.open[-1].name in elements.HEADINGS:
                self._close_to(len(self.open) - 1)
        return True

    def _end_inline(self, name: str) -> None:
        in_block = False
        for index in range(len(self.open) - 1, -1, -1):
            element = self.open[index]
            if element.name == name and not element.is_over:
                if in_block:
                    element.is_over = True
                else:
                    self._close_to(index)
                return
            if element.name in elements.CELLS:
                return
            in_block = in_block or element.name in elements.BLOCKS or element.name in elements.TABLE_PARTS

    def _close_nearest(self, names: frozenset[str], barriers: frozenset[str]) -> None:
        """Close the innermost element with one of these names, and all inside it, unless a barrier is inside it."""
        if not any(map(self._names.__getitem__, names)):
            return
        for index in range(len(self.open) - 1, -1, -1):
            name = self.open[index].name
            if name in names:
                self._close_to(index)
                return
            if name in barriers:
                return

    def _close_to(self, depth: int) -> None:
        while len(self.open) > depth:
            self._close_last()

    def _close_last(self) -> None:
        element = self.open.pop()
        self._names[element.name] -= 1
        self._closed(element)
        while self.open and self.open[-1].is_over:
            element = self.open.pop()
            self._names[element.name] -= 1
            self._closed(element)


_PARAGRAPH = frozenset({"p"})
