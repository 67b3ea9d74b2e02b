"""Content that is broken, hostile or not mail at all."""

import time

import msgspec
import pytest

from fake_email import bodies, parse
from fake_email.mime import parts

MEGABYTES_25 = 25_000_000


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        (b"\r\nbody", "body"),
        (b"no header at all", "no header at all"),
        (b"Hello: this is text\nwith no header", "Hello: this is text\nwith no header"),
        (b"Subject: only a header", ""),
        (b"Subject: x\nno blank line before\n\nthe text", "no blank line before\n\nthe text"),
    ],
)
def test_the_body_is_found_without_a_usual_header_section(content: bytes, text: str) -> None:
    assert parse.parse(content).text == text


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
def test_every_form_of_line_end_is_read(line_end: bytes) -> None:
    lines = (
        b"Subject: x",
        b"Content-Type: multipart/mixed; boundary=b",
        b"",
        b"--b",
        b"",
        b"one",
        b"two",
        b"--b",
        b"Content-Type: image/png",
        b"",
        b"--b--",
        b"",
    )

    parsed = parse.parse(line_end.join(lines))

    assert (parsed.subject, parsed.text, len(parsed.attachments)) == ("x", "one\ntwo", 1)


def test_bare_carriage_returns_are_read_although_the_message_ends_with_crlf() -> None:
    parsed = parse.parse(b"Subject: x\rFrom: a@b.test\r\rbody\r\n")

    assert (parsed.subject, parsed.from_address, parsed.text) == ("x", "a@b.test", "body")


@pytest.mark.parametrize("first_line", [b"From a@b.test Mon Jan  1 00:00:00 2024\n", b" X-Indented: yes\n"])
def test_a_first_line_that_is_not_a_field_does_not_hide_the_header(first_line: bytes) -> None:
    parsed = parse.parse(first_line + b"Subject: x\n\nbody")

    assert (parsed.subject, parsed.text) == ("x", "body")


def test_a_fold_that_lost_its_space_is_read() -> None:
    parsed = parse.parse(b'Content-Type: image/png; x=y;\nname="a.png"\n\nx')

    assert [item.name for item in parsed.attachments] == ["a.png"]


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
        ("iso-8859-1", b"\x93quoted\x94", "“quoted”"),
        ("gb2312", "镕".encode("gb18030"), "镕"),
        ("us-ascii", "Grüße".encode(), "Grüße"),
        ("us-ascii", "Grüße".encode("latin-1"), "Grüße"),
        ("no-such-charset", "Grüße".encode(), "Grüße"),
        ('"charset=utf-8"', "Grüße".encode(), "Grüße"),
        ("utf-8", b"kept \xff kept", "kept ÿ kept"),
        ("shift_jis", b"kept \x81", "kept \ufffd"),
        ("punycode", b"kept-", "kept-"),
        ("zip", b"kept", "kept"),
        ("utf-7", b"+2AA-kept", "\ufffdkept"),
        ("utf-8", b"nul\0led", "nulled"),
    ],
)
def test_text_is_decoded_whatever_its_charset(charset: str, octets: bytes, text: str) -> None:
    parsed = parse.parse(b"Content-Type: text/plain; charset=" + charset.encode() + b"\n\n" + octets)

    assert parsed.text == text


def test_html_declares_its_charset_when_the_field_does_not() -> None:
    parsed = parse.parse(b'Content-Type: text/html\n\n<meta charset="windows-1250"><p>\x8elu\x9d')

    assert parsed.text == "Žluť"


@pytest.mark.parametrize(
    ("head", "text"),
    [
        ("<?xml version='1.0' encoding='windows-1250'?>", "Žluť"),
        ('\n<?xml encoding = "windows-1250" ?><meta charset=windows-1252>', "Žlu\ufffd"),
        ("<p><?xml encoding='windows-1250'?>", "Žlu\ufffd"),
    ],
)
def test_html_may_name_its_charset_in_an_xml_declaration_at_its_start(head: str, text: str) -> None:
    content = b"Content-Type: text/html\n\n" + head.encode() + b"<p>\x8elu\x9d"

    assert parse.parse(content).text == text


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        (b"aGVsbG8gd29ybGQ", "hello world"),
        (b"aGVs*bG8g\n d29ybGQ=", "hello world"),
        (b"aGVsbG8gd29ybGQ=\n-- \nthe footer of a list", "hello world"),
        (b"aGVsbG8gd29ybGQgZ", "hello world "),
        (b"aGVsbG8gd29ybGQ=\nCmxpc3QgZm9vdGVy\n", "hello world\nlist footer"),
        (b"aGVsbG8gd29ybGQ=CmxpcA==", "hello world\nlip"),
        (b"this is plain text, not base64", "this is plain text, not base64"),
    ],
)
def test_broken_base64_is_decoded_as_far_as_possible(encoded: bytes, text: str) -> None:
    parsed = parse.parse(b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + encoded)

    assert parsed.text.rstrip("\n") == text.rstrip("\n")


def test_an_unknown_transfer_encoding_changes_nothing() -> None:
    parsed = parse.parse(b"Content-Transfer-Encoding: base9000\n\nas it is")

    assert parsed.text == "as it is"


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: multipart/mixed\n\njust text\n",
        b"Content-Type: multipart/mixed; boundary=absent\n\njust text\n",
        b"Content-Type: multipart/mixed\n\n--guessed\nContent-Type: text/plain\n\njust text\n--guessed--\n",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\njust text",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\njust text\n--b-->\nnot this\n",
        b"Content-Type: multipart/mixed; boundary=b\nno blank line\n--b\n\njust text\n--b--\n",
        b"Content-Type: text\n\njust text\n",
        b"Content-Type: ;;;\n\njust text\n",
    ],
)
def test_the_text_of_a_broken_structure_is_shown(content: bytes) -> None:
    assert parse.parse(content).text == "just text"


def test_a_boundary_that_begins_with_another_boundary_is_told_apart() -> None:
    content = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b1\n\n"
        b"--b1\n\none\n--b1--\n--b\n\ntwo\n--b--\n"
    )

    assert parse.parse(content).text == "one\n\ntwo"


def test_a_named_part_of_an_unreadable_type_is_a_file() -> None:
    parsed = parse.parse(b"Content-Type: ; name=a.bin\n\nx")

    assert [(item.name, item.type) for item in parsed.attachments] == [("a.bin", "application/octet-stream")]


def test_no_more_than_a_thousand_attachments_are_listed() -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: image/png\n\n" * 1_500

    parsed = parse.parse(content)

    assert (len(parsed.attachments), parsed.attachments_omitted) == (parse.ATTACHMENTS, 500)


def test_the_attachments_have_a_bounded_size_as_json() -> None:
    part = b"--b\nContent-Type: image/png; name*=utf-8''" + b"%C5%BE" * 255 + b"\n\n"
    parsed = parse.parse(b"Content-Type: multipart/mixed; boundary=b\n\n" + part * 600)

    assert parse.LIST_OCTETS * 0.9 < len(msgspec.json.encode(parsed.attachments)) <= parse.LIST_OCTETS + 2
    assert len(parsed.attachments) + parsed.attachments_omitted == 600


def test_the_links_have_a_bounded_size_as_json() -> None:
    urls = "\n".join(f"https://x.test/{number}/{'ж' * 2_500}" for number in range(90))
    parsed = parse.parse(b"Content-Type: text/plain; charset=utf-8\n\n" + urls.encode())

    assert parse.LIST_OCTETS * 0.9 < len(msgspec.json.encode(parsed.links)) <= parse.LIST_OCTETS + 2
    assert len(parsed.links) + parsed.links_omitted == 90


@pytest.mark.parametrize(
    "field",
    [b"Content-Type: a/b;" + b" " * 16_000 + b"x", b"Content-Type: a/b; name*=utf-8''" + b"%41" * 5_000],
    ids=["blanks", "percent encoding"],
)
def test_parts_are_read_as_far_as_their_fields_have_a_mebibyte(field: bytes) -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\n\n" + (b"--b\n" + field + b"\n\n") * 1_000

    parsed = parse.parse(content)

    assert parts.FIELD_OCTETS // len(field) <= len(parsed.attachments) <= parts.FIELD_OCTETS // len(field) + 1


def test_text_and_html_are_cut_at_their_limit() -> None:
    parsed = parse.parse(b"Content-Type: text/html\n\n" + "ž".encode() * (bodies.TEXT_CHARACTERS + 10))

    assert (len(parsed.text), len(parsed.html or "")) == (bodies.TEXT_CHARACTERS, bodies.TEXT_CHARACTERS)


def test_a_subject_is_cut_at_its_limit() -> None:
    parsed = parse.parse(b"Subject: " + b"x" * 300_000 + b"\n\nbody")

    assert (len(parsed.subject), parsed.text) == (998, "body")


@pytest.mark.parametrize("blank_line", [b"\n\n", b"\r\n\r\n"])
def test_the_body_is_found_behind_a_header_section_of_megabytes(blank_line: bytes) -> None:
    parsed = parse.parse(b"Subject: x\n" + b"X-Filler: y\n" * 300_000 + b"X: z" + blank_line + b"body")

    assert (parsed.subject, parsed.text) == ("x", "body")


_PARTS_START = b"Content-Type: multipart/mixed; boundary=b\n\n"
_NESTED = b"Content-Type: multipart/mixed; boundary=b0\n\n" + b"".join(
    b"--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n" % (depth, depth + 1) for depth in range(10_000)
)


@pytest.mark.parametrize(
    ("start", "repeated"),
    [
        (_PARTS_START, b"--b\n\n"),
        (_PARTS_START, b"--bx\n"),
        (_NESTED, b"\n"),
        (_NESTED, b"\n--b"),
        (b"Subject: x\n\n", b"\r"),
        (b"", b"a:b\n"),
        (b"From x\n", b"x\na:b\n"),
        (b"Subject: ", b"=?u?q?x"),
        (b"From: ", b'"\\'),
        (b"From: ", b"(\\"),
        (b"Content-Type: a/b", b';a="\\'),
        (_PARTS_START, b"--b\nContent-Type: a/b;" + b" " * 16_000 + b"x\n\n"),
        (_PARTS_START, b"--b\nContent-Type: a/b; name*=utf-8''" + b"%41" * 5_000 + b"\n\n"),
        (b"Content-Type: text/plain; charset=utf-7\n\n", b"+\xff"),
        (b"Content-Type: text/html\n\n", b"<p>"),
        (b"Content-Type: text/html\n\n", b"<"),
        (b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n", b"YWFh\n"),
    ],
    ids=range(17),
)
def test_25_megabytes_of_hostile_content_are_parsed_in_linear_time(start: bytes, repeated: bytes) -> None:
    content = start + repeated * ((MEGABYTES_25 - len(start)) // len(repeated))

    began = time.process_time()
    parse.parse(content)

    assert time.process_time() - began < 10  # a quadratic step takes hours
