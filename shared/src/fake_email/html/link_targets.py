"""The target of a link, as the text of a mail has it. Pure."""

_NOT_FOLLOWED = ("javascript:", "vbscript:", "data:", "cid:", "about:", "file:", "blob:")


def followed(url: str) -> str:
    """The URL if a reader can follow it from a text, else an empty string."""
    return "" if url[:4] != "http" and url[:11].lower().startswith(_NOT_FOLLOWED) else url


def behind(label: str, target: str) -> str:
    """The target as it is written behind the label of its link; empty when the label already is the target."""
    if label in target and label in _spellings(target):
        return ""
    # RFC 3986, Appendix C: how a URI is set off in plain text.
    return f" <{target}>" if label else f"<{target}>"


def _spellings(target: str) -> tuple[str, ...]:
    short = target.removeprefix("mailto:").removeprefix("https://").removeprefix("http://")
    return target, short, target.rstrip("/"), short.rstrip("/")
