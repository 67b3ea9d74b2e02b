"""The HTML that a shown mail may have; everything else is left out. `fake_email.html.css` has the CSS."""

from fake_email.html import elements

ELEMENTS = elements.KNOWN

_EVERYWHERE = frozenset(
    {"align", "aria-hidden", "aria-label", "background", "bgcolor", "border", "bordercolor", "cellpadding"}
    | {"cellspacing", "class", "clear", "color", "cols", "colspan", "compact", "dir", "face", "frame", "height"}
    | {"hidden", "hspace", "id", "lang", "noshade", "nowrap", "open", "reversed", "role", "rowspan", "rules", "scope"}
    | {"size", "span", "start", "style", "summary", "text", "title", "type", "valign", "value", "vspace", "width"}
)
ATTRIBUTES = {
    "*": _EVERYWHERE,
    "a": frozenset({"href", "name"}),
    "area": frozenset({"alt", "coords", "href", "shape"}),
    "img": frozenset({"alt", "src", "usemap"}),
    "map": frozenset({"name"}),
}
