"""Read and rewrite the environment file of the units as systemd does (systemd.exec(5), EnvironmentFile=)."""

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
    """The variables that `text` sets; a value that continues on the next line is not supported."""
    return {line["name"]: _value(line["value"].strip()) for line in map(_LINE.fullmatch, text.splitlines()) if line}


def _value(encoded: str) -> str:
    quote = encoded[:1]
    if len(encoded) > 1 and quote in {"'", '"'} and encoded.endswith(quote):
        inner = encoded[1:-1]
        return inner if quote == "'" else _ESCAPED_IN_QUOTES.sub(r"\1", inner)
    return _ESCAPED.sub(r"\1", encoded)


def changed(text: str, values: Mapping[str, str]) -> str:
    """`text` with these variables set; every other line, comments included, is unchanged."""
    lines, missing = [], dict(values)
    for line in text.splitlines():
        matched = _LINE.fullmatch(line)
        if matched and matched["name"] in values:
            name = matched["name"]
            if name in missing:
                value = missing.pop(name)
                lines.append(line if _value(matched["value"].strip()) == value else f"{name}={_encoded(value)}")
        else:
            lines.append(line)
    lines += [f"{name}={_encoded(value)}" for name, value in missing.items()]
    return "\n".join(lines) + "\n"


def _encoded(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else '"' + _TO_ESCAPE.sub(r"\\\1", value) + '"'
