"""The names that senders give to charsets, each with the codec that reads it. Pure."""

import functools
import re
from encodings.aliases import aliases

# The charsets of real mail, as Python's codec names. Only these reach `bytes.decode`: `punycode` and `idna` take
# quadratic time, `unicode_escape` makes up characters, and Python caches every failed look-up for good.
_CODECS = frozenset(
    """
    utf_8 utf_7 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le
    iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_10 iso8859_13
    iso8859_14 iso8859_15 iso8859_16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
    cp437 cp737 cp775 cp850 cp852 cp855 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866 cp869 cp874 cp1125
    koi8_r koi8_t koi8_u kz1048 ptcp154 hp_roman8
    mac_roman mac_latin2 mac_cyrillic mac_greek mac_turkish mac_iceland mac_croatian mac_romanian
    cp932 shift_jis_2004 shift_jisx0213 euc_jp euc_jis_2004 euc_jisx0213
    iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext
    gb18030 hz big5hkscs cp949 johab iso2022_kr
    """.split()  # noqa: SIM905 - one a line is a page
)

# Labels without their punctuation: all of the Encoding Standard (https://encoding.spec.whatwg.org/#names-and-labels),
# which reads many names as a wider charset, and behind the bar those of other programs that send mail. Its labels for
# `replacement` are charsets of real mail, so they are decoded here.
_LABELS = {
    # Nothing is known but that such text is usually UTF-8, or else what was usual before.
    "": """ascii usascii ansix341968 ansix341986 | iso646us us iso646 cp20127 7bit 8bit binary ansi default
        defaultcharset unknown unknown8bit xunknown xuserdefined ansix31101983 iso646irv none null""",
    "utf_8": """utf8 unicode11utf8 unicode20utf8 xunicode20utf8 | utf utf8mb4 utf8mb3 utf8n utf8bom utf8sig xutf8
        cp65001 cesu8 unicodeutf8 isoutf8 iso10646utf8""",
    "utf_7": "| utf7 unicode11utf7 unicode20utf7 xunicode20utf7 csunicode11utf7 cp65000 utf7imap",
    "utf_16_le": """utf16 utf16le csunicode iso10646ucs2 ucs2 unicode unicodefeff | cp1200 xutf16le utf16lebom ucs2le
        csucs2 utf16bom""",
    "utf_16_be": "utf16be unicodefffe | cp1201 xutf16be ucs2be",
    "cp866": "866 cp866 csibm866 ibm866 | alt",
    "iso8859_2": "csisolatin2 iso88592 isoir101 iso885921987 l2 latin2",
    "iso8859_3": "csisolatin3 iso88593 isoir109 iso885931988 l3 latin3",
    "iso8859_4": "csisolatin4 iso88594 isoir110 iso885941988 l4 latin4",
    "iso8859_5": "csisolatincyrillic cyrillic iso88595 isoir144 iso885951988",
    "iso8859_6": """arabic asmo708 csiso88596e csiso88596i csisolatinarabic ecma114 iso88596 iso88596e iso88596i
        isoir127 iso885961987""",
    "iso8859_7": "csisolatingreek ecma118 elot928 greek greek8 iso88597 isoir126 iso885971987 suneugreek",
    "iso8859_8": """csiso88598e csiso88598i csisolatinhebrew hebrew iso88598 iso88598e iso88598i isoir138 iso885981988
        visual logical""",
    "iso8859_10": "csisolatin6 iso885910 isoir157 l6 latin6",
    "iso8859_13": "iso885913 | latin7 l7",
    "iso8859_14": "iso885914 | latin8 l8",
    "iso8859_15": "csisolatin9 iso885915 l9 | latin9 latin0",
    "iso8859_16": "iso885916 | latin10 l10",
    "koi8_r": "cskoi8r koi koi8 koi8r | cp20866 xkoi8r",
    "koi8_u": "koi8u koi8ru | cp21866 xkoi8u",
    "mac_roman": "csmacintosh mac macintosh xmacroman | cp10000 macroman xmac",
    "mac_cyrillic": "xmaccyrillic xmacukrainian | cp10007 cp10017",
    "mac_latin2": "| xmacce xmaccentraleurope cp10029",
    "mac_greek": "| xmacgreek cp10006",
    "mac_turkish": "| xmacturkish cp10081",
    "mac_iceland": "| xmacicelandic cp10079",
    "mac_croatian": "| xmaccroatian cp10082",
    "mac_romanian": "| xmacromanian xmacromania cp10010",
    "cp874": "dos874 iso885911 tis620 windows874 | tis62025330 thai xwindows874 iso885911thai",
    "cp1250": "cp1250 windows1250 xcp1250",
    "cp1251": "cp1251 windows1251 xcp1251 | win1251 winkoi",
    "cp1252": """ansix341968 cp1252 cp819 csisolatin1 ibm819 iso88591 isoir100 iso885911987 l1 latin1 windows1252
        xcp1252 | iso88591windows31latin1 xansi western""",
    "cp1253": "cp1253 windows1253 xcp1253",
    "cp1254": "cp1254 csisolatin5 iso88599 isoir148 iso885991989 l5 latin5 windows1254 xcp1254",
    "cp1255": "cp1255 windows1255 xcp1255",
    "cp1256": "cp1256 windows1256 xcp1256",
    "cp1257": "cp1257 windows1257 xcp1257",
    "cp1258": "cp1258 windows1258 xcp1258",
    "gb18030": """chinese csgb2312 csiso58gb231280 gb2312 gb231280 gbk isoir58 xgbk gb18030 | gb cp936 ms936 euccn eucgb
        eucgb2312cn gb23121980 gb2312charset chinesegb cngb cngb231280 xgb xgb2312 xeuccn cp20936 cp51936 cp54936
        xmacchinesesimp gb180302000 gb180302005 gb180302022""",
    "hz": "hzgb2312 | hz hzgb cp52936",
    "big5hkscs": """big5 big5hkscs cnbig5 csbig5 xxbig5 | big5eten big5e big5tw xbig5 chinesebig5 big5charset big5hk
        hkscs cp950 ms950 cp951 xmacchinesetrad bigfive zhtwbig5""",
    "euc_jp": """cseucpkdfmtjapanese eucjp xeucjp | euc ujis eucjpms eucjpwin cp51932 cp20932 ajec xeuc
        extendedunixcodepackedformatforjapanese""",
    "iso2022_jp": """csiso2022jp iso2022jp | jis junet jis7 iso2022 iso2022jpms xiso2022jp xwindowsiso2022jp cp50220
        cp50221 cp50222 iso2022jp1 iso2022jpext xjis""",
    "cp932": """csshiftjis ms932 mskanji shiftjis sjis windows31j xsjis | cp932 cp943 xshiftjis sjiswin xmsws932 pck
        xmacjapanese cswindows31j shiftjismac japanese""",
    "cp949": """cseuckr csksc56011987 euckr isoir149 korean ksc56011987 ksc56011989 ksc5601 windows949 | cp949 ms949 uhc
        xwindows949 xeuckr ksc56011992 ksx1001 ksc xmackorean cp51949 cp20949""",
    "iso2022_kr": "csiso2022kr iso2022kr | cp50225",
    "johab": "| johab cp1361 ksc5601johab",
}  # fmt: skip  # a label set is one paragraph
_BY_LABEL = {label: codec for codec, labels in _LABELS.items() for label in labels.replace("|", " ").split()}
# The numbers of charsets in fonts of Windows, which some programs write as their names.
_BY_LABEL |= {"128": "cp932", "129": "cp949", "134": "gb18030", "136": "big5hkscs", "204": "cp1251", "238": "cp1250"}
# `cp28595` is ISO-8859-5 to Windows.
_BY_LABEL |= {f"cp{28590 + number}": f"iso8859_{number}" for number in (2, 3, 4, 5, 6, 7, 8, 13, 15)}
_BY_LABEL |= {"cp28591": "cp1252", "cp28599": "cp1254", "usascii": "", "ansix341968": ""}

_LABEL_CHARACTERS = 64
_LABEL = re.compile(r"(?:charset=)?[\"' _]*([a-z0-9][a-z0-9_.:+-]{0,39})")
_PUNCTUATION = re.compile(r"[^a-z0-9]+")
_CODE_PAGE = re.compile(r"(?:x|cs)?(?:cp|ibm|dos|windows|win|ms|cspc|microsoftcp|xcp|ibmcp|ccsid)0*(\d{3,5})(?:ansi)?")


def codec_of(label: str) -> str:
    """The name of Python's codec for a charset; "" when the label says nothing, and for US-ASCII."""
    return _codec_of(label[:_LABEL_CHARACTERS]) if label else ""


@functools.lru_cache(maxsize=256)
def _codec_of(label: str) -> str:
    match = _LABEL.match(label.strip().lower())
    if match is None:
        return ""
    plain = _PUNCTUATION.sub("", match[1])
    for name in (plain, plain.removeprefix("x"), plain.removeprefix("cs")):
        if name in _BY_LABEL:
            return _BY_LABEL[name]
    page = _CODE_PAGE.fullmatch(plain)
    name = f"cp{page[1]}" if page else _PUNCTUATION.sub("_", match[1]).strip("_")
    name = _BY_LABEL.get(name, aliases.get(name, name))
    return name if name in _CODECS else ""
