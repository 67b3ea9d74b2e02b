"""The labelled mail of `tests/labelled_mail/`: messages in 28 languages, with the findings to expect in each.

`make train` learns the weights of codes and links from this mail. `known/`, `apart/`, `short.txt` and `short_apart.txt`
are in thirteen languages. Each `batch_*/` was written and labelled before any finder had read it; `blind.txt` has
the first result of each.

In `known/`, `apart/` and `whole_*/`, a message starts with a line `==== name`. Its fields follow, then its text, then
after `<<< html` its HTML. The field `Code` is the code that a person would type, or none; a field `Link` is a kind and
a URL. `whole_*/` has mail as services send it, each by another writer, with the kinds of all of its links.

In `link_mail_1.txt` to `link_mail_13.txt`, in 28 languages, each line is a message with links: language, the kind of
each link in order, subject and body, separated by tabs. `[text](URL)` is a link of HTML, and makes the message HTML.
Each file was measured once before the words of links were learnt from it (precision and recall; in brackets of the
words before the first three, in thirteen languages):

    link_mail_1   verify 0.97 0.91 (0.65 0.49)   reset 0.93 0.93 (0.86 0.40)
    link_mail_2   verify 0.94 0.88 (0.67 0.41)   reset 0.94 1.00 (0.89 0.55)
    link_mail_3   verify 0.97 1.00 (0.88 0.50)   reset 1.00 0.93 (1.00 0.45)
    link_mail_4   verify 1.00 0.50               reset 1.00 0.94
    link_mail_5   verify 1.00 0.78               reset 1.00 0.33 (2 of 6)
    link_mail_6   verify 1.00 0.91               reset 0.94 0.97   login 1.00 0.40 (4 of 10)   unsubscribe 1.00 0.97
    link_mail_7   verify 0.96 0.90               reset 0.84 0.93   login 0.22 0.67 (2 of 3)    unsubscribe 1.00 0.80
    link_mail_8   verify 1.00 0.87               reset 1.00 1.00   login 0.80 1.00 (4 of 4)    unsubscribe 1.00 0.40
    link_mail_9   verify 1.00 1.00               reset 1.00 0.93   login 0.83 0.83 (5 of 6)    unsubscribe 1.00 0.58
    link_mail_10  verify 1.00 0.87               reset 1.00 1.00   login 1.00 1.00 (31 of 31)  unsubscribe 0.97 0.91
    link_mail_11  verify 1.00 0.93               reset 0.33 1.00   login 1.00 0.93 (27 of 29)  unsubscribe 1.00 0.18
    link_mail_12  verify 0.96 0.92               reset 1.00 1.00   login 1.00 0.88 (7 of 8)    unsubscribe 0.97 0.93
    link_mail_13  verify 0.97 0.93               reset 0.86 1.00   login 1.00 0.88 (7 of 8)    unsubscribe 0.95 0.82

In link_mail_7, one mail in four is a notice ("your password was changed"). The words before link_mail_6 had 1.00 0.87
there for `verify`, and 0.96 0.86 for `reset`. In link_mail_8 they had 1.00 0.27 and 1.00 0.97: nearly all of its links
to verify confirm a subscription. Of its 30 links to unsubscribe, 12 were found: "remove me" in 18 languages was new.
Of the 33 links to unsubscribe of link_mail_11, 25 say "no more adverts", each in another language. Since then, a link
with a word for "no" beside one for a kind of mail is such a link; link_mail_12 has "stop the price alerts".

Of the 22 links to verify that were not found in link_mail_4, 18 say "this is my address", each in another language.

In `short.txt`, `short_apart.txt`, `short_wrong.txt` (kinds of mail that were found wrong), `short_display.txt` (a
number by itself on a line or in large type, in 28 languages, with few words for a code) and `short_pairs.txt` (numbers
on record, and such numbers as codes, in 28 languages), each line is a message: code, subject and body, separated by
tabs. The body is text, HTML, or both with `<<<` between; ⏎ stands for the end of a line. In `links.txt`, each line is a
kind, and a body with one link.

In `batch_*/`, a message starts with a line `==== code | subject`; its body is as in `short.txt`, with real line ends.
"""

import base64
import functools
import re
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

import msgspec

from fake_email.parsed_message import ParsedMessage

FOLDER = Path(__file__).parents[1] / "labelled_mail"
LANGUAGES = ("de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "zh")
OUT_OF_FOLD = FOLDER / "out_of_fold.txt"
LINKS_OUT_OF_FOLD = FOLDER / "links_out_of_fold.txt"
UNSEEN = "batch_8"  # no weights are learnt from it
BATCHES = tuple(f"batch_{number}" for number in range(1, 24) if f"batch_{number}" != UNSEEN)
LINK_MAIL = tuple(f"link_mail_{number}" for number in range(1, 14))
WHOLE = tuple(f"whole_{number}" for number in range(1, 23))
PARTS = ("known", "apart", "short", "short_apart", "short_wrong", "short_display", "short_pairs", *BATCHES, *WHOLE)
_BOUNDARY = "=_between_the_parts"
_SEPARATORS = re.compile(r"(?<=[0-9])[ -](?=[0-9])")


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """One message, and the code and links to find in it."""

    name: str
    code: str
    links: dict[str, str]
    content: bytes


@functools.cache
def read(part: str) -> list[Labelled]:
    """Return all messages of a part."""
    if part.startswith("batch"):
        return [each for path in sorted((FOLDER / part).iterdir()) for each in _read_batch(path)]
    if part.startswith("short"):
        return list(_read_short(FOLDER / f"{part}.txt"))
    return [each for path in sorted((FOLDER / part).iterdir()) for each in _read(path)]


def _read(path: Path) -> Iterator[Labelled]:
    for block in path.read_text(encoding="utf-8").split("==== ")[1:]:
        name, _, rest = block.partition("\n")
        fields, _, body = rest.partition("\n\n")
        text, has_html, html = body.partition("<<< html\n")
        pairs = [line.split(": ", 1) for line in fields.splitlines()]
        yield Labelled(
            name=f"{path.stem}: {path.parent.name}: {name}",
            code=next(value for field, value in pairs if field == "Code"),
            links={value.split()[1]: value.split()[0] for field, value in pairs if field == "Link"},
            content=_message(next(v for field, v in pairs if field == "Subject"), text, html if has_html else None),
        )


def _read_batch(path: Path) -> Iterator[Labelled]:
    for block in ("\n" + path.read_text(encoding="utf-8")).split("\n==== ")[1:]:
        head, _, body = block.partition("\n")
        code, subject = head.split(" | ", 1)
        typed = _SEPARATORS.sub("", code) if code.strip("0123456789 -") == "" else code
        name = f"{path.stem}: {path.parent.name}: {subject}"
        yield Labelled(name=name, code=typed, links={}, content=_message_of_body(subject, body))


def _read_short(path: Path) -> Iterator[Labelled]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        code, subject, written = line.split("\t")
        content = _message_of_body(subject, written.replace("⏎", "\n"))
        yield Labelled(name=f"{path.stem}: line {number}", code=code, links={}, content=content)


def _message_of_body(subject: str, body: str) -> bytes:
    text, _, html = body.partition("<<<") if body[:1] != "<" else ("", "", body)
    return _message(subject, text or ("" if html else " "), html or None)


def _message(subject: str, text: str, html: str | None) -> bytes:
    """A message as bytes; the standard library would take a third of the time of the tests for this."""
    parts = [(subtype, body) for subtype, body in (("plain", text), ("html", html)) if (body or "").strip()]
    written = [_part(subtype, body or "") for subtype, body in parts or [("html", html)]]
    encoded = base64.b64encode(subject.encode()).decode()
    head = f"From: Sender <sender@x.test>\r\nSubject: =?utf-8?b?{encoded}?=\r\nMIME-Version: 1.0\r\n"
    if len(written) == 1:
        return f"{head}{written[0]}".encode()
    both = "".join(f"--{_BOUNDARY}\r\n{each}" for each in written)
    return (
        f'{head}Content-Type: multipart/alternative; boundary="{_BOUNDARY}"\r\n\r\n{both}--{_BOUNDARY}--\r\n'.encode()
    )


def _part(subtype: str, body: str) -> str:
    lines = "\r\n".join(body.splitlines())
    return f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{lines}\r\n"


def read_links() -> list[tuple[str, str, str]]:
    """Return the kind of each link, and the text or the HTML that contains only this link."""
    lines = (FOLDER / "links.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.replace("⏎", "\n").split("\t") for line in lines]
    return [(kind, "" if body.startswith("<") else body, body if body.startswith("<") else "") for kind, body in rows]


def first_code(parsed: ParsedMessage) -> str:
    """Return the best code of a message, or "none"."""
    return parsed.codes[0].value if parsed.codes else "none"


def figures_of_kinds(pairs: Mapping[tuple[str, str], int]) -> Iterator[tuple[str, int, int, int]]:
    """Each kind of link, and how many links have it rightly, have it, and are labelled with it.

    The pairs are a label and the kind that was given, with their number.
    """
    for kind in ("verify", "reset", "login", "unsubscribe"):
        given = sum(count for (_, each), count in pairs.items() if each == kind)
        labelled = sum(count for (label, _), count in pairs.items() if label == kind)
        yield kind, pairs.get((kind, kind), 0), given, labelled


def read_link_mail(name: str) -> list[Labelled]:
    """Return the messages of a file of mail with links."""
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [_link_mail(f"{name}: line {number}", line) for number, line in enumerate(lines, 1)]


def _link_mail(name: str, line: str) -> Labelled:
    _, kinds, subject, body = line.split("\t")
    urls = _URL.findall(body)
    links = dict(zip(urls, kinds.split(","), strict=True))
    html = _HTML_LINK.sub(lambda link: f'<a href="{escape(link[2])}">{link[1]}</a>', body)
    paragraphs = None if html == body else "".join(f"<p>{paragraph}</p>" for paragraph in html.split("⏎"))
    content = _message(subject, "" if paragraphs else body.replace("⏎", "\n"), paragraphs)
    return Labelled(name=name, code="", links=links, content=content)


_HTML_LINK = re.compile(r"\[([^]]*)\]\((https?://[^)]+)\)")
_URL = re.compile(r"https?://[^\s)>⏎]+")
