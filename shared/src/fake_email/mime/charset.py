"""Text from octets whose charset is declared, wrong, unknown or missing."""

import codecs
import functools
import io
import re
from collections.abc import Iterator
from encodings.aliases import aliases

# The charsets of real mail, as Python's codec names. Only these reach `bytes.decode`: `punycode` and `idna` take
# quadratic time, `unicode_escape` makes up characters, and Python caches every failed look-up for good.
_CODECS = frozenset(
    """
    utf_8 utf_8_sig utf_7 utf_16 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le
    iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9 iso8859_10 iso8859_13
    iso8859_14 iso8859_15 iso8859_16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
    cp437 cp850 cp852 cp855 cp858 cp862 cp864 cp866 cp874 koi8_r koi8_t koi8_u kz1048 ptcp154
    mac_roman mac_latin2 mac_cyrillic mac_greek mac_turkish mac_iceland
    cp932 shift_jis_2004 shift_jisx0213 euc_jp euc_jis_2004 euc_jisx0213
    iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext
    gb18030 hz big5 big5hkscs cp950 cp949 johab iso2022_kr
    """.split()  # noqa: SIM905 - one a line is a page
)

# Senders label wider charsets with these names, so each name is decoded as the wider charset
# (https://encoding.spec.whatwg.org/#names-and-labels does the same).
_WIDER = {
    "ascii": "",
    "latin_1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "x_sjis": "cp932",
    "euc_kr": "cp949",
    "windows_31j": "cp932",
    "tis_620": "cp874",
    "iso8859_11": "cp874",
    "windows_874": "cp874",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
}

_BYTE_ORDER_MARKS = {
    "utf_16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf_32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
_ASCII = bytes(range(128))
_LABEL_CHARACTERS = 64
_WINDOW = 8 * 1024  # octets: an error handler takes half a microsecond for each wrong one
_LABEL = re.compile(r"(?:charset=)?[\"' ]*([a-z0-9][a-z0-9_.:+-]{0,39})")


def decode(octets: bytes, label: str) -> str:
    """The octets as text that can be stored as UTF-8, whatever the label; octets that do not decode give U+FFFD."""
    codec = _codec(label[:_LABEL_CHARACTERS])
    if codec and codec != "utf_8":
        try:
            return storable(octets.decode(codec))
        except UnicodeError:
            pass
    try:
        return storable(octets.decode("utf-8").removeprefix("\ufeff"))
    except UnicodeDecodeError:
        return storable(_decode_broken(octets, codec))


def beginning(octets: bytes, label: str, characters: int) -> str:
    """The octets as `decode` gives them, cut after about so many characters, with LF for each line end.

    It works in short steps, so that other threads run in between.
    """
    if len(octets) <= _WINDOW:
        return decode(octets, label).replace("\r\n", "\n").replace("\r", "\n")
    codec = _codec(label[:_LABEL_CHARACTERS])
    for candidate in (codec, "utf_8") if codec else ("utf_8",):
        try:
            text = "".join(_steps(octets, candidate, "strict", characters))
        except UnicodeError:
            continue
        return text.removeprefix("\ufeff") if candidate == "utf_8" else text
    if not codec or codec == "utf_8":
        codec = "utf_8" if _is_broken_utf_8(octets) else "cp1252"
    return "".join(_steps(octets, codec, "replace", characters))


def storable(text: str) -> str:
    """The text without the characters that Postgres refuses in UTF-8: NUL, and surrogates without a partner."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


@functools.lru_cache(maxsize=256)
def _codec(label: str) -> str:
    match = _LABEL.match(label.strip().lower())
    if match is None:
        return ""
    name = re.sub(r"[^a-z0-9]+", "_", match[1]).strip("_")
    name = aliases.get(name, name)
    name = _WIDER.get(name, name)
    return name if name in _CODECS else ""


def _decode_broken(octets: bytes, codec: str) -> str:
    if not codec or codec == "utf_8":
        codec = "utf_8" if _is_broken_utf_8(octets) else "cp1252"
    return octets.decode(codec, "replace")


def _is_broken_utf_8(octets: bytes) -> bool:
    # UTF-8 that was cut inside a character is still UTF-8; octets that are mostly wrong as UTF-8 are not.
    wrong = sum(text.count("\ufffd") for text in _decoded(octets, "utf_8", "replace"))
    eight_bit = sum(len(octets[at : at + _WINDOW].translate(None, _ASCII)) for at in range(0, len(octets), _WINDOW))
    return eight_bit - wrong > wrong


def _steps(octets: bytes, codec: str, errors: str, characters: int) -> Iterator[str]:
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    left = characters
    for decoded in _decoded(octets, codec, errors):
        text = newlines.decode(storable(decoded))
        yield text
        left -= len(text)
        if left <= 0:
            return
    yield newlines.decode("", final=True)


def _decoded(octets: bytes, codec: str, errors: str) -> Iterator[str]:
    if codec in _BYTE_ORDER_MARKS and not octets.startswith(_BYTE_ORDER_MARKS[codec]):
        codec += "_le"  # as `bytes.decode` takes it; the incremental decoder refuses it
    decoder = codecs.getincrementaldecoder(codec)(errors)
    at = 0
    while at < len(octets):
        limit = at + _WINDOW
        end = octets.rfind(b"\n", at, limit) + 1 or octets.rfind(b"-", at, limit) + 1 or limit
        try:
            # The UTF-7 decoder keeps back shifted text until the shift ends: at a hyphen, at a line's end, or never.
            text = decoder.decode(octets[at:end], final=codec == "utf_7" or end >= len(octets))
        except UnicodeError:
            if errors == "strict":
                raise
            decoder.reset()  # its buffer is too short for octets that only look like an escape sequence
            text = octets[at:end].decode(codec, errors)
        yield text
        at = end
