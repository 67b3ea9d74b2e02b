"""The output of a command: a table for a person, or a line of JSON for each row."""

import datetime
import sys
from collections.abc import Sequence

import msgspec

from fake_email.storage.mailboxes import NEVER

_CELL_CHARACTERS = 60
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_UNIT = 1_024


def show(rows: Sequence[msgspec.Struct], *, as_json: bool, nothing: str) -> None:
    """Print rows of one type; `nothing` is said when there are none."""
    if as_json:
        sys.stdout.writelines(msgspec.json.encode(row).decode() + "\n" for row in rows)
    elif rows:
        sys.stdout.write(_table(rows))
    else:
        sys.stdout.write(f"{nothing}\n")


def show_fields(row: msgspec.Struct, *, as_json: bool) -> None:
    """Print one row, a line for each field."""
    if as_json:
        show([row], as_json=True, nothing="")
        return
    values = {name.replace("_", " "): _cell(name, value) for name, value in msgspec.structs.asdict(row).items()}
    width = max(map(len, values))
    sys.stdout.writelines(f"{name:<{width}}  {value}\n" for name, value in values.items())


def _table(rows: Sequence[msgspec.Struct]) -> str:
    names = rows[0].__struct_fields__
    cells = [[_cell(name, getattr(row, name)) for name in names] for row in rows]
    heads = [name.replace("_", " ") for name in names]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    is_number = [isinstance(getattr(rows[0], name), int) for name in names]
    lines = [
        "  ".join(
            f"{cell:>{width}}" if number else f"{cell:<{width}}"
            for cell, width, number in zip(line, widths, is_number, strict=True)
        ).rstrip()
        for line in (heads, *cells)
    ]
    return "\n".join(lines) + "\n"


def _cell(name: str, value: object) -> str:
    if isinstance(value, datetime.datetime):
        return "never" if value >= NEVER else f"{value.astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S}Z"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _size(value) if "octets" in name else f"{value:,}"
    # The text of a stranger must not move the cursor or colour the terminal.
    text = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in str(value or "-"))
    return text if len(text) <= _CELL_CHARACTERS else f"{text[: _CELL_CHARACTERS - 1]}…"


def _size(octets: int) -> str:
    size, unit = float(octets), 0
    while size >= _UNIT and unit < len(_UNITS) - 1:
        size, unit = size / _UNIT, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{octets} B"
