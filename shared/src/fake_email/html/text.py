"""The text that a reader sees in HTML, in one pass and in time linear in the length of any markup."""

import re
from collections.abc import Callable, Sequence

import msgspec

from fake_email.html import anchors, elements, style, text_lines, text_tags, tokens
from fake_email.html.structure import DEPTH
from fake_email.html.text_tags import Tag
from fake_email.html.text_writer import Writer

_TAGS = 2 * tokens.TAGS  # of HTML read
_LINK_TAGS = 2_000  # that are kept
_TAGS_AT_ONCE = 4_096  # some milliseconds; the clock is read in between


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
        self.is_over = is_over
        self.most_tags = _TAGS_AT_ONCE
        self.writer = Writer(tokens.base(markup), has_sheets=style.has_sheets(markup))
        self.known = text_tags.Known()
        self.link_tags: list[anchors.Tag] = []
        self.has_all_links = True
        self.read(markup)

    def read(self, markup: str) -> None:
        scanner = tokens.Scanner(markup)
        tags = 0
        for type_, start, end, name, attributes in scanner:
            if type_ == "text":
                self.writer.write(markup[start:end])
            else:
                tags += 1
                if type_ == "end":
                    self.writer.end(text_tags.read(f"/{name}"))
                elif name in elements.UNSEEN:
                    scanner.skip_unseen(name, attributes)
                elif type_ == "start":
                    tag = text_tags.read(f"{name}{attributes}")
                    self.writer.start(tag, attributes)
                    if tag.is_link:
                        self.keep((start, end, name, attributes, None, None))
                    self.has_all_links &= not tag.hides or (tag.is_void and not tag.is_link)
            tags = self.read_runs(scanner, tags)
            if tags >= self.most_tags and not self.may_read_more():
                self.has_all_links = False
                break
        self.has_all_links &= len(self.link_tags) < _LINK_TAGS

    def may_read_more(self) -> bool:
        """True when there is time for more tags, and the document has not had all of its tags read."""
        if self.most_tags >= _TAGS or self.is_over():
            return False
        self.most_tags = min(self.most_tags + _TAGS_AT_ONCE, _TAGS)
        return True

    def read_runs(self, scanner: tokens.Scanner, tags: int) -> int:  # noqa: C901, PLR0912  # a call for each tag takes time
        """Read the runs here; return the number of tags read so far."""
        known, writer, most_tags = self.known, self.writer, self.most_tags
        for run in scanner.runs():
            if tags >= most_tags:
                if not self.may_read_more():
                    return tags
                most_tags = self.most_tags
            inside, name, text, behind = run.groups()
            if inside is None:
                scanner.position = run.start()
                return tags
            tag = known.get(inside) or known[inside]
            tags += 1
            if name is None:
                writer.end(tag)
            elif tag.is_unseen:
                scanner.position = run.start(3)
                scanner.skip_unseen(tag.name, inside[len(name) :])
                return tags
            else:
                attributes = inside[len(name) :]
                if tag.is_link or tag.hides:
                    self.read_link(tag, attributes, run, is_deep=tags > DEPTH)
                elif behind is None:
                    writer.start(tag, attributes)
                else:
                    writer.write_leaf(tag, attributes, text)
                if behind is not None:
                    tags += 1
                    text = behind
            if text:
                writer.write(text)
        if scanner.markup.startswith("<", scanner.position):  # all of it was runs
            scanner.position = len(scanner.markup)
        return tags

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
