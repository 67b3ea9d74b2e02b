"""Text in the charsets of real mail, under the names that senders give to them."""

from pathlib import Path

import pytest

from fake_email import parse
from fake_email.mime import charset

NAMES = {
    name: labels.split()
    for name, _, labels in (
        line.partition(":")
        for line in Path(__file__).with_name("encodings.txt").read_text().splitlines()
        if not line.startswith("#")
    )
}
# A text for each name, and the codec that writes it where that has another name.
RUSSIAN, GREEK, ARABIC, HEBREW, LATIN = "Привет", "Καλημέρα", "مرحبا", "שלום", "Müller"
CHINESE, TAIWANESE, JAPANESE, KOREAN = "你好世界", "你好世界", "日本語テキスト", "안녕하세요"
TEXTS = {
    **dict.fromkeys(["UTF-8", "UTF-16LE", "UTF-16BE"], RUSSIAN + JAPANESE),
    **dict.fromkeys(["IBM866", "ISO-8859-5", "KOI8-R", "KOI8-U", "windows-1251", "x-mac-cyrillic"], RUSSIAN),
    **dict.fromkeys(["ISO-8859-7", "windows-1253"], GREEK),
    **dict.fromkeys(["ISO-8859-6", "windows-1256"], ARABIC),
    **dict.fromkeys(["ISO-8859-8", "ISO-8859-8-I", "windows-1255"], HEBREW),
    **dict.fromkeys(["GBK", "gb18030"], CHINESE + "镕"),
    "Big5": TAIWANESE + "①ァ",
    **dict.fromkeys(["EUC-JP", "ISO-2022-JP", "Shift_JIS"], JAPANESE),
    "EUC-KR": KOREAN + "똠",
    **dict.fromkeys(["ISO-8859-2", "windows-1250"], "Żółć"),
    **dict.fromkeys(["ISO-8859-4", "ISO-8859-10", "ISO-8859-13", "windows-1257"], "Ąžuolų"),
    "ISO-8859-3": "Ħġ",
    "ISO-8859-14": "Ŵŷ",
    "ISO-8859-16": "Șț",
    "windows-1252": "“Müller” 5 €",
    "windows-1254": "Şaş “5 €”",
    "windows-1258": "Đơn",
    "windows-874": "สวัสดี",
}
CODECS = {
    "GBK": "gb18030",
    "Big5": "big5hkscs",
    "EUC-KR": "cp949",
    "ISO-8859-8-I": "iso8859-8",
    "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "windows-874": "cp874",
}
REPLACEMENT = {"csiso2022kr": "iso2022_kr", "iso-2022-kr": "iso2022_kr", "hz-gb-2312": "hz"}
KNOWN = [(name, label) for name, labels in NAMES.items() for label in labels if name != "x-user-defined"]


@pytest.mark.parametrize(("name", "label"), [each for each in KNOWN if each[0] != "replacement"])
def test_each_label_of_the_encoding_standard_is_known(name: str, label: str) -> None:
    text = TEXTS.get(name, LATIN)

    assert charset.decode(text.encode(CODECS.get(name, name)), label) == text


@pytest.mark.parametrize(("label", "codec"), REPLACEMENT.items())
def test_charsets_of_mail_that_browsers_no_longer_read_are_read(label: str, codec: str) -> None:
    text = KOREAN if codec == "iso2022_kr" else "你好"

    assert charset.decode(text.encode(codec), label) == text


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("cp-1251", "cp1251", RUSSIAN),
        ("Windows1251", "cp1251", RUSSIAN),
        ("x-windows-1251", "cp1251", RUSSIAN),
        ("cp20866", "koi8-r", RUSSIAN),
        ("cp28595", "iso8859-5", RUSSIAN),
        ("dos-866", "cp866", RUSSIAN),
        ("ibm850", "cp850", LATIN),
        ("iso-8859-1-windows-3.1-latin-1", "cp1252", LATIN),
        ("8859_1", "cp1252", LATIN),
        ("utf8mb4", "utf-8", RUSSIAN),
        ("cp65001", "utf-8", RUSSIAN),
        ("unicode-1-1-utf-7", "utf-7", RUSSIAN),
        ("cp936", "gb18030", CHINESE),
        ("x-windows-936", "gb18030", CHINESE),
        ("ChineseBig5", "big5hkscs", TAIWANESE),
        ("cp950", "big5hkscs", TAIWANESE),
        ("cp50220", "iso2022_jp", JAPANESE),
        ("x-iso-2022-jp", "iso2022_jp", JAPANESE),
        ("_iso-2022-jp$ESC", "iso2022_jp", JAPANESE),
        ("cp51932", "euc_jp", JAPANESE),
        ("x-windows-949", "cp949", KOREAN),
        ("x-mac-ce", "mac-latin2", "Żółć"),
        ("136", "big5hkscs", TAIWANESE),
        ("204", "cp1251", RUSSIAN),
        ("238", "cp1250", "Żółć"),
        ('"utf-8"; format=flowed', "utf-8", RUSSIAN),
    ],
)
def test_labels_of_other_mail_programs_are_known(label: str, codec: str, text: str) -> None:
    assert charset.decode(text.encode(codec), label) == text


@pytest.mark.parametrize(
    ("label", "octets", "text"),
    [
        ("iso-2022-jp", b"\x1b$B-!G'>Z\x1b(B 1", "①認証 1"),
        ("iso-2022-jp", b"\x1b$B-jy!|b\x1b(B", "㈱纊髙"),
        ("iso-2022-jp", b"\x1b(I6>\x1b(B!", "ｶｾ!"),
        ("iso-2022-jp", b"\x1b(Jok\x1b$@G'\x1b(J.", "ok認."),
        ("iso-2022-jp", b"\x1b$(D0!\x1b(B", "丂"),
        ("iso-2022-jp", b"\x1b$BG'\n>Z\x1b(B", "認\n証"),
        ("iso-2022-jp", b"\x1b$A0!\x1b(B", "啊"),
        ("euc-jp", b"\xad\xa1\xad\xea\xf9\xa1\xfc\xe2 \x8e\xb6", "①㈱纊髙 ｶ"),
        ("euc-jp", b"\xa1\xc1", "\uff5e"),
        ("shift_jis", b"\x87\x40\x87\x8a\xfb\xfc", "①㈱髙"),
        ("big5", b"\xc6\xa1\xf9\xd6\xc7\xf2", "①碁ヶ"),
        ("big5", b"\xa1\x45", "‧"),
        ("big5", b"\xa1\xfe\xa2\x40\xa2\x41\xa2\x42 A\xb1\xa2AB\xa2\xa2A", "\uff0f\uff3c\u2215\ufe68 A悻AB╰A"),
        ("big5", b"\x87\x7a\x87\x7b \xa3\xe1\xfe\xdd", "㡵𡵓 €砉"),
        ("gb2312", b"\x80 \xe9F", "€ 镕"),
        ("gb2312", "镕".encode("gb18030"), "镕"),
        ("gbk", b"\xa6\xd9\xa8\xbc", "\ufe10\u1e3f"),
        ("gbk", b"\x810\x810", "\x80"),
    ],
)  # fmt: skip
def test_characters_that_browsers_know_are_read(label: str, octets: bytes, text: str) -> None:
    assert charset.decode(octets, label) == text


@pytest.mark.parametrize(
    ("label", "octets", "text"),
    [
        ("euc-jp", b"\xad\xa1\x80\xa0\xad\xea\xff", "①\ufffd\ufffd㈱\ufffd"),
        ("euc-jp", b"\xad\xfe\xad\xa1\xff", "\ufffd①\ufffd"),
        ("euc-jp", b"\xad\xa1\xfe\xfe(\x8e\xfe\xad\xa1\xc3", "①\ufffd\ufffd(\ufffd\ufffd①\ufffd"),
        ("big5", b"\x87\x7a\xc3(\xff\x81a\x87\x7a\xa7\x41", "㡵\ufffd(\ufffd\ufffda㡵你"),
        ("iso-2022-jp", b"\x1b$B-!G\x1b(Ba", "①\ufffda"),
        ("gbk", b"\x80\x80\xff\xff\xc4\xe3", "€€\ufffd\ufffd你"),
    ],
)
def test_octets_of_no_character_are_shown_as_such(label: str, octets: bytes, text: str) -> None:
    assert charset.decode(octets, label) == text


@pytest.mark.parametrize("label", ["", "us-ascii", "utf-8", "iso-8859-1", "no-such-charset"])
@pytest.mark.parametrize("codec", ["iso2022_jp", "iso2022_kr"])
def test_text_with_escape_sequences_is_read_whatever_its_label(label: str, codec: str) -> None:
    text = JAPANESE if codec == "iso2022_jp" else KOREAN

    assert charset.decode(text.encode(codec), label) == text


@pytest.mark.parametrize(
    ("octets", "label", "text"),
    [
        (b"\xef\xbb\xbfM\xc3\xbcller", "iso-8859-1", "Müller"),
        (b"\xff\xfeM\0\xfc\0", "unicode", "Mü"),
        (b"\xfe\xff\0M\0\xfc", "utf-16", "Mü"),
        (b"\xff\xfeM\0\xfc\0", "utf-8", "Mü"),
        (b"M\0\xfc\0", "utf-16", "Mü"),
        (b"plain text", "utf-16", "plain text"),
        (b"plain text", "unicode", "plain text"),
    ],
)
def test_the_mark_of_a_unicode_charset_counts_more_than_the_label(octets: bytes, label: str, text: str) -> None:
    assert charset.decode(octets, label) == text


NOTICES = {
    "cp1251": "Подтверждение регистрации на сайте",
    "koi8_r": "Ваш код подтверждения регистрации",
    "iso8859_5": "Ваш код подтверждения регистрации",
    "cp866": "Ваш код подтверждения регистрации",
    "cp1253": "Επιβεβαίωση της εγγραφής σας",
    "cp1255": "אישור ההרשמה שלך באתר",
    "cp1256": "تأكيد التسجيل في الموقع",
    "cp874": "ยืนยันการลงทะเบียนของคุณ",
    "cp932": "認証コードのお知らせ",
    "euc_jp": "認証コードのお知らせ",
    "gb18030": "您的注册验证码",
    "big5hkscs": "您的註冊驗證碼通知",
    "cp949": "회원가입 인증번호 안내",
    "cp1252": "Bestätigung für Jürgen Müller, über Grüße",
}


@pytest.mark.parametrize("codec", NOTICES)
def test_a_charset_that_nobody_names_is_guessed(codec: str) -> None:
    raw = NOTICES[codec].encode(codec)

    parsed = parse.parse(b"Subject: " + raw + b" 482913\r\n\r\n" + raw + b"\r\n")

    assert (parsed.subject, parsed.text) == (f"{NOTICES[codec]} 482913", NOTICES[codec])


@pytest.mark.parametrize("text", ["für 5 €", "Ünïcödé", "Łódź", "à", "Grüße", "ÄÖÜ", "été", "ÀÉÈÙÇ"])
def test_accents_are_not_taken_for_another_script(text: str) -> None:
    raw = text.encode("cp1252", "ignore")

    assert charset.decode(raw, "") == raw.decode("cp1252")


@pytest.mark.parametrize("codec", ["cp1251", "koi8_r", "cp1253", "cp949", "gb18030", "euc_jp"])
def test_raw_fields_and_file_names_have_the_charset_that_the_message_names(codec: str) -> None:
    word = {"cp1253": "Νέα", "cp949": "코드", "gb18030": "代码", "euc_jp": "暗号"}.get(codec, "Код").encode(codec)
    content = b"\r\n".join(
        (
            b"From: " + word + b" <a@x.test>",
            b"Subject: " + word,
            b"Content-Type: multipart/mixed; boundary=b",
            b"",
            b"--b",
            b"Content-Type: text/plain; charset=" + codec.encode(),
            b"",
            b"x",
            b"--b",
            b"Content-Disposition: attachment; filename=" + word + b".pdf",
            b"",
            b"x",
            b"--b--",
            b"",
        )
    )

    parsed = parse.parse(content)

    text = word.decode(codec)
    assert (parsed.subject, parsed.from_header) == (text, f"{text} <a@x.test>")
    assert [each.name for each in parsed.from_addresses or ()] == [text]
    assert [each.name for each in parsed.attachments] == [f"{text}.pdf"]


def test_a_raw_field_in_utf_8_is_read_whatever_the_message_names() -> None:
    parsed = parse.parse("Subject: Žluť\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\nx\r\n".encode())

    assert parsed.subject == "Žluť"


@pytest.mark.parametrize("label", ["iso-2022-jp", "euc-jp", "shift_jis", "big5", "gb18030"])
def test_long_text_is_read_in_pieces_as_it_is_read_whole(label: str) -> None:
    codec = {"iso-2022-jp": "iso2022_jp", "big5": "big5hkscs"}.get(label, label)
    octets = (TAIWANESE if label == "big5" else JAPANESE * 30).encode(codec) * 300

    assert charset.beginning(octets, label, 10**6) == charset.decode(octets, label)


@pytest.mark.parametrize("lines", [2, 9_000])
def test_each_line_end_is_one_line_feed(lines: int) -> None:
    octets = "\n".join(["ž"] * lines).encode()

    for ending in (b"\r\r\n", b"\r\n", b"\r"):
        assert charset.beginning(octets.replace(b"\n", ending), "utf-8", len(octets)).encode() == octets
