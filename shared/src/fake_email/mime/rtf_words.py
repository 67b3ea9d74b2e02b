"""The control words of RTF that have an effect on text ([MSFT-RTF]), and the charsets that it names. Pure."""

# Each stands for these characters.
TEXTS = {
    **dict.fromkeys((b"par", b"line", b"sect", b"page", b"column", b"row", b"nestrow", b"\n", b"\r"), "\n"),
    **dict.fromkeys((b"cell", b"nestcell"), "  "),
    b"tab": "\t",
    b"~": "\u00a0",
    b"_": "\u2011",
    b"bullet": "\u2022",
    b"emdash": "\u2014",
    b"endash": "\u2013",
    b"emspace": "\u2003",
    b"enspace": "\u2002",
    b"qmspace": "\u2005",
    b"lquote": "\u2018",
    b"rquote": "\u2019",
    b"ldblquote": "\u201c",
    b"rdblquote": "\u201d",
    b"ltrmark": "\u200e",
    b"rtlmark": "\u200f",
    b"zwj": "\u200d",
    b"zwnj": "\u200c",
    b"{": "{",
    b"}": "}",
    b"\\": "\\",
}
# The groups that these begin have no text of the message; those that begin with `\*` have none either.
UNSEEN = frozenset(
    b"""atnauthor atnicn atnid author buptim category colortbl comment company creatim datafield doccomm docvar
    filetbl footer footerf footerl footerr ftncn ftnsep ftnsepc header headerf headerl headerr info keywords
    listtable manager mhtmltag nonesttables nonshppict objdata operator pict printim private revtim rxe
    stylesheet subject tc title txe xe""".split()
)

# Charsets of a font, `\fcharset`; of all others the document's is taken.
OF_FONT = {
    0: "cp1252",
    2: "cp1252",  # symbols: the bullets of lists have the same numbers there
    77: "macintosh",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "cp936",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
# Charsets of a document that does not name its code page.
OF_DOCUMENT = {b"ansi": "cp1252", b"mac": "macintosh", b"pc": "cp437", b"pca": "cp850"}
