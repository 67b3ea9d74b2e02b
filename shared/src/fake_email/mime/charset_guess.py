"""The charset of octets that are not UTF-8 and whose charset nobody names, guessed from their letters. Pure."""

import re
from collections.abc import Callable

SAMPLE_OCTETS = 4096
_FEW = 6  # octets say nothing
_LEAST_RUN = 3  # octets, on average, of words that are not in Latin letters
_LEAST_SHARE = 0.3  # of the octets of words
_LEAST_KANA = 0.1  # of the characters of Japanese text
_LEAST_COMMON = 0.55  # of the letters of a language are its commonest ones

_RUN = re.compile(rb"[\x80-\xff]++")
_WORD_OCTETS = re.compile(rb"[A-Za-z\x80-\xff]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc]")
_HALF_KANA = re.compile("[\uff61-\uff9f]")
_HAN = re.compile("[\u4e00-\u9fff]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")

# The commonest letters of a script in each of its charsets; two thirds of a text are these.
_COMMON = {
    "cp1251": "оеаинтсрвлкмдпуяыьг",
    "koi8_r": "оеаинтсрвлкмдпуяыьг",
    "iso8859_5": "оеаинтсрвлкмдпуяыьг",
    "cp866": "оеаинтсрвлкмдпуяыьг",
    "cp1253": "αοιετνσρηςκπάίέόήλμυ",
    "cp1255": "יוהלראתמבשנדעםחקפ",
    "cp1256": "اليمونرتبعدسفهكة",
    "cp874": "านรอกเงมยลวดทสตะปบคหแจพชขใไโ่้ัิีุู์ื็ำ",
}  # fmt: skip


def guess(octets: bytes) -> str:
    """The codec that fits the octets best; cp1252 where words have few octets that are not ASCII."""
    sample = octets[:SAMPLE_OCTETS]
    if len(octets) > SAMPLE_OCTETS:
        sample = sample[: sample.rfind(b"\n") + 1 or SAMPLE_OCTETS]
    runs = _RUN.findall(sample)
    eight_bit = sum(map(len, runs))
    if eight_bit < _FEW or eight_bit < _LEAST_SHARE * len(_WORD_OCTETS.findall(sample)):
        return "cp1252"
    for codec, is_likely in _EAST_ASIAN:
        text = _decoded(sample, codec)
        if text is not None and is_likely(text, sample):
            return codec
    if eight_bit < _LEAST_RUN * len(runs):  # letters with accents stand alone
        return "cp1252"
    letters = "".join(_NOT_ASCII.findall(sample.decode("latin-1"))).encode("latin-1")
    shares = {codec: sum(map(letters.count, common)) / len(letters) for codec, common in _COMMON_OCTETS.items()}
    best = max(shares, key=shares.__getitem__)
    return best if shares[best] >= _LEAST_COMMON else "cp1252"


def _decoded(sample: bytes, codec: str) -> str | None:
    """The sample as text; None when it does not decode. Its end may be half a character."""
    for end in (len(sample), len(sample) - 1):
        try:
            return sample[:end].decode(codec)
        except UnicodeDecodeError:
            pass
    return None


def _is_japanese(text: str, _sample: bytes) -> bool:
    kana = len(_KANA.findall(text))
    return kana > _LEAST_KANA * len(_NOT_ASCII.findall(text)) and kana > len(_HALF_KANA.findall(text))


def _is_korean(text: str, sample: bytes) -> bool:
    leads = [octet for run in _RUN.findall(sample) for octet in run[::2]]
    return len(_HANGUL.findall(text)) > 0.8 * len(_NOT_ASCII.findall(text)) and max(leads) < 0xCA  # noqa: PLR2004


def _is_simplified(text: str, sample: bytes) -> bool:
    # GB 2312 keeps to octets from 0xA1 on, and has its common characters first.
    pairs = [run[at : at + 2] for run in _RUN.findall(sample) for at in range(0, len(run), 2)]
    common = sum(len(pair) == 2 and 0xB0 <= pair[0] <= 0xD7 and pair[1] >= 0xA1 for pair in pairs)  # noqa: PLR2004
    return len(_HAN.findall(text)) > 0.5 * len(_NOT_ASCII.findall(text)) and common > 0.7 * len(pairs)


def _is_traditional(text: str, sample: bytes) -> bool:
    # Big5 has its common characters first, and two fifths of all have a second octet of ASCII.
    trails = re.findall(b"[\xa4-\xc6]([\x40-\x7e\xa1-\xfe])", sample)
    low = sum(trail < b"\x7f" for trail in trails)
    others = len(_NOT_ASCII.findall(text))
    return len(_HAN.findall(text)) > 0.5 * others and len(trails) > 0.6 * others and low > 0.1 * others


_EAST_ASIAN: tuple[tuple[str, Callable[[str, bytes], bool]], ...] = (
    ("euc_jp", _is_japanese),
    ("cp932", _is_japanese),
    ("cp949", _is_korean),
    ("gb18030", _is_simplified),
    ("big5hkscs", _is_traditional),
)
_COMMON_OCTETS = {codec: letters.encode(codec) for codec, letters in _COMMON.items()}
