"""The text that a reader sees in HTML, in one pass and in time linear in the length of any markup.

The pass reads in one of three ways, the fastest that the markup allows. A stretch is many tags at once, whose effect
`nestings` remembers from the last time. A run is one element or tag, with the text behind it. A token is anything else.
"""

import re
from collections.abc import Callable, Sequence

import msgspec

from fake_email.html import anchors, elements, nestings, style, text_lines, text_tags, tokens
from fake_email.html.nestings import Move, Nesting
from fake_email.html.structure import DEPTH
from fake_email.html.text_tags import Tag
from fake_email.html.text_writer import Writer

_TAGS = 2 * tokens.TAGS  # of HTML read
_LINK_TAGS = 2_000  # that are kept
_TAGS_AT_ONCE = 4_096  # some milliseconds; the clock is read in between
# Where too many stretches are new or end early, remembering them takes longer than it saves.
_BREAKS, _TAGS_A_BREAK = 64, 6


class Rendered(msgspec.Struct, frozen=True):
    """The text of a document, and the tags of its links; None where some may be hidden, or were not read."""

    text: str
    link_tags: Sequence[anchors.Tag] | None


def render(markup: str) -> str:
    """The text of HTML: blocks on lines, cells apart, lists marked, a link's target behind its text as `<target>`."""
    return read(markup).text


def read(markup: str, is_over: Callable[[], bool] = lambda: False) -> Rendered:
    """The text of HTML, as `render` gives it, and the tags of its links; reading ends early when the time `is_over`."""
    reading = _Reading(markup[: tokens.CHARACTERS], is_over)
    return Rendered(text_lines.join(reading.writer.finish()), reading.link_tags if reading.has_all_links else None)


class _Reading:
    """One reading of one document, from its start to its end."""

    def __init__(self, markup: str, is_over: Callable[[], bool]) -> None:
        self.scanner = tokens.Scanner(markup)
        self.tokens = iter(self.scanner)
        self.is_over = is_over
        self.tags = 0
        self.most_tags = _TAGS_AT_ONCE
        has_sheets = style.has_sheets(markup)
        self.writer = Writer(tokens.base(markup), has_sheets=has_sheets)
        self.known = text_tags.Known()
        self.nestings = nestings.known(has_sheets=has_sheets)
        self.remembers = True
        self.breaks = 0  # in the reading of stretches
        self.link_tags: list[anchors.Tag] = []
        self.has_all_links = True
        self.read(markup)

    def read(self, markup: str) -> None:
        while self.may_read_more():
            self.read_stretches()
            if not self.read_runs(len(markup)) and self.tags < self.most_tags:
                token = next(self.tokens, None)
                if token is None:
                    break
                self.read_token(token)
        else:
            self.has_all_links = False
        self.has_all_links &= len(self.link_tags) < _LINK_TAGS

    def may_read_more(self) -> bool:
        """True while there is time for more tags, and the bound of tags is not reached."""
        if self.tags < self.most_tags:
            return True
        if self.most_tags >= _TAGS or self.is_over():
            return False
        self.most_tags = min(self.most_tags + _TAGS_AT_ONCE, _TAGS)
        return True

    def read_token(self, token: tokens.Token) -> None:
        type_, start, end, name, attributes = token
        if type_ == "text":
            self.writer.write(self.scanner.markup[start:end])
            return
        self.tags += 1
        if type_ == "end":
            self.writer.end(text_tags.read(f"/{name}"))
        elif name in elements.UNSEEN:
            self.scanner.skip_unseen(name, attributes)
        elif type_ == "start":
            tag = text_tags.read(f"{name}{attributes}")
            self.writer.start(tag, attributes)
            if tag.is_link:
                self.keep((start, end, name, attributes, None, None))
            self.has_all_links &= not tag.hides or (tag.is_void and not tag.is_link)

    def nesting(self) -> Nesting | None:
        """The nesting at this position; None where the effect of tags cannot be remembered, or no longer is."""
        if not self.remembers or not self.writer.can_remember:
            return None
        nesting = self.nestings.here(self.writer.structure)
        self.remembers = nesting is not None and self.breaks <= _BREAKS + self.tags // _TAGS_A_BREAK
        return nesting

    def read_stretches(self) -> None:  # noqa: C901, PLR0912  # a call for each takes time
        """Read the stretches from here on, by the remembered effect of their tags."""
        scanner, writer, tags, most_tags = self.scanner, self.writer, self.tags, self.most_tags
        visible, structure = writer.visible, writer.structure
        nesting = self.nesting() if scanner.markup.startswith("<", scanner.position) else None
        if nesting is None:
            return
        is_entered = True
        self.breaks += 1
        position = len(scanner.markup)
        for stretch in scanner.stretches():
            inside, attributes, words, picture, text = stretch.groups()
            if tags >= most_tags or not (inside or attributes or picture):
                position = stretch.start()
                break
            if inside:
                last = visible[-1][-1]
                moves = (
                    nesting.behind_line
                    if last == "\n"
                    else nesting.behind_blank
                    if last == " "
                    else nesting.behind_text
                )
                if move := moves.get(inside):
                    if move.written:
                        visible.append(move.written)
                    tags += move.tags
                    is_entered &= move.nesting is nesting
                    nesting = move.nesting
                else:
                    if not is_entered:
                        nesting.enter(structure)
                    self.tags = tags
                    self.breaks += 1
                    after = self.read_new(moves, stretch)
                    if after is None:
                        return
                    tags, nesting, is_entered = self.tags, after, True
            if attributes:
                tag = text_tags.of_link(attributes)
                if not (nesting.takes_links and tag.is_leaf):
                    position = stretch.end(1)
                    break
                url = writer.write_link(tag, attributes, words)
                tags += 2
                self.keep((stretch.end(1), stretch.start(3), "a", attributes, url, words))
            elif picture:
                tag = text_tags.of_picture(picture)
                if not (nesting.takes_links and tag.is_usual):
                    position = stretch.end(1)
                    break
                writer.begin(tag, picture)
                tags += 1
            if text:
                writer.write(text)
        self.tags = tags
        scanner.position = position
        if not is_entered:
            nesting.enter(structure)

    def read_new(self, moves: dict[str, Move], stretch: re.Match[str]) -> Nesting | None:
        """Read the tags of a new stretch one by one, and remember their effect; returns the nesting behind them.

        None where reading stopped before the end of the stretch, or has no nesting there.
        """
        writer = self.writer
        written, tags, lists, links = len(writer.visible), self.tags, writer.lists.copy(), writer.structure.names["a"]
        inside, end = stretch[1], stretch.end(1)
        self.scanner.position = stretch.start()
        self.read_runs(end, is_new=True)
        while self.scanner.position < end and self.scanner.markup.startswith("<!--", self.scanner.position):
            self.read_token(next(self.tokens))
            self.read_runs(end, is_new=True)
        after = self.nesting() if self.scanner.position == end else None
        is_alike = writer.lists == lists and writer.structure.names["a"] == links
        if after and is_alike and len(inside) <= nestings.CHARACTERS:
            self.nestings.add(moves, inside, Move("".join(writer.visible[written:]), self.tags - tags, after))
        return after

    def read_runs(self, end: int, *, is_new: bool = False) -> bool:  # noqa: C901, PLR0912  # as above
        """Read the runs up to the position `end`; true where stretches can be read, false where a token must be.

        The tags of a new stretch (`is_new`) are read up to one that is a link, or may hide links.
        """
        scanner, known, writer, most_tags = self.scanner, self.known, self.writer, self.most_tags
        for run in scanner.runs(end):
            inside, name, text, behind = run.groups()
            if inside is None or self.tags >= most_tags:
                scanner.position = run.start()
                return False
            tag = known.get(inside) or known[inside]
            if is_new and name is not None and (tag.is_unseen or tag.is_link or tag.hides):
                scanner.position = run.start()
                return False
            self.tags += 1
            if name is None:
                writer.end(tag)
            elif tag.is_unseen:
                scanner.position = run.start(3)
                scanner.skip_unseen(tag.name, inside[len(name) :])
                return False
            else:
                attributes = inside[len(name) :]
                if tag.is_link or tag.hides:
                    self.read_link(tag, attributes, run, is_deep=self.tags > DEPTH)
                elif behind is None:
                    writer.start(tag, attributes)
                else:
                    writer.write_leaf(tag, attributes, text)
                if behind is not None:
                    self.tags += 1
                    text = behind
            if text:
                writer.write(text)
            if not is_new and self.remembers and writer.can_remember:
                scanner.position = run.end()
                return True
        if scanner.markup.startswith("<", scanner.position):  # all of it was runs
            scanner.position = end
        return False

    def read_link(self, tag: Tag, attributes: str, run: re.Match[str], *, is_deep: bool) -> None:
        """Read a link, or a tag that may hide links."""
        text, has_text_alone = run[3], run[4] is not None
        if tag.hides and (tag.is_link or is_deep or not (has_text_alone or tag.is_void)):
            self.has_all_links = False
        url = None
        if has_text_alone:
            url = self.writer.write_leaf(tag, attributes, text)
        else:
            self.writer.start(tag, attributes)
        if tag.is_link:
            words = text if has_text_alone and "<" not in text else None
            self.keep((run.start(), run.start(3), tag.name, attributes, url, words))

    def keep(self, tag: anchors.Tag) -> None:
        if len(self.link_tags) < _LINK_TAGS:
            self.link_tags.append(tag)
