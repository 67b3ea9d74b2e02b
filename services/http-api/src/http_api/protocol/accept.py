"""What a client takes: the field Accept (RFC 9110 §12.5.1). Pure."""

import re

_WEIGHT = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def accepts(field: str, media_type: str) -> bool:
    """Whether `field` allows `media_type` at all."""
    return weight(field, media_type) > 0


def weight(field: str, media_type: str) -> float:
    """How much `media_type` is wanted, from 0 to 1: its most particular range decides, and a weight of 0 is a no.

    An empty field is none, and without the field everything is allowed.
    """
    kind = media_type.partition("/")[0]
    weights: dict[str, float] = {}
    for item in field.lower().split(","):
        media_range, *parameters = (each.strip() for each in item.split(";"))
        found = max((_weight(each) for each in parameters if each.startswith("q=")), default=1.0)
        weights[media_range] = max(found, weights.get(media_range, 0.0))
    if not field.strip():
        return 1.0
    return next((weights[each] for each in (media_type, f"{kind}/*", "*/*") if each in weights), 0.0)


def _weight(parameter: str) -> float:
    """What is no weight is taken for none, which means 1."""
    value = parameter.removeprefix("q=")
    return float(value) if _WEIGHT.fullmatch(value) else 1.0
