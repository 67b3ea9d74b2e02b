"""Leaves inside of leaves: files within text, signed content, the files of Outlook, reports."""

import base64
import binascii
import struct

import pytest

from fake_email import parse
from fake_email.mime import enclosed, parts, signed, tnef
from fake_email.parsed_message import ParsedMessage

DATA = bytes(range(100))
OPAQUE = b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n"


def uuencoded(octets: bytes, name: str = "a.bin", line_end: str = "\r\n") -> str:
    lines = [binascii.b2a_uu(octets[at : at + 45]).decode().rstrip("\n") for at in range(0, len(octets), 45)]
    return line_end.join([f"begin 644 {name}", *lines, "`", "end", ""])


def listed(parsed: ParsedMessage) -> list[tuple[str, str, int, str]]:
    return [(each.name, each.type, each.size, each.part) for each in parsed.attachments]


def read_back(content: bytes, parsed: ParsedMessage) -> list[bytes]:
    return [enclosed.octets(content, each.part) for each in parsed.attachments]


# Files within text


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_files_within_text_are_attachments_and_not_text(line_end: str) -> None:
    lines = [
        "Subject: x",
        "",
        "before",
        uuencoded(DATA, "a b.bin", line_end) + "between",
        uuencoded(b"abc", "c.txt", line_end) + "after",
    ]
    content = line_end.join(lines).encode()

    parsed = parse.parse(content)

    assert parsed.text == "before\nbetween\nafter"
    assert listed(parsed) == [
        ("a b.bin", "application/octet-stream", 100, "1.1"),
        ("c.txt", "application/octet-stream", 3, "1.2"),
    ]
    assert read_back(content, parsed) == [DATA, b"abc"]


@pytest.mark.parametrize(
    "text",
    [
        "begin 644 a\n#86)C\n`\nno end",
        "begin 644 the work\nwith a clear head\nend",
        "begin with this\nend",
        "begin 644 \n`\nend",
    ],
)
def test_text_that_only_begins_like_a_file_is_text(text: str) -> None:
    parsed = parse.parse(f"Subject: x\n\n{text}".encode())

    assert (parsed.text, parsed.attachments) == (text, ())


# Signed content


def der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    length = len(content).to_bytes(4, "big").lstrip(b"\0")
    return (
        bytes([tag]) + (bytes([len(content)]) if len(content) < 128 else bytes([128 + len(length)]) + length) + content
    )


def ber(tag: int, *contents: bytes) -> bytes:
    """As `der`, with a mark at the end instead of a length."""
    return bytes([tag, 128]) + b"".join(contents) + b"\0\0"


def cms(content: bytes, *, form: str = "der") -> bytes:
    """SignedData without signers: nothing of it is verified."""
    wrap = der if form == "der" else ber
    octets = der(4, content)
    if form == "pieces":
        octets = ber(0x24, *(der(4, content[at : at + 10]) for at in range(0, len(content), 10)))
    data, signed_data = (der(6, bytes.fromhex(f"2a864886f70d0107{last}")) for last in ("01", "02"))
    inner = wrap(0x30, data, wrap(0xA0, octets))
    return wrap(0x30, signed_data, wrap(0xA0, wrap(0x30, der(2, b"\1"), wrap(0x31), inner, der(0x31))))


@pytest.mark.parametrize(
    "type_", ["application/x-pkcs7-mime; smime-type=signed-data", "application/octet-stream; name=smime.p7m"]
)
def test_signed_content_is_found_under_each_of_its_names(type_: str) -> None:
    head = f"Content-Type: {type_}\r\nContent-Transfer-Encoding: base64\r\n\r\n"

    assert parse.parse(head.encode() + base64.encodebytes(cms(b"\r\ninside\r\n"))).text == "inside"


@pytest.mark.parametrize("form", ["der", "ber", "pieces"])
@pytest.mark.parametrize("size", [10, 200, 70_000])
def test_the_content_of_a_signature_is_shown(form: str, size: int) -> None:
    inner = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "ž".encode() * size + b"\r\n"

    parsed = parse.parse(OPAQUE + base64.encodebytes(cms(inner, form=form)))

    assert (parsed.text, [each.part for each in parsed.attachments]) == ("ž" * size, ["1"])


def test_the_parts_of_signed_content_are_read() -> None:
    inner = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nYour code is 482913.\r\n"
        b"--b\r\nContent-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--b--\r\n"
    )
    content = OPAQUE + base64.encodebytes(cms(inner))

    parsed = parse.parse(content)

    assert (parsed.text, [code.value for code in parsed.codes]) == ("Your code is 482913.", ["482913"])
    assert listed(parsed)[1:] == [("a.png", "image/png", 3, "1.2")]
    assert read_back(content, parsed)[1:] == [b"ABC"]


def test_a_signature_around_a_signature_is_read() -> None:
    inner = OPAQUE + base64.encodebytes(cms(b"\r\ninside\r\n"))

    assert parse.parse(OPAQUE + base64.encodebytes(cms(inner))).text == "inside"


@pytest.mark.parametrize(("leaves", "contents", "expected"), [(1, 100, 100 + enclosed.SIGNED), (300, 100, parts.PARTS)])
def test_the_signed_contents_that_are_read_and_their_leaves_are_bounded(
    leaves: int, contents: int, expected: int
) -> None:
    inner = b"Content-Type: multipart/mixed; boundary=c\r\n\r\n" + b"--c\r\n\r\n" * leaves
    part = OPAQUE + base64.encodebytes(cms(inner)) + b"\r\n--b\r\n"

    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + part * (contents - 1) + part[:-7]

    assert len(list(enclosed.leaves(*parts.read(content)))) == expected


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"0",
        b"0\x80",
        b"\x30\x80" * 5_000,
        cms(b"x")[:30],
        cms(b"x").replace(bytes.fromhex("010702"), bytes.fromhex("010703")),
        der(0x30, der(6, bytes.fromhex("2a864886f70d010702")), ber(0xA0, b"\x30\x80", b"\x24\x80" * 5_000)),
    ],
    ids=range(7),
)
def test_what_is_not_signed_content_stays_an_attachment(octets: bytes) -> None:
    parsed = parse.parse(OPAQUE + base64.encodebytes(octets))

    assert (signed.content(octets), parsed.text, [each.name for each in parsed.attachments]) == (b"", "", ["smime.p7m"])


# The files of Outlook


def attribute(number: int, value: bytes) -> bytes:
    return struct.pack("<BII", 2, number, len(value)) + value + b"\0\0"


def text_property(number: int, text: str) -> bytes:
    value = text.encode("utf-16-le") + b"\0\0"
    return struct.pack("<HHII", 0x1F, number, 1, len(value)) + value + b"\0" * (-len(value) % 4)


def properties(*encoded: bytes) -> bytes:
    return struct.pack("<I", len(encoded)) + b"".join(encoded)


NAMED = struct.pack("<HH16sIII", 0x03, 0x8001, b"", 0, 7, 1)
PROPERTIES = properties(NAMED, text_property(0x3707, "Übersicht.pdf"), text_property(0x370E, "application/pdf"))
TNEF = struct.pack("<IH", 0x223E9F78, 1) + b"".join(
    (
        attribute(0x00078006 - 0x00070000, b"\0\0\1\0"),
        attribute(0x00069002, b"\1" + bytes(13)),
        attribute(0x00018010, b"REPORT~1.PDF\0"),
        attribute(0x0006800F, DATA),
        attribute(
            0x00069005,
            properties(NAMED, text_property(0x3707, "Übersicht.pdf"), text_property(0x370E, "application/pdf")),
        ),
        attribute(0x00069002, b"\1" + bytes(13)),
        attribute(0x00018010, b"b\xfc.txt\0"),
        attribute(0x0006800F, b"abc"),
    )
)


@pytest.mark.parametrize("type_", ["application/ms-tnef", "application/octet-stream; name=WINMAIL.DAT"])
def test_the_files_of_outlook_are_attachments(type_: str) -> None:
    head = f"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: {type_}\r\n"
    body = b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(TNEF) + b"\r\n--b--\r\n"
    content = head.encode() + body

    parsed = parse.parse(content)

    assert parsed.text == "text"
    assert listed(parsed)[1:] == [
        ("Übersicht.pdf", "application/pdf", 100, "2.1"),
        ("bü.txt", "application/octet-stream", 3, "2.2"),
    ]
    assert read_back(content, parsed)[1:] == [DATA, b"abc"]


@pytest.mark.parametrize(("type_", "before"), [(0x0102, b""), (0x000D, bytes(16))], ids=["octets", "object"])
def test_the_octets_of_a_file_may_be_a_property(type_: int, before: bytes) -> None:
    value = before + b"abc"
    octets = struct.pack("<HHII", type_, 0x3701, 1, len(value)) + value + b"\0" * (-len(value) % 4)
    encoded = (
        TNEF[:6] + attribute(0x69002, b"") + attribute(0x69005, properties(octets, text_property(0x3704, "a.txt")))
    )

    [file] = tnef.files(encoded)

    assert (file.name, encoded[file.start : file.end]) == ("a.txt", b"abc")


def body_property(number: int, type_: int, value: bytes) -> bytes:
    return attribute(
        0x69003,
        properties(struct.pack("<HHII", type_, number, 1, len(value)) + value + b"\0" * (-len(value) % 4)),
    )


CODE_PAGE = attribute(0x69007, struct.pack("<II", 1251, 0))
BODY = "Ваш код: 482913"
RTF = rb"{\rtf1\ansi\ansicpg1251 \'c2\'e0\'f8 \'ea\'ee\'e4: {\b 482913}\par}"
RTF_OF_HTML = rb"{\rtf1\ansi\fromhtml1{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Your code: 482913\htmlrtf\par}}"


def rtf_property(rtf: bytes) -> bytes:
    return body_property(0x1009, 0x102, struct.pack("<IIII", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (body_property(0x1000, 0x1F, BODY.encode("utf-16-le") + b"\0\0"), BODY),
        (CODE_PAGE + body_property(0x1000, 0x1E, BODY.encode("cp1251") + b"\0"), BODY),
        (CODE_PAGE + attribute(0x2800C, BODY.encode("cp1251") + b"\0"), BODY),
        (body_property(0x1013, 0x102, b"<p>Your code: <b>482913</b>"), "Your code: 482913"),
        (rtf_property(RTF), BODY),
        (rtf_property(RTF_OF_HTML), "Your code: 482913"),
    ],
    ids=["wide", "narrow", "attribute", "html", "rtf", "rtf with html"],
)
def test_the_text_in_a_winmail_dat_is_that_of_a_message_without_another(octets: bytes, text: str) -> None:
    encoded = base64.encodebytes(TNEF[:6] + octets + TNEF[6:])
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n%s\r\n--b\r\n"
    part = (
        b"Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded + b"\r\n--b--\r\n"
    )

    alone, beside = (parse.parse(head % other + part) for other in (b" ", b"other"))

    assert (alone.text, [code.value for code in alone.codes]) == (text, ["482913"])
    assert (beside.text, listed(beside)) == ("other", listed(alone))


def test_the_html_in_rtf_of_outlook_has_its_links_and_the_pictures_of_the_message() -> None:
    link, picture = rb'{\*\htmltag0 <a href="https://x.test/verify">}', rb'{\*\htmltag0 </a><img src="cid:i">}'
    html = rb"{\rtf1\ansi\fromhtml1" + link + b"Verify" + picture + b"}"
    encoded = base64.encodebytes(TNEF[:6] + rtf_property(html) + TNEF[6:])

    parsed = parse.parse(b"Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded)

    assert parsed.html == '<a href="https://x.test/verify">Verify</a><img src="cid:i">'
    assert (parsed.text, [each.url for each in parsed.links]) == (
        "Verify <https://x.test/verify>",
        ["https://x.test/verify"],
    )


@pytest.mark.parametrize(
    ("fields", "text", "files"),
    [
        ("Content-Type: text/rtf; charset=us-ascii", "Your code: 482913", 1),
        ("Content-Type: application/rtf\r\nContent-Disposition: inline", "Your code: 482913", 1),
        ("Content-Type: application/rtf; name=a.rtf", "", 1),
        ("Content-Type: text/rtf\r\nContent-Disposition: attachment", "", 1),
    ],
)
def test_a_message_of_rtf_alone_shows_its_text_if_it_is_no_document(fields: str, text: str, files: int) -> None:
    parsed = parse.parse(fields.encode() + b"\r\n\r\n{\\rtf1\\ansi Your code: {\\b 482913}\\par}\r\n")

    assert (parsed.text, len(parsed.attachments)) == (text, files)


def test_text_beside_rtf_is_the_text() -> None:
    content = (
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/rtf\r\n\r\n{\\rtf1 a}\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n"
    )

    assert parse.parse(content).text == "plain"


@pytest.mark.parametrize("length", range(0, len(TNEF), 7))
def test_a_broken_winmail_dat_is_read_as_far_as_it_goes(length: int) -> None:
    files = tnef.files(TNEF[:length])

    assert tnef.body(TNEF[:length]) is None
    assert all(0 <= each.start <= each.end <= length for each in files)


@pytest.mark.parametrize(
    "octets", [b"", b"winmail", TNEF[:6] + b"\xff" * 1_000, TNEF[:6] + attribute(0x69002, b"") * 5_000]
)
def test_a_hostile_winmail_dat_has_no_files(octets: bytes) -> None:
    assert tnef.files(octets) == []


# Reports


def report(kind: str, *parts: str) -> bytes:
    head = f"Content-Type: multipart/report; report-type={kind}; boundary=b\r\n\r\n"
    return (head + "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n").encode()


STATUS = "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.test\r\n\r\nAction: failed"
RETURNED = "Content-Type: message/rfc822\r\n\r\nSubject: Hello\r\n\r\nYour code is 482913."
FEEDBACK = "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse"


@pytest.mark.parametrize(("kind", "status"), [("delivery-status", STATUS), ("feedback-report", FEEDBACK)])
def test_the_text_of_a_report_is_its_own_and_the_returned_message_is_attached(kind: str, status: str) -> None:
    parsed = parse.parse(report(kind, "\r\nIt was not delivered.", status, RETURNED))

    assert (parsed.text, parsed.codes) == ("It was not delivered.", ())
    assert [(each.name, each.type) for each in parsed.attachments] == [
        ("", f"message/{kind}"),
        ("Hello.eml", "message/rfc822"),
    ]


def test_a_report_without_text_shows_its_fields() -> None:
    parsed = parse.parse(report("delivery-status", STATUS, RETURNED))

    assert parsed.text == "Reporting-MTA: dns; x.test\n\nAction: failed"
