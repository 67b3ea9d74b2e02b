"""Text from octets whose charset is declared, wrong, unknown or missing."""

import codecs
import io
from collections.abc import Iterator

from fake_email.mime import charset_guess, charset_labels, east_asian

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf_8"),
    (codecs.BOM_UTF32_LE, "utf_32_le"),
    (codecs.BOM_UTF32_BE, "utf_32_be"),
    (codecs.BOM_UTF16_LE, "utf_16_le"),
    (codecs.BOM_UTF16_BE, "utf_16_be"),
)
_FIRST_OF_A_MARK = frozenset(b"\xef\xff\xfe\0")
_NOT_ASCII_BASED = frozenset({"utf_7", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le", "hz"})
_DOUBLED = "\r\r\n"  # one line end to programs that read text for Windows and write it so again
_ASCII = bytes(range(128))
_FEW = 3
_FEW_BROKEN, _MANY_BROKEN = 0.1, 0.5  # of the 8-bit octets
_WINDOW = 8 * 1024  # octets: an error handler takes half a microsecond for each wrong one


def decode(octets: bytes, label: str) -> str:
    """The octets as text that can be stored as UTF-8, whatever the label; octets that do not decode give U+FFFD."""
    if octets.isascii() and b"\x1b" not in octets and charset_labels.codec_of(label) not in _NOT_ASCII_BASED:
        return octets.decode().replace("\0", "")
    for codec in _candidates(octets, label):
        try:
            return storable(_whole(octets, codec, "strict").removeprefix("\ufeff"))
        except UnicodeError:
            pass
    return storable(_whole(octets, _best(octets, label), "replace").removeprefix("\ufeff"))


def fits(octets: bytes, label: str) -> bool:
    """True when the label names a charset in which the octets have no error."""
    codec = charset_labels.codec_of(label)
    try:
        return bool(codec) and bool(_whole(octets, codec, "strict"))
    except UnicodeError:
        return False


def decode_raw(octets: bytes, label: str) -> str:
    """As `decode`, for octets of a field whose charset the rest of the message may name: UTF-8 is tried first."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return decode(octets, label if fits(octets, label) else "")
    return decode(octets, "") if "\x1b" in text else storable(text)


def beginning(octets: bytes, label: str, characters: int) -> str:
    """The octets as `decode` gives them, cut after about so many characters, with LF for each line end.

    It works in short steps, so that other threads run in between.
    """
    if len(octets) <= _WINDOW:
        text = decode(octets, label).replace("\r\n", "\n")
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text  # CR CR LF is one, too
    for codec in _candidates(octets, label):
        try:
            return "".join(_steps(octets, codec, "strict", characters)).removeprefix("\ufeff")
        except UnicodeError:
            pass
    return "".join(_steps(octets, _best(octets, label), "replace", characters)).removeprefix("\ufeff")


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


def _candidates(octets: bytes, label: str) -> tuple[str, ...]:
    """The codecs to try, in this order: a mark or an escape sequence in the octets says more than the label."""
    if octets and octets[0] in _FIRST_OF_A_MARK:
        for mark, codec in _BYTE_ORDER_MARKS:
            if octets.startswith(mark):
                return (codec, "utf_8")
    codec = charset_labels.codec_of(label)
    if (
        codec in _NOT_ASCII_BASED
        and b"\0" not in octets
        and codec.startswith(("utf_16", "utf_32"))
        and octets.isascii()
    ):
        codec = ""  # not one letter of UTF-16: the label is wrong
    if b"\x1b" in octets and codec not in _NOT_ASCII_BASED and octets.isascii():
        codec = _escaped(octets, codec)
        if codec.startswith("iso2022"):
            return (codec,)  # UTF-8 would show the escape sequences
    return (codec, "utf_8") if codec not in {"", "utf_8"} else ("utf_8",)


def _escaped(octets: bytes, codec: str) -> str:
    """The codec of 7-bit octets with an escape sequence, where the label says this codec."""
    if codec.startswith("iso2022_jp") and (b"\x1b$A" in octets or b"\x1b$(C" in octets or b"\x1b." in octets):
        return "iso2022_jp_2"  # Chinese, Korean and Greek in Japanese text: RFC 1554
    return codec if codec.startswith("iso2022") else east_asian.sniff(octets) or codec


def _best(octets: bytes, label: str) -> str:
    """The codec for octets that no codec decodes without an error."""
    codec = _candidates(octets, label)[0]
    if codec != "utf_8":
        return codec
    wrong, eight_bit = _wrong_as_utf_8(octets)
    if wrong <= max(1, _FEW_BROKEN * eight_bit) and eight_bit > _FEW:
        return codec  # UTF-8 that was cut inside a character
    guess = charset_guess.guess(octets)
    return codec if guess == "cp1252" and wrong < _MANY_BROKEN * eight_bit else guess


def _whole(octets: bytes, codec: str, errors: str) -> str:
    if codec == "iso2022_jp":
        octets, codec = east_asian.Iso2022Jp().feed(octets, is_last=True), "euc_jp"
    if codec == "big5hkscs":
        octets = east_asian.without_slashes(octets)
    return east_asian.mend(octets.decode(codec, _handler(codec, errors)), codec)


def _handler(codec: str, errors: str) -> str:
    if codec not in east_asian.MENDED:
        return errors
    return east_asian.STRICT if errors == "strict" else east_asian.REPLACE


def _wrong_as_utf_8(octets: bytes) -> tuple[int, int]:
    """The number of errors in the octets read as UTF-8, and the number of 8-bit octets."""
    wrong = sum(text.count("\ufffd") for text in _decoded(octets, "utf_8", "replace"))
    return wrong, sum(len(octets[at : at + _WINDOW].translate(None, _ASCII)) for at in range(0, len(octets), _WINDOW))


def _steps(octets: bytes, codec: str, errors: str, characters: int) -> Iterator[str]:
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    left = characters
    for decoded in _decoded(octets, codec, errors):
        text = newlines.decode(storable(decoded).replace(_DOUBLED, "\r\n"))
        yield text
        left -= len(text)
        if left <= 0:
            return
    yield newlines.decode("", final=True)


def _decoded(octets: bytes, codec: str, errors: str) -> Iterator[str]:
    iso_2022_jp = east_asian.Iso2022Jp() if codec == "iso2022_jp" else None
    codec = "euc_jp" if iso_2022_jp else codec
    errors = _handler(codec, errors)
    decoder = codecs.getincrementaldecoder(codec)(errors)
    at = 0
    while at < len(octets):
        limit = at + _WINDOW
        end = octets.rfind(b"\n", at, limit) + 1 or octets.rfind(b"-", at, limit) + 1 or limit
        is_last = end >= len(octets)
        piece = octets[at:end]
        piece = iso_2022_jp.feed(piece, is_last=is_last) if iso_2022_jp else piece
        piece = east_asian.without_slashes(piece) if codec == "big5hkscs" else piece
        try:
            # The UTF-7 decoder keeps back shifted text until the shift ends: at a hyphen, at a line's end, or never.
            is_final = codec == "utf_7" or is_last
            if is_final and codec in east_asian.MENDED:  # the handler of errors is for whole characters
                text = decoder.decode(piece + b"\n", final=True).removesuffix("\n")
            else:
                text = decoder.decode(piece, final=is_final)
        except UnicodeError:
            if errors in {"strict", east_asian.STRICT}:
                raise
            decoder.reset()  # its buffer is too short for octets that only look like an escape sequence
            text = piece.decode(codec, errors)
        yield east_asian.mend(text, codec)
        at = end
