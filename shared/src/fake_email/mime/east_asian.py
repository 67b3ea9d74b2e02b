"""Chinese and Japanese charsets as the Encoding Standard has them, where Python's codecs read less. Pure.

Python's `euc_jp` and `iso2022_jp` lack the NEC and IBM rows of JIS X 0208 (① ㈱ 髙), which Windows and phones send. Its
`gb18030` lacks the euro sign of code page 936. Its `big5hkscs` lacks the characters of `big5.py`.
"""

import codecs
import re

from fake_email.mime import big5

_FIRST, _LAST = 0xA1, 0xFE  # of the two octets of a character in EUC

# The characters that the Encoding Standard maps otherwise than Python, by codec.
_OTHERWISE = {
    "euc_jp": {"〜": "～", "‖": "∥", "−": "－", "¢": "￠", "£": "￡", "¬": "￢"},  # noqa: RUF001
    "big5hkscs": {"•": "‧", "､": "﹑", "‾": "¯", "∼": "～", "♁": "⊕", "☉": "⊙", "¥": "￥", "¢": "￠", "£": "￡"},  # noqa: RUF001
    # Characters that Unicode had not when GB 18030 was first written.
    "gb18030": dict(
        zip(
            "\ue5e5\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796\ue7c7\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864",
            "\u3000\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19\u1e3f\u9fb4\u9fb5\u9fb6\u9fb7\u9fb8\u9fb9\u9fba\u9fbb",
            strict=True,
        )
    ),
}
_EUROS = re.compile(rb"\x80++")  # of code page 936
_WINDOWS_ROWS = re.compile(rb"(?:[\xad\xf9-\xfc][\xa1-\xfe])++")
# Octets that begin no character, each of which gives one U+FFFD, and ASCII: a run of both is one call of the handler.
_WRONG = {
    "euc_jp": re.compile(
        rb"(?:[\0-\x8d\x90-\xa0\xa9-\xac\xae\xaf\xf5-\xf8\xfd-\xff]|[\xa1-\xfe](?![\xa1-\xfe])"
        rb"|\x8e(?![\xa1-\xdf])|\x8f(?![\xa1-\xfe]{2}))+"
    ),
    "gb18030": re.compile(rb"(?:[\0-\x7f\xff]|[\x81-\xfe](?![0-9@-~\x80-\xfe]))+"),
    "big5hkscs": re.compile(rb"(?:[\0-\x86\xff]|[\x87-\xfe](?![@-~\xa1-\xfe]))+"),
}
MENDED = frozenset(_WRONG)
_SLASHES = {b"\xa2A": b"\x80\1", b"\xa2B": b"\x80\2"}  # octets of no character, and rare in any mail
_CHARACTERS_OF_BIG5 = re.compile(rb"\xa2[AB]|(?:[\x81-\xa1\xa3-\xfe][@-~\xa1-\xfe]|\xa2[@C-~\xa1-\xfe])++")
_OF_BIG5 = big5.CHARACTERS | dict(zip(_SLASHES.values(), "\u2215\ufe68", strict=True))

_ESCAPE = re.compile(rb"\x1b(?:\$\(?([@BDOPQ])|\(([BJHI])|([()$]{0,2}))")
_TO_EUC = bytes(octet | 0x80 if 0x21 <= octet <= 0x7E else octet for octet in range(256))  # noqa: PLR2004  # JIS X 0202
_PAIR = re.compile(rb"[\xa1-\xfe]{2}")
_KANA = re.compile(rb"[\xa1-\xdf]")
_INCOMPLETE_ESCAPE = re.compile(rb"\x1b[$(]{0,2}\Z")
_ISO_2022_JP = re.compile(rb"\x1b(?:\$(?:[@B]|\([@BDOPQ])|\([JI])")
_ISO_2022_KR = re.compile(rb"\x1b\$\)C")


def mend(text: str, codec: str) -> str:
    """The text that this codec has decoded, with the characters that browsers show."""
    for character, other in _OTHERWISE.get(codec, {}).items():
        text = text.replace(character, other)
    return text


def without_slashes(octets: bytes) -> bytes:
    """Big5 whose U+2215 and U+FE68 are octets that the codec does not know: it reads them as other slashes."""
    if b"\xa2A" not in octets and b"\xa2B" not in octets:
        return octets
    return _CHARACTERS_OF_BIG5.sub(lambda run: _SLASHES.get(run[0], run[0]), octets)


def sniff(octets: bytes) -> str:
    """The codec of 7-bit octets with escape sequences (ISO 2022), "" when there are none."""
    if _ISO_2022_JP.search(octets):
        return "iso2022_jp"
    return "iso2022_kr" if _ISO_2022_KR.search(octets) else ""


class Iso2022Jp:
    """ISO-2022-JP that comes in pieces, turned into EUC-JP."""

    def __init__(self) -> None:
        self._type = b"B"  # the last octet of the escape sequence that holds
        self._is_wide = False
        self._rest = b""

    def feed(self, octets: bytes, *, is_last: bool) -> bytes:
        """The octets in EUC-JP, but for an incomplete character or escape sequence at the end."""
        octets = self._rest + octets
        cut = None if is_last else _INCOMPLETE_ESCAPE.search(octets)
        end = cut.start() if cut else len(octets)
        pieces: list[bytes] = []
        at = 0
        for escape in _ESCAPE.finditer(octets, 0, end):
            pieces.append(self._converted(octets[at : escape.start()]))
            at = escape.end()
            if escape[3] is None:
                self._type, self._is_wide = escape[1] or escape[2], bool(escape[1])
        last = octets[at:end]
        if self._is_wide and not is_last and _is_odd(last):
            end -= 1
            last = last[:-1]
        pieces.append(self._converted(last))
        self._rest = octets[end:]
        return b"".join(pieces)

    def _converted(self, octets: bytes) -> bytes:
        if self._is_wide:
            euc = octets.translate(_TO_EUC)
            return _PAIR.sub(b"\x8f\\g<0>", euc) if self._type == b"D" else euc  # JIS X 0212
        if self._type == b"I":
            return _KANA.sub(b"\x8e\\g<0>", octets.translate(_TO_EUC))
        return octets


def _is_odd(octets: bytes) -> bool:
    """True when the octets of two-octet characters end with half a character."""
    line = octets[octets.rfind(b"\n") + 1 :]
    return len(line) % 2 == 1


def _mended(error: UnicodeError) -> tuple[str, int] | None:
    """The characters of the octets that the codec does not know, as many as stand here, and the offset behind them."""
    if not isinstance(error, UnicodeDecodeError):
        return None
    octets, at = error.object, error.start
    if error.encoding == "gb18030":
        euros = _EUROS.match(octets, at)
        return ("€" * len(euros[0]), euros.end()) if euros else None
    if error.encoding == "big5hkscs":
        return _in_big5(octets, at)
    run = _WINDOWS_ROWS.match(octets, at)
    if run is None:
        return None
    characters = [_OF_WINDOWS.get(octets[pair : pair + 2], "\ufffd") for pair in range(at, run.end(), 2)]
    return "".join(characters), run.end()


def _in_big5(octets: bytes, at: int) -> tuple[str, int] | None:
    characters: list[str] = []
    while (character := _OF_BIG5.get(octets[at : at + 2])) is not None:
        characters.append(character)
        at += 2
    return ("".join(characters), at) if characters else None


def _in_cp932(row: int, cell: int) -> str:
    """The character of JIS X 0208 with the NEC and IBM rows, which code page 932 has; "" when there is none."""
    row, cell = row - _FIRST, cell - _FIRST
    lead = (row >> 1) + 0x81
    trail = cell + 0x9F if row % 2 else cell + 0x40 + (cell >= 0x3F)  # noqa: PLR2004  # Shift_JIS skips 0x7F
    return bytes((lead + 0x40 if lead > 0x9F else lead, trail)).decode("cp932", "ignore")  # noqa: PLR2004


# Rows 13 and 89 to 92.
_OF_WINDOWS = {
    bytes((row, cell)): character
    for row in (0xAD, 0xF9, 0xFA, 0xFB, 0xFC)
    for cell in range(_FIRST, _LAST + 1)
    if (character := _in_cp932(row, cell))
}


def _strict(error: UnicodeError) -> tuple[str, int]:
    mended = _mended(error)
    if mended is None or "\ufffd" in mended[0]:
        raise error
    return mended


def _replace(error: UnicodeError) -> tuple[str, int]:
    mended = _mended(error)
    if mended is None and isinstance(error, UnicodeDecodeError):
        wrong = _WRONG[error.encoding].match(error.object, error.start)
        mended = (wrong[0].decode("ascii", "replace"), wrong.end()) if wrong else None
    return mended or codecs.replace_errors(error)  # type: ignore[return-value]  # it is always a string here


STRICT, REPLACE = "fake_email.strict", "fake_email.replace"
codecs.register_error(STRICT, _strict)
codecs.register_error(REPLACE, _replace)
