"""The field Content-Disposition, with the name to save a file under (RFC 6266, RFC 8187). Pure."""

import mimetypes
import unicodedata
import urllib.parse

# The attr-chars of RFC 8187 §3.2.1 that `quote` would encode.
_ATTR_CHARACTERS = "!#$&+^`|"
_FOLDERS = frozenset("/\\")


def default_name(number: int, media_type: str) -> str:
    """The name of a file that has none, the `number`th of a message."""
    return f"attachment-{number}{mimetypes.guess_extension(media_type) or ''}"


def attachment(name: str, media_type: str, *, is_inline: bool = False) -> str:
    """The field for a file to be saved as `name`, or as `attachment` with the ending of its type if `name` is empty.

    With `is_inline`, a browser shows the file. A name of dots alone counts as empty. The name has no `/` or `\\`, nor a
    character that a client may turn into one.
    """
    name = "".join(character if _FOLDERS.isdisjoint(_normal(character)) else "_" for character in name)
    if not _normal(name).strip(". "):
        name = f"attachment{mimetypes.guess_extension(media_type) or ''}"
    plain = _normal(name).encode("ascii", "ignore").decode()
    plain = "".join(character if character.isprintable() and character not in '"\\%' else "_" for character in plain)
    if not plain.strip(". "):
        plain = "attachment"  # the name has no ASCII
    elif plain.startswith(".") and not name.startswith("."):
        plain = f"attachment{plain.strip()}"  # the name has no ASCII before its ending
    kind = "inline" if is_inline else "attachment"
    if plain == name:
        return f'{kind}; filename="{plain}"'
    encoded = urllib.parse.quote(name, safe=_ATTR_CHARACTERS)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def _normal(text: str) -> str:
    """The text in plain characters (NFKD), as a client may read it: a fullwidth solidus as `/`, an ellipsis as dots."""
    return unicodedata.normalize("NFKD", text)
