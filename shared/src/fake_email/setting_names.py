"""Misspelt names of settings in the environment, and the variables of a file that no program reads."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import structlog
from dotenv import dotenv_values

from fake_email.errors import SettingsError

log = structlog.get_logger()

# Of a short name, two other letters make another word.
_LETTERS_PER_MISTAKE = 4
_MAX_MISTAKES = 2
# Variables that Python, libpq, systemd, OpenSSL and the C library read.
_OF_LIBRARIES = re.compile(
    r"(?:PG|PYTHON|LISTEN_|LC_|MALLOC_|_RJEM_)\w+|NOTIFY_SOCKET|WATCHDOG_\w+|SSL_CERT_(?:FILE|DIR)"
    r"|PATH|HOME|LANG|TZ|TMPDIR|NO_COLOR|FORCE_COLOR"
)


def read_file(path: Path) -> dict[str, str]:
    """The variables that an environment file sets; raises SettingsError when the file cannot be read."""
    try:
        with path.open() as file:
            # systemd does not interpolate such a file, and a password may contain a dollar sign.
            values = dotenv_values(stream=file, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingsError(f"{path}: cannot be read: {reason}") from None
    return {name: value for name, value in values.items() if value is not None}


def warn_of_misspelt(names: Iterable[str], settings: Iterable[str]) -> None:
    """Log each of `names` that is one or two letters from a setting, and that no service reads."""
    for variable, nearest in misspelt(names, settings).items():
        log.warning("variable_not_read", variable=variable, nearest=nearest)


def misspelt(names: Iterable[str], settings: Iterable[str]) -> Mapping[str, str]:
    """Those of `names` that are one or two letters from the name of a setting, each with that setting."""
    known = frozenset(settings)
    found = {}
    for name in sorted(frozenset(names) - known):
        if _OF_LIBRARIES.fullmatch(name):
            continue
        nearest = min(sorted(known), key=lambda each: _mistakes(name.upper(), each))
        if _mistakes(name.upper(), nearest) <= min(_MAX_MISTAKES, len(nearest) // _LETTERS_PER_MISTAKE):
            found[name] = nearest
    return found


def unread(names: Iterable[str], settings: Iterable[str]) -> list[str]:
    """A line for each of `names` that neither a setting nor a library has."""
    known = frozenset(settings)
    nearest = misspelt(names, known)
    without_reader = sorted(name for name in frozenset(names) - known if not _OF_LIBRARIES.fullmatch(name))
    return [_line(name, nearest.get(name)) for name in without_reader]


def _line(name: str, nearest: str | None) -> str:
    line = f"{name}: no program reads this variable"
    return f"{line}; the nearest setting is {nearest}" if nearest else line


def _mistakes(name: str, other: str) -> int:
    """The letters to add, to leave out, to replace or to swap with their neighbour between both names."""
    if abs(len(name) - len(other)) > _MAX_MISTAKES:
        return _MAX_MISTAKES + 1
    older: list[int] = []
    old: list[int] = [*range(len(other) + 1)]
    for i, letter in enumerate(name, 1):
        new = [i]
        for j, wanted in enumerate(other, 1):
            best = min(old[j] + 1, new[-1] + 1, old[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and name[i - 2] == wanted:
                best = min(best, older[j - 2] + 1)
            new.append(best)
        older, old = old, new
    return old[-1]
