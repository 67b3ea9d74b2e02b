"""The pieces of a text: written where they are seen, set aside while they are hidden; blanks as browsers show them."""

from fake_email.html import elements, references, steps, style, text_lines, text_tags
from fake_email.html.structure import Structure


class Pieces:
    """The pieces of one text so far, and where the next one goes; `structure` has the elements that are open."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.visible: list[str] = ["\n"]
        self.aside: list[str] = ["\n"]  # of the hidden element that is open
        self.hidden = 0
        self.pieces = self.visible  # where text is written; pictures, links and breaks go to `marks`
        self.marks = self.visible
        self.spaces: list[style.Space] = []  # of the open elements that have one

    def write(self, run: str) -> None:
        if len(run) > steps.CHARACTERS:
            for piece in steps.pieces(run):
                self.write_resolved(references.in_text(piece))
            return
        text = references.in_text(run) if "&" in run else run
        if text and text.isprintable() and "  " not in text and text != " " and not self.spaces:
            self.pieces.append(text)
        else:
            self.write_resolved(text)

    def write_resolved(self, text: str) -> None:
        """Write text without references."""
        if self.spaces:
            open_ = self.structure.open
            if text.isspace() and open_ and open_[-1].name in elements.WITHOUT_TEXT:
                return  # between the cells of a table
            text = text.replace("\t", " " * 4)
            if self.spaces[-1] == "kept":
                text = text.replace(" ", text_lines.KEPT_SPACE)
        elif not text.isprintable() or "  " in text:
            text = " " if text.isspace() and text.isascii() else text_lines.without_runs(text)
        if text and (text != " " or self.pieces[-1][-1] not in " \n"):
            self.pieces.append(text)

    def hide(self, hidden: int) -> None:
        """Set the following text aside while it is hidden; an element without size still shows its pictures."""
        self.hidden = hidden
        self.pieces = self.aside if hidden else self.visible
        self.marks = self.aside if hidden & ~style.NO_SIZE else self.visible

    def hide_as_around(self) -> None:
        """Hide the following text as the open element does, and drop the text of a hidden element that ended."""
        hidden = self.structure.hidden()
        if not hidden:
            self.aside = ["\n"]
        self.hide(hidden)

    def break_line(self, line_break: str) -> None:
        if line_break == text_tags.BLANK_LINE or self.marks[-1][-1] != "\n":
            self.marks.append(line_break)

    def write_mark(self, text: str) -> None:
        """Write the alternative of a picture."""
        self.marks.append(steps.change(text, text_lines.without_runs))
