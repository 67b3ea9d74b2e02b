"""The subject and the sender that a message's header section gives a reader."""

import pytest

from fake_email import parse
from fake_email.mime import headers


def content(field: str) -> bytes:
    """A message with this field."""
    return f"{field}\r\n\r\nx\r\n".encode()


@pytest.mark.parametrize(
    ("field", "subject"),
    [
        ("=?utf-8?q?J=C3=BCrgen_k=C3=BChn?=", "Jürgen kühn"),
        ("=?iso-8859-1?B?SvxyZ2Vu?=", "Jürgen"),
        ("=?utf-8?b?xb4=?= =?utf-8?b?bMM=?=\r\n =?utf-8?b?rQ==?=", "žlí"),
        ("one =?utf-8?q?two?= three", "one two three"),
        ("=?utf-8?b?xb5sw?= =?utf-8?b?60=?=", "žlí"),
        ("=?utf-8?b?xb5s?= =?utf-8?b?w60?=", "žlí"),
        ("=?utf-8?b?xQ?= =?utf-8?b?vmw?=", "žl"),
        ("=?utf-8?b?xQ==?= =?utf-8?b?vmw=?=", "žl"),
        ("=?utf-8?q?=C5?= =?utf-8?q?=BE?=", "ž"),
        ("=?utf-8?q?=C5=B?= =?utf-8?q?E?=", "ž"),
        ("=?iso-2022-jp?b?GyRCRyc=?= =?iso-2022-jp?b?PloKGyhC?=", "認証"),
        ("=?gb2312?q?=C4?= =?gb2312?q?=E3?=", "你"),
        ("=?utf-8?Q?Really??= =?utf-8?Q?_yes?=", "Really? yes"),
        ("=?utf-8?q?=3D=3Futf-8=3Fq=3Ftwice=3F=3D?=", "twice"),
        ("=?no-such?q?J=C3=BC?=", "Jü"),
        ("=?utf-8?x?kept?=", "=?utf-8?x?kept?="),
        ("a line\r\n\tand another", "a line and another"),
        ("null\0 and bell\a", "null and bell"),
    ],
)
def test_a_subject_is_shown_decoded_on_one_line(field: str, subject: str) -> None:
    parsed = parse.parse(content(f"Subject: {field}"))

    assert parsed.subject == subject


@pytest.mark.parametrize(
    ("octets", "subject"),
    [
        ("Žluťoučký kůň".encode(), "Žluťoučký kůň"),
        (b"J\xfcrgen", "Jürgen"),
        ("Žluťoučký kůň".encode()[:-1], "Žluťoučký ků\ufffd"),
    ],
    ids=["UTF-8", "Latin-1", "UTF-8 cut in a character"],
)
def test_raw_octets_in_a_subject_are_shown(octets: bytes, subject: str) -> None:
    parsed = parse.parse(b"Subject: " + octets + b"\r\n\r\nx\r\n")

    assert parsed.subject == subject


def test_the_from_field_is_shown_decoded() -> None:
    parsed = parse.parse(content("From: =?utf-8?q?J=C3=BCrgen?= <j@example.test>"))

    assert parsed.from_header == "Jürgen <j@example.test>"


@pytest.mark.parametrize("field", ["Subject : seen", "Subject\t: seen", "SUBJECT:seen", "subject:\r\n seen"])
def test_a_field_is_found_however_its_name_is_written(field: str) -> None:
    parsed = parse.parse(content(f"From: a@b.test\r\n{field}\r\nContent-Type : text/plain"))

    assert (parsed.subject, parsed.text) == ("seen", "x")


@pytest.mark.parametrize("line", [b"MIME-Version 1.0", "Fröm: a@b.test".encode(), b"\0: x", b"+OK message follows"])
def test_the_fields_behind_a_broken_first_line_are_read(line: bytes) -> None:
    parsed = parse.parse(line + b"\r\nSubject: seen\r\nFrom: a@b.test\r\n\r\nx")

    assert (parsed.subject, parsed.from_address, parsed.text) == ("seen", "a@b.test", "x")


@pytest.mark.parametrize("name", ["To", "Cc"])
def test_the_addresses_of_all_fields_of_one_name_are_read(name: str) -> None:
    repeated = f"{name}: a@x.test, Bo <b@x.test>\r\n{name}: \r\n{name.upper()}: c@x.test\r\n"

    parsed = parse.parse(f"Subject: s\r\n{repeated}\r\nx".encode())

    found = parsed.to_addresses if name == "To" else parsed.cc_addresses
    assert [each.address for each in found or ()] == ["a@x.test", "b@x.test", "c@x.test"]


@pytest.mark.parametrize("text", ["Hello,", "Hello,\nnote: this", "Hello\n\nSubject: x", "http://x.test\nsee: it"])
def test_content_without_fields_is_text(text: str) -> None:
    parsed = parse.parse(text.encode())

    assert (parsed.subject, parsed.text) == ("", text)


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_a_byte_order_mark_before_the_first_field_is_no_part_of_it(line_end: bytes) -> None:
    fields = line_end.join((b"Subject: seen", b"From: a@b.test", b"", b"x"))

    parsed = parse.parse("\ufeff".encode() + fields)

    assert (parsed.subject, parsed.from_address, parsed.text) == ("seen", "a@b.test", "x")
    assert headers.all_fields("\ufeff".encode() + fields) == headers.all_fields(fields)


@pytest.mark.parametrize("fold", [b" ", b"\r\n "])
def test_all_fields_have_the_charset_that_the_message_names(fold: bytes) -> None:
    type_field = b"Content-Type: text/plain;" + fold + b"charset=windows-1251"

    fields = headers.all_fields(b"Subject: " + "Код".encode("cp1251") + b"\r\n" + type_field + b"\r\n\r\n")

    assert fields[0] == ("Subject", "Код")


def test_a_message_whose_lines_end_with_two_carriage_returns_is_read() -> None:
    lines = ["Subject: x", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "one", "two", "--b--", ""]

    parsed = parse.parse("\r\r\n".join(lines).encode())

    assert (parsed.subject, parsed.text) == ("x", "one\ntwo")


def test_a_content_id_may_be_written_as_a_url() -> None:
    parsed = parse.parse(b"Content-Type: image/png\r\nContent-ID: <cid:a@x.test>\r\n\r\nx")

    assert [each.content_id for each in parsed.attachments] == ["a@x.test"]


@pytest.mark.parametrize("name", ["X-Größe", "Тема", "Content-Dispo\u00adsition"])
@pytest.mark.parametrize("position", [1, 3])
def test_a_field_whose_name_is_not_ascii_does_not_end_the_section(name: str, position: int) -> None:
    lines = ["Subject: x", "From: a@x.test", "Content-Type: image/png", "", "body"]
    lines.insert(position, f"{name}: y;\r\n z=1")

    parsed = parse.parse("\r\n".join(lines).encode())

    assert (parsed.subject, parsed.from_address, [each.size for each in parsed.attachments]) == ("x", "a@x.test", [4])
