"""The media types that a client accepts: the field Accept (RFC 9110 §12.5.1). Pure."""

import re

_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def accepts(field: str, media_type: str) -> bool:
    """True when `field` allows `media_type`."""
    return quality(field, media_type) > 0


def quality(field: str, media_type: str) -> float:
    """The quality of `media_type`, from 0 (refused) to 1: that of the most specific range that includes the type.

    An empty field counts as no field, which allows every type.
    """
    main_type = media_type.partition("/")[0]
    qualities: dict[str, float] = {}
    for item in field.lower().split(","):
        media_range, *parameters = (each.strip() for each in item.split(";"))
        found = max((_parse(each) for each in parameters if each.startswith("q=")), default=1.0)
        qualities[media_range] = max(found, qualities.get(media_range, 0.0))
    if not field.strip():
        return 1.0
    return next((qualities[each] for each in (media_type, f"{main_type}/*", "*/*") if each in qualities), 0.0)


def _parse(parameter: str) -> float:
    """The value of a parameter `q=`; 1 when the value is malformed, as without the parameter."""
    value = parameter.removeprefix("q=")
    return float(value) if _QUALITY.fullmatch(value) else 1.0
