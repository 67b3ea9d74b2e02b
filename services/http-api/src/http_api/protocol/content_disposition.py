"""How a file is named to who saves it: Content-Disposition (RFC 6266, RFC 8187). Pure."""

import mimetypes
import unicodedata
import urllib.parse

# attr-char of RFC 8187 §3.2.1 that `quote` would encode.
_ATTR_CHARACTERS = "!#$&+^`|"


def attachment(name: str, media_type: str) -> str:
    """The field for a file to be saved under `name`; one without a name gets one that fits its type."""
    name = name or f"attachment{mimetypes.guess_extension(media_type) or ''}"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = "".join(character if character.isprintable() and character not in '"\\%' else "_" for character in plain)
    if not plain.strip() or (plain.startswith(".") and not name.startswith(".")):
        plain = f"attachment{plain.strip()}"  # nothing of it is ASCII, or only the ending
    if plain == name:
        return f'attachment; filename="{plain}"'
    encoded = urllib.parse.quote(name, safe=_ATTR_CHARACTERS)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
