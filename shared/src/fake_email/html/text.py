"""The text that a reader sees in HTML, in one pass and in time linear in the length of any markup."""

import re
from collections.abc import Callable, Sequence

import msgspec

from fake_email.html import anchors, elements, places, style, text_lines, text_tags, tokens
from fake_email.html.places import Move, Place
from fake_email.html.structure import DEPTH
from fake_email.html.text_tags import Tag
from fake_email.html.text_writer import Writer

_TAGS = 2 * tokens.TAGS  # of HTML read
_LINK_TAGS = 2_000  # that are kept
_TAGS_AT_ONCE = 4_096  # some milliseconds; the clock is read in between
# Where too many stretches are new or end at something else, to remember them takes longer than it saves.
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
        self.places = places.known(has_sheets=has_sheets)
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
        """True when there is time for more tags, and the document has not had all of its tags read."""
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

    def place(self) -> Place | None:
        """The place here; None where tags are read one by one."""
        if not self.remembers or not self.writer.is_at_place:
            return None
        place = self.places.here(self.writer.structure)
        self.remembers = place is not None and self.breaks <= _BREAKS + self.tags // _TAGS_A_BREAK
        return place

    def read_stretches(self) -> None:  # noqa: C901, PLR0912  # a call for each takes time
        """Read the stretches here, by what their tags did before."""
        scanner, writer, seen, tags, most_tags = self.scanner, self.writer, self.writer.seen, self.tags, self.most_tags
        structure = writer.structure
        place = self.place() if scanner.markup.startswith("<", scanner.position) else None
        if place is None:
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
                last = seen[-1][-1]
                moves = place.behind_line if last == "\n" else place.behind_blank if last == " " else place.behind_text
                if move := moves.get(inside):
                    if move.written:
                        seen.append(move.written)
                    tags += move.tags
                    is_entered &= move.place is place
                    place = move.place
                else:
                    if not is_entered:
                        place.enter(structure)
                    self.tags = tags
                    self.breaks += 1
                    after = self.read_new(moves, stretch)
                    if after is None:
                        return
                    tags, place, is_entered = self.tags, after, True
            if attributes:
                tag = text_tags.of_link(attributes)
                if not (place.takes_links and tag.is_leaf):
                    position = stretch.end(1)
                    break
                url = writer.write_link(tag, attributes, words)
                tags += 2
                self.keep((stretch.end(1), stretch.start(3), "a", attributes, url, words))
            elif picture:
                tag = text_tags.of_picture(picture)
                if not (place.takes_links and tag.is_usual):
                    position = stretch.end(1)
                    break
                writer.begin(tag, picture)
                tags += 1
            if text:
                writer.write(text)
        self.tags = tags
        scanner.position = position
        if not is_entered:
            place.enter(structure)

    def read_new(self, moves: dict[str, Move], stretch: re.Match[str]) -> Place | None:
        """Read the tags of a stretch one by one, and remember what they do; None where reading stopped before the end,
        or is at no place behind them.
        """
        writer = self.writer
        written, tags, lists, links = len(writer.seen), self.tags, writer.lists.copy(), writer.structure.names["a"]
        inside, end = stretch[1], stretch.end(1)
        self.scanner.position = stretch.start()
        self.read_runs(end, is_new=True)
        while self.scanner.position < end and self.scanner.markup.startswith("<!--", self.scanner.position):
            self.read_token(next(self.tokens))
            self.read_runs(end, is_new=True)
        after = self.place() if self.scanner.position == end else None
        is_alike = writer.lists == lists and writer.structure.names["a"] == links
        if after and is_alike and len(inside) <= places.CHARACTERS:
            self.places.add(moves, inside, Move("".join(writer.seen[written:]), self.tags - tags, after))
        return after

    def read_runs(self, end: int, *, is_new: bool = False) -> bool:  # noqa: C901, PLR0912  # as above
        """Read the runs up to this position; true where a place is reached, false where a token must be read.

        New tags are read up to one that may hide links, or is one.
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
            if not is_new and self.remembers and writer.is_at_place:
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
