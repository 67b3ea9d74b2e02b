"""The output of the command: tables and colours on a terminal, JSON in a pipe."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

import msgspec

from fake_email_client.command_terminal import Terminal, fit
from fake_email_client.printable import printable, printable_lines
from fake_email_client.schemas import Message, SomeMessage

_TIME_COLUMNS = 8
_CODE_COLUMNS = 10
_NUMBER_COLUMNS = 3
_MIN_FLEXIBLE = 12


class Output:
    """stdout; `terminal` is None when a program reads it."""

    def __init__(self, *, is_json: bool) -> None:
        self.terminal = None if is_json or not sys.stdout.isatty() else Terminal()

    def json(self, value: object) -> None:
        """Print one line of JSON, which is UTF-8 in every environment (RFC 8259 §8.1)."""
        sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
        sys.stdout.buffer.flush()

    def raw(self, text: str) -> None:
        sys.stdout.write(f"{printable_lines(text) if sys.stdout.isatty() else text}\n")

    def source(self, octets: bytes) -> None:
        if sys.stdout.isatty():
            self.raw(octets.decode(errors="replace"))
        else:
            sys.stdout.buffer.write(octets)

    def progress(self, text: Callable[[float], str]) -> AbstractContextManager[object]:
        return self.terminal.progress(text) if self.terminal else nullcontext()


class Table:
    """Messages as rows; each row is complete when it is printed, so that the newest is at the bottom."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        fixed = _NUMBER_COLUMNS + _TIME_COLUMNS + _CODE_COLUMNS + 4 * 2
        flexible = max(terminal.columns - fixed - 1, 2 * _MIN_FLEXIBLE)
        self._from = max(_MIN_FLEXIBLE, flexible * 2 // 5)
        self._subject = flexible - self._from

    def head(self) -> None:
        self._terminal.print(self._terminal.style(self._row("#", "TIME", "FROM", "SUBJECT", "CODE"), "dim"))

    def add(self, message: SomeMessage) -> None:
        terminal = self._terminal
        number = str(message.seq).rjust(_NUMBER_COLUMNS)
        time = fit(local_time(message.received_at), _TIME_COLUMNS)
        files = attached(message)
        subject = fit(printable(message.subject) or "(no subject)", self._subject - len(files)).rstrip()
        subject_text = fit(f"{subject}{files}", self._subject)
        code = printable(message.code or "")
        sender = fit(printable(sender_of(message)), self._from)
        terminal.print(
            "  ".join(
                [
                    terminal.style(number, "dim"),
                    terminal.style(time, "dim"),
                    sender,
                    subject_text if message.seen else terminal.style(subject_text, "bold"),
                    terminal.style(code, "bold", "green") if code else terminal.style(link_mark(message), "blue"),
                ]
            ).rstrip()
        )

    def _row(self, number: str, time: str, sender: str, subject: str, code: str) -> str:
        columns = [
            (number.rjust(_NUMBER_COLUMNS), _NUMBER_COLUMNS),
            (time, _TIME_COLUMNS),
            (sender, self._from),
            (subject, self._subject),
        ]
        return "  ".join([*(fit(text, each) for text, each in columns), code])


def sender_of(message: SomeMessage) -> str:
    return message.from_[0].name or message.from_addr if message.from_ else message.from_addr


def attached(message: SomeMessage) -> str:
    number = len(message.attachments) + message.attachments_omitted
    return f" [{number} file{'s' if number > 1 else ''}]" if number else ""


def link_mark(message: SomeMessage) -> str:
    """The kind of the link that the message is about, if it has one."""
    return next((f"{each.kind} link" for each in message.links if each.kind in {"verify", "reset", "login"}), "")


def local_time(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S")


def show(terminal: Terminal, message: Message) -> None:
    """A whole message: its header, its codes and links, its files and its text."""

    def field(name: str, value: str, *styles: str) -> None:
        label = terminal.style(fit(name, 9), "dim")
        terminal.print(f"{label} {terminal.style(printable(value), *styles)}")

    field("From", message.from_header or message.from_addr)
    field("To", message.to_addr)
    field("Subject", message.subject or "(no subject)", "bold")
    field("Received", f"{message.received_at.astimezone():%Y-%m-%d %H:%M:%S}, {len_in_words(message.octets)}")
    for code in message.codes:
        sure = "" if code is message.codes[0] else f"  ({code.confidence:.0%} sure)"
        field("Code", f"{code.value}{sure}", *(("bold", "green") if not sure else ()))
    for link in message.links:
        field("Link", f"{link.kind}: {link.url}", "blue")
    for position, file in enumerate(message.attachments):
        field("File", f"{position}: {file.name}, {file.type}, {len_in_words(file.size)}")
    terminal.print()
    terminal.print(printable_lines(message.text.strip()) or terminal.style("(no text)", "dim"))


def len_in_words(octets: int) -> str:
    for unit, size in (("MB", 1_000_000), ("kB", 1_000)):
        if octets >= size:
            return f"{octets / size:.1f} {unit}"
    return f"{octets} bytes"


def span(seconds: float) -> str:
    """A time in words, as `1 h 5 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts: Sequence[tuple[int, str]] = ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    shown = [f"{number} {unit}" for number, unit in parts if number][:2]
    return " ".join(shown) or "0 s"
