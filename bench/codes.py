"""The cost of finding codes and links in a message, in microseconds of CPU time for typical mail.

with: parsing the message, findings included. finding: the findings alone. with/without: the ratio of parsing with
findings to parsing without. Below, the cost of codes alone: in mail with and without one, and in 64 KB of hostile text
and in half of it, since the time must be linear.
"""

import email.message
import email.policy
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from support.harness import Pair

from bench import mail
from bench.figures import row
from fake_email import parse
from fake_email.findings import codes, links
from fake_email.html import anchors
from fake_email.html import text as html_text
from fake_email.parsed_message import ParsedMessage

_ROUNDS = 31
_SECONDS = 0.01  # at least, for one round
_ROW = (
    "<tr><td style='padding:10px 25px;font-size:0'><div style='font:13px Arial;color:#1a2b3c'>Item %d is new until"
    " May 2024; read what it can do.</div><a href='https://news.test/c/%d?utm_source=mail&amp;id=88213%d'>More</a></td></tr>\n"
)
_FOOTER = (
    "\nIf you did not ask for it, ignore this mail. Never share the code.\n\nHarbour Services Ltd, 221 Baker Street,"
    " London NW1 6XE. Company no. 04421938. Tel. 020 7946 0123.\n"
)
_HOSTILE = {
    "64 KB of codes": "code 482913 ",
    "64 KB of lines": "code\n482913\n",
    "64 KB of boxes": "code 1 2 3 4 ",
    "64 KB of capitals": "code QWXTBZ ",
    "64 KB of words": "verification code pin otp order enter valid share 482913 voucher invoice ",
    "64 KB of one number": "1",
}
_PAGE = (
    "<html><head><style>"
    + ".a{color:#123456;padding:10px}\n" * 100
    + "</style></head><body><table>%s</table></body></html>"
)


def measure(_pair: Pair) -> Iterator[str]:
    """A table of microseconds for each message, and the ratio."""
    yield row("µs to parse a message", "with", "finding", "with/without")
    for label, content in _messages().items():
        parsed = parse.parse(content)
        is_rendered = parsed.html is not None and b"text/plain" not in content
        tags = html_text.read(parsed.html).link_tags if parsed.html is not None and is_rendered else None
        find = partial(_find, parsed, unread="" if is_rendered else parsed.html or "", tags=tags)
        rounds = [(_seconds(partial(parse.parse, content)), _seconds(find)) for _ in range(_ROUNDS)]
        whole, finding = (1e6 * statistics.median(each) for each in zip(*rounds, strict=True))
        yield row(label, whole, finding, statistics.median(whole / (whole - finding) for whole, finding in rounds))

    yield row("µs to find codes", "all", "half")
    for label, text in _texts().items():
        yield row(label, *(_median(partial(codes.find, "Hello", part)) for part in (text, text[: len(text) // 2])))


def _texts() -> dict[str, str]:
    plain = "The minutes of our last talk are here. We were eight, and the next one is in spring.\n" * 24
    code = f"Hello Ann,\n\nYour verification code is 482913.\n{_FOOTER}"
    return {
        "2 KB without a word for a code": plain[:2048],
        "a code, its footer": code,
        "2 KB with a code": (code + plain)[:2048],
        **{label: (text * 65_536)[:65_536] for label, text in _HOSTILE.items()},
    }


def _median(call: Callable[[], object]) -> float:
    return 1e6 * statistics.median(_seconds(call) for _ in range(_ROUNDS))


def _find(parsed: ParsedMessage, *, unread: str, tags: Sequence[anchors.Tag] | None) -> None:
    codes.find(parsed.subject, parsed.text, parsed.html, unread)
    links.find(parsed.html, parsed.text, parsed.subject, tags)


def _messages() -> dict[str, bytes]:
    rows = "".join(_ROW % (number, number, number) for number in range(100))
    page, text = _PAGE % rows, "Item 1 is new until May 2024: see https://news.test/c/1\n" * 100
    return {
        "2 KB of text": mail.message(1),
        "a code in text": _message("Your code", "Your verification code is 482913.\n\nIt expires in 10 minutes.\n", ""),
        "30 KB of HTML": _message("News", "", page),
        "30 KB of HTML with a text part": _message("News", text, page),
    }


def _message(subject: str, text: str, html: str) -> bytes:
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["Subject"] = subject
    if text:
        message.set_content(text)
    if text and html:
        message.add_alternative(html, subtype="html")
    elif html:
        message.set_content(html, subtype="html")
    return bytes(message)


def _seconds(call: Callable[[], object]) -> float:
    """The CPU time of this thread for one call."""
    count, began = 0, time.thread_time()
    while (spent := time.thread_time() - began) < _SECONDS:
        call()
        count += 1
    return spent / count
