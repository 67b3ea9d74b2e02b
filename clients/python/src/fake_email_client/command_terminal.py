"""Text on a terminal: colours, columns, and a line that shows progress."""

import os
import shutil
import sys
import threading
import time
import unicodedata
from collections.abc import Callable
from types import TracebackType
from typing import Self

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAME_SECONDS = 0.1
_CLEAR_LINE = "\r\x1b[K"
_STYLES = {"bold": "1", "dim": "2", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


def width(text: str) -> int:
    """The columns that the text takes on a terminal (UAX #11)."""
    return sum(_columns(each) for each in text)


def fit(text: str, columns: int) -> str:
    """The text in exactly so many columns: cut with an ellipsis, or filled with blanks."""
    if width(text) > columns:
        kept, used = "", 0
        for each in text:
            used += _columns(each)
            if used > columns - 1:
                break
            kept += each
        text = f"{kept}…"
    return text + " " * (columns - width(text))


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Terminal:
    """stdout when a person reads it; `print` may be called while `progress` shows its line."""

    def __init__(self) -> None:
        self.is_plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
        self._lock = threading.Lock()
        self._line = ""

    @property
    def columns(self) -> int:
        return shutil.get_terminal_size().columns

    def style(self, text: str, *names: str) -> str:
        if self.is_plain or not names:
            return text
        return f"\x1b[{';'.join(_STYLES[name] for name in names)}m{text}\x1b[0m"

    def print(self, text: str = "") -> None:
        with self._lock:
            clear = _CLEAR_LINE if self._line else ""
            sys.stdout.write(f"{clear}{text}\n{self._line}")
            sys.stdout.flush()

    def progress(self, text: Callable[[float], str]) -> "Progress":
        """Show a line until the block ends; `text` gets the seconds since the beginning."""
        return Progress(self, text)

    def show_line(self, line: str) -> None:
        with self._lock:
            self._line = line
            sys.stdout.write(f"{_CLEAR_LINE}{line}")
            sys.stdout.flush()


class Progress:
    """A line at the bottom that is drawn again every tenth of a second."""

    def __init__(self, terminal: Terminal, text: Callable[[float], str]) -> None:
        self._terminal = terminal
        self._text = text
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        if not self._terminal.is_plain:
            self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
            self._terminal.show_line("")

    def _run(self) -> None:
        began = time.monotonic()
        while True:
            seconds = time.monotonic() - began
            frame = _FRAMES[int(seconds / _FRAME_SECONDS) % len(_FRAMES)]
            text = fit(self._text(seconds), self._terminal.columns - 3).rstrip()
            self._terminal.show_line(f"{self._terminal.style(frame, 'cyan')} {self._terminal.style(text, 'dim')}")
            if self._stop.wait(_FRAME_SECONDS):
                return
