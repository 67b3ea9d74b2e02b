"""The labelled mail of `mail_with_codes/`: what a code was found in, and what was not one, in thirteen languages.

A message starts with `==== what it is`; its fields, then its text, then after `<<< html` its HTML. `Code` is the one
that a person would type, or none; `Link` is a kind and a URL. The rules were written from `known/`; `apart/` was set
aside until they were done. `short.txt` has more to write rules from, a message to a line: code, subject, and text or
HTML, or text and HTML with `<<<` between, with ⏎ for a line's end, with tabs between; `short_apart.txt` is to it as
`apart/` to `known/`. So written is `links.txt`: kind, and text or HTML with one link.
"""

import email.message
import email.policy
from collections.abc import Iterator
from pathlib import Path

import msgspec

from fake_email.parsed_message import ParsedMessage

FOLDER = Path(__file__).parents[1] / "labelled_mail"
LANGUAGES = ("de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "zh")
PARTS = ("known", "apart", "short", "short_apart")


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """One message, and what is to be found in it."""

    name: str
    code: str
    links: dict[str, str]
    content: bytes


def read(part: str) -> list[Labelled]:
    """All messages of a part."""
    if part.startswith("short"):
        return list(_read_short(FOLDER / f"{part}.txt"))
    return [each for language in LANGUAGES for each in _read(FOLDER / part / f"{language}.txt")]


def _read(path: Path) -> Iterator[Labelled]:
    for block in path.read_text(encoding="utf-8").split("==== ")[1:]:
        name, _, rest = block.partition("\n")
        fields, _, body = rest.partition("\n\n")
        text, has_html, html = body.partition("<<< html\n")
        said = [line.split(": ", 1) for line in fields.splitlines()]
        yield Labelled(
            name=f"{path.stem}: {name}",
            code=next(value for field, value in said if field == "Code"),
            links={value.split()[1]: value.split()[0] for field, value in said if field == "Link"},
            content=_message(next(v for field, v in said if field == "Subject"), text, html if has_html else None),
        )


def _read_short(path: Path) -> Iterator[Labelled]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        code, subject, written = line.split("\t")
        body = written.replace("⏎", "\n")
        text, _, html = body.partition("<<<") if body[:1] != "<" else ("", "", body)
        content = _message(subject, text or ("" if html else " "), html or None)
        yield Labelled(name=f"{path.stem}: line {number}", code=code, links={}, content=content)


def _message(subject: str, text: str, html: str | None) -> bytes:
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"] = "Sender <sender@x.test>"
    message["Subject"] = subject
    if text.strip():
        message.set_content(text)
        if html is not None:
            message.add_alternative(html, subtype="html")
    else:
        message.set_content(html or "", subtype="html")
    return bytes(message)


def read_links() -> list[tuple[str, str, str]]:
    """The kind of a link, and the text or the HTML that it is the only one of."""
    lines = (FOLDER / "links.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.replace("⏎", "\n").split("\t") for line in lines]
    return [(kind, "" if body.startswith("<") else body, body if body.startswith("<") else "") for kind, body in rows]


def first_code(parsed: ParsedMessage) -> str:
    """The best code of a message, or none."""
    return parsed.codes[0].value if parsed.codes else "none"
