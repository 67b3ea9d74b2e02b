"""The HTML and CSS that a shown mail may have; everything else is left out."""

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

# No `content`, which would put words into a mail; nothing that moves, or covers the content beside it.
PROPERTIES = frozenset(
    {"aspect-ratio", "border-collapse", "border-spacing", "box-shadow", "box-sizing", "caption-side", "clear", "color"}
    | {"column-gap", "direction", "display", "empty-cells", "float", "gap", "hyphens", "letter-spacing", "line-break"}
    | {"line-height", "list-style", "list-style-position", "list-style-type", "object-fit", "object-position"}
    | {"opacity", "order", "position", "quotes", "row-gap", "table-layout", "text-align", "text-align-last"}
    | {"text-decoration", "text-decoration-color", "text-decoration-line", "text-decoration-style"}
    | {"text-indent", "text-overflow", "text-shadow", "text-transform", "text-underline-offset", "unicode-bidi"}
    | {"vertical-align", "visibility", "white-space", "word-break", "word-spacing", "word-wrap", "writing-mode"}
    | {"background", "background-clip", "background-color", "background-image", "background-origin"}
    | {"background-position", "background-repeat", "background-size", "overflow", "overflow-wrap", "overflow-x"}
    | {"overflow-y", "align-content", "align-items", "align-self", "justify-content", "justify-items", "justify-self"}
    | {"flex", "flex-basis", "flex-direction", "flex-flow", "flex-grow", "flex-shrink", "flex-wrap"}
    | {"font", "font-family", "font-size", "font-stretch", "font-style", "font-variant", "font-weight"}
    | {"height", "max-height", "max-width", "min-height", "min-width", "width"}
    | {"margin", "margin-bottom", "margin-left", "margin-right", "margin-top"}
    | {"padding", "padding-bottom", "padding-left", "padding-right", "padding-top"}
    | {"outline", "outline-color", "outline-offset", "outline-style", "outline-width"}
    | {"-webkit-text-size-adjust", "text-size-adjust"}
    | {
        f"border{side}{what}"
        for side in ("", "-bottom", "-left", "-right", "-top")
        for what in ("", "-color", "-style", "-width")
    }
    | {f"border{corner}-radius" for corner in ("", "-bottom-left", "-bottom-right", "-top-left", "-top-right")}
)
FUNCTIONS = frozenset(
    {"calc", "clamp", "hsl", "hsla", "max", "min", "rgb", "rgba"}
    | {"linear-gradient", "radial-gradient", "repeating-linear-gradient", "repeating-radial-gradient"}
)
