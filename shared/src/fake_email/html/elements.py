"""The elements of HTML by what their tags do to other elements and to the text inside. Pure."""

HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
BLOCKS = HEADINGS | {
    *("address", "article", "aside", "blockquote", "center", "dd", "details", "div", "dl", "dt", "figcaption"),
    *("figure", "footer", "header", "hr", "li", "main", "menu", "nav", "ol", "p", "pre", "section", "summary"),
    *("table", "ul"),
}
TABLE_PARTS = frozenset({"caption", "col", "colgroup", "tbody", "td", "tfoot", "th", "thead", "tr"})
INLINE = frozenset(
    {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd"}
    | {"map", "mark", "nobr", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u"}
    | {"var"}
)
KNOWN = BLOCKS | TABLE_PARTS | INLINE | {"area", "br", "img", "wbr"}
LINKS = frozenset({"a", "area"})
VOID = frozenset(
    {"area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "keygen"}
    | {"link", "meta", "param", "source", "track", "wbr"}
)

# Readers see no text of these elements. Nothing inside a raw element is a tag, except its own end tag. Where another
# of them has no end tag, only its start tag is left out: a sender's slip does not cost the reader the rest.
RAW = frozenset({"iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"})
FOREIGN = frozenset({"math", "svg"})
UNSEEN = RAW | FOREIGN | {"datalist", "select", "template"}

# The end tags that HTML lets a sender omit. A tag inside of a cell closes no element outside of it.
CELLS = frozenset({"caption", "table", "td", "th"})
ITEMS = {"li": frozenset({"li"}), "dd": frozenset({"dd", "dt"}), "dt": frozenset({"dd", "dt"})}
LISTS = CELLS | {"dl", "menu", "ol", "ul"}
_SECTIONS = frozenset({"table", "tbody", "tfoot", "thead"})
WITHOUT_TEXT = _SECTIONS | {"tr"}
ONLY_TABLE = frozenset({"table"})
PARENTS = {
    "td": _SECTIONS | {"tr"},
    "th": _SECTIONS | {"tr"},
    "tr": _SECTIONS,
    "col": frozenset({"colgroup", "table"}),
    **dict.fromkeys(("caption", "colgroup", "tbody", "tfoot", "thead"), ONLY_TABLE),
}
