"""Mail as text that cannot control a terminal. Pure."""

import unicodedata


def printable(text: str) -> str:
    """The text without what controls a terminal or turns the direction of the text around (Unicode categories C)."""
    return "".join("�" if unicodedata.category(each) in {"Cc", "Cf", "Cs"} else each for each in text)


def printable_lines(text: str) -> str:
    return "\n".join(printable(line.expandtabs(4)) for line in text.splitlines())
