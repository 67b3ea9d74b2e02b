"""The environment file of the units, as systemd reads it (systemd.exec(5), EnvironmentFile=): read, and rewritten."""

import re
from collections.abc import Mapping
from pathlib import Path

PATH = Path("/etc/fake-email/env")

_LINE = re.compile(r"\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>.*)")
_PLAIN = re.compile(r"[A-Za-z0-9@%:/.,*?&=+~_!()\[\]|^-]*")
_ESCAPED = re.compile(r"\\(.)")
_ESCAPED_IN_QUOTES = re.compile(r'\\(["\\`$])')
_TO_ESCAPE = re.compile(r'(["\\`$])')


def read(text: str) -> dict[str, str]:
    """The variables that `text` sets; a value that goes on in the next line is no value of ours."""
    return {line["name"]: _value(line["value"].strip()) for line in map(_LINE.fullmatch, text.splitlines()) if line}


def _value(written: str) -> str:
    quote = written[:1]
    if len(written) > 1 and quote in {"'", '"'} and written.endswith(quote):
        inner = written[1:-1]
        return inner if quote == "'" else _ESCAPED_IN_QUOTES.sub(r"\1", inner)
    return _ESCAPED.sub(r"\1", written)


def changed(text: str, values: Mapping[str, str]) -> str:
    """`text` with these variables in it; every other line, a comment too, stays as it is."""
    lines, left = [], dict(values)
    for line in text.splitlines():
        matched = _LINE.fullmatch(line)
        if matched and matched["name"] in values:
            name = matched["name"]
            if name in left:
                value = left.pop(name)
                lines.append(line if _value(matched["value"].strip()) == value else f"{name}={_written(value)}")
        else:
            lines.append(line)
    lines += [f"{name}={_written(value)}" for name, value in left.items()]
    return "\n".join(lines) + "\n"


def _written(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else '"' + _TO_ESCAPE.sub(r"\\\1", value) + '"'
