"""Usual messages, parsed into the values that a reader is shown."""

import datetime
from pathlib import Path

import pytest
from support import corpus

from fake_email import parse
from fake_email.parsed_message import ParsedMessage


def message(*lines: str | bytes) -> bytes:
    return b"\r\n".join(line.encode() if isinstance(line, str) else line for line in lines) + b"\r\n"


def multipart(subtype: str, *parts: bytes) -> bytes:
    head = f"Content-Type: multipart/{subtype}; boundary=frontier\r\n\r\n".encode()
    return head + b"".join(b"--frontier\r\n" + part + b"\r\n" for part in parts) + b"--frontier--\r\n"


PLAIN = message("Content-Type: text/plain; charset=utf-8", "", "As text.")
HTML = message("Content-Type: text/html; charset=utf-8", "", "<p>As <b>HTML</b>.</p>")
PDF = message(
    "Content-Type: Application/PDF",
    "Content-Disposition: attachment; filename=bill.pdf",
    "Content-Transfer-Encoding: base64",
    "",
    "JVBERi0xLjc=",
)


def strings(parsed: ParsedMessage) -> list[str]:
    listed = [text for item in parsed.attachments for text in (item.name, item.type, item.content_id or "", item.part)]
    return [parsed.subject, parsed.from_header, parsed.from_address, parsed.text, parsed.html or "", *listed]


def test_a_plain_message_is_parsed() -> None:
    content = message(
        "From: Ada <ada@a.test>",
        "Subject: Your code",
        "Date: Fri, 1 Mar 2024 12:30:00 +0200",
        "",
        "It is 123456.",
        "Bye.",
    )

    parsed = parse.parse(content)

    assert parsed == ParsedMessage(
        subject="Your code",
        from_header="Ada <ada@a.test>",
        from_address="ada@a.test",
        date_header=datetime.datetime(2024, 3, 1, 10, 30, tzinfo=datetime.UTC),
        text="It is 123456.\nBye.",
        html=None,
        attachments=(),
        codes=(),
        links=(),
    )


@pytest.mark.parametrize(
    ("field", "subject"),
    [
        ("=?utf-8?q?J=C3=BCrgen_k=C3=BChn?=", "Jürgen kühn"),
        ("=?iso-8859-1?B?SvxyZ2Vu?=", "Jürgen"),
        ("=?utf-8?b?xb4=?= =?utf-8?b?bMM=?=\r\n =?utf-8?b?rQ==?=", "žlí"),
        ("one =?utf-8?q?two?= three", "one two three"),
        ("=?utf-8?Q?Really??= =?utf-8?Q?_yes?=", "Really? yes"),
        ("=?utf-8?q?=3D=3Futf-8=3Fq=3Ftwice=3F=3D?=", "twice"),
        ("=?no-such?q?J=C3=BC?=", "Jü"),
        ("=?utf-8?x?kept?=", "=?utf-8?x?kept?="),
        ("a line\r\n\tand another", "a line and another"),
        ("null\0 and bell\a", "null and bell"),
    ],
)
def test_a_subject_is_shown_decoded_on_one_line(field: str, subject: str) -> None:
    parsed = parse.parse(message(f"Subject: {field}", "", "x"))

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
    parsed = parse.parse(message(b"Subject: " + octets, "", "x"))

    assert parsed.subject == subject


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("=?utf-8?q?a=40b=2Ec=2C?= <real@x.test>", "real@x.test"),
        ("=?utf-8?q?x@y?= <real@x.test>", "real@x.test"),
        ('"not@this.one" <real@x.test>', "real@x.test"),
        ('"a <b@c.test>" <real@x.test>', "real@x.test"),
        ("not@this.one <real@x.test>", "real@x.test"),
        ("Doe, John <real@x.test>", "real@x.test"),
        ("real@x.test (not@this.one (nor@this))", "real@x.test"),
        ("real@x.test, other@x.test", "real@x.test"),
        ("One <real@x.test> Two <other@x.test>", "real@x.test"),
        ("list: real@x.test, other@x.test;", "real@x.test"),
        ("<@relay.test:real@x.test>", "real@x.test"),
        ('"John Doe"@x.test', '"John Doe"@x.test'),
        ('"never closed <real@x.test>', "real@x.test"),
        ("Jö <ö@ü.test>", "ö@ü.test"),
        ("nobody in particular", ""),
        ("<>", ""),
        ("<" + "a" * 320 + "@x.test>", ""),
    ],
)
def test_the_address_is_that_of_the_first_mailbox_in_the_undecoded_field(field: str, address: str) -> None:
    parsed = parse.parse(message(f"From: {field}", "", "x"))

    assert parsed.from_address == address


def test_the_from_field_is_shown_decoded() -> None:
    parsed = parse.parse(message("From: =?utf-8?q?J=C3=BCrgen?= <j@example.test>", "", "x"))

    assert parsed.from_header == "Jürgen <j@example.test>"


@pytest.mark.parametrize(
    "field", ["", "yesterday", "Mon, 1 Jan 2024 00:00:00 +9999", "31 Dec 9999 23:59:59 -1200", "9" * 5000]
)
def test_an_unreadable_date_is_none(field: str) -> None:
    parsed = parse.parse(message(f"Date: {field}", "", "x"))

    assert parsed.date_header is None


def test_a_date_without_a_zone_is_taken_as_utc() -> None:
    parsed = parse.parse(message("Date: Fri, 1 Mar 2024 12:30:00 -0000", "", "x"))

    assert parsed.date_header == datetime.datetime(2024, 3, 1, 12, 30, tzinfo=datetime.UTC)


def test_the_first_of_repeated_fields_counts() -> None:
    parsed = parse.parse(message("Subject:", "Subject: one", "Subject: two", "", "x"))

    assert parsed.subject == "one"


def test_the_text_of_an_alternative_is_the_plain_part() -> None:
    parsed = parse.parse(multipart("alternative", PLAIN, HTML))

    assert (parsed.text, parsed.html) == ("As text.", "<p>As <b>HTML</b>.</p>")


def test_the_text_of_an_alternative_with_a_blank_plain_part_is_the_html_rendered() -> None:
    parsed = parse.parse(multipart("alternative", message("", "  "), HTML))

    assert parsed.text == "As HTML."


def test_the_text_of_an_html_message_is_the_html_rendered() -> None:
    parsed = parse.parse(HTML)

    assert parsed.text == "As HTML."


def test_plain_parts_are_joined() -> None:
    parsed = parse.parse(multipart("mixed", PLAIN, message("", "And more.")))

    assert parsed.text == "As text.\n\nAnd more."


def test_a_plain_footer_does_not_hide_the_html_before_it() -> None:
    parsed = parse.parse(multipart("mixed", HTML, message("", "The list's footer")))

    assert parsed.text == "As HTML.\n\nThe list's footer"


def test_an_attachment_is_listed_with_its_decoded_size_and_section() -> None:
    parsed = parse.parse(multipart("mixed", multipart("alternative", PLAIN, HTML).replace(b"frontier", b"inner"), PDF))

    (attachment,) = parsed.attachments
    assert (attachment.name, attachment.type, attachment.size) == ("bill.pdf", "application/pdf", 8)
    assert (attachment.content_id, attachment.part) == (None, "2")


def test_sections_count_through_nested_multiparts() -> None:
    inner = multipart("related", HTML, PDF).replace(b"frontier", b"inner")

    parsed = parse.parse(multipart("mixed", PLAIN, inner, PDF))

    assert [attachment.part for attachment in parsed.attachments] == ["2.2", "3"]


def test_a_message_that_is_only_a_file_is_section_1() -> None:
    parsed = parse.parse(PDF)

    assert (parsed.text, [attachment.part for attachment in parsed.attachments]) == ("", ["1"])


def test_an_inline_image_is_listed_with_its_content_id() -> None:
    image = message("Content-Type: image/png", "Content-Disposition: inline", "Content-ID: <logo@x.test>", "", "x")

    parsed = parse.parse(multipart("related", HTML, image))

    assert [(item.type, item.content_id) for item in parsed.attachments] == [("image/png", "logo@x.test")]


def test_text_sent_as_an_attachment_is_not_shown() -> None:
    attached = message("Content-Type: text/plain", "Content-Disposition: attachment; filename=a.txt", "", "file")

    parsed = parse.parse(multipart("mixed", PLAIN, attached))

    assert (parsed.text, [item.name for item in parsed.attachments]) == ("As text.", ["a.txt"])


def test_inline_text_with_a_file_name_is_both_shown_and_listed() -> None:
    named = message("Content-Type: text/plain", "Content-Disposition: inline; filename=a.txt", "", "file")

    parsed = parse.parse(multipart("mixed", PLAIN, named))

    assert (parsed.text, [item.name for item in parsed.attachments]) == ("As text.\n\nfile", ["a.txt"])


def test_an_invitation_is_listed() -> None:
    invitation = message("Content-Type: text/calendar; method=REQUEST", "", "BEGIN:VCALENDAR")

    parsed = parse.parse(multipart("alternative", PLAIN, invitation))

    assert (parsed.text, [item.type for item in parsed.attachments]) == ("As text.", ["text/calendar"])


def test_a_forwarded_message_is_a_file_named_by_its_subject() -> None:
    forwarded = message("Content-Type: message/rfc822", "", "Subject: Re: 1/2", "", "Not for the outer text.")

    parsed = parse.parse(multipart("mixed", PLAIN, forwarded))

    assert (parsed.text, [item.name for item in parsed.attachments]) == ("As text.", ["Re: 1-2.eml"])


def test_the_parts_of_a_digest_are_messages() -> None:
    parsed = parse.parse(multipart("digest", message("", "Subject: One", "", "text")))

    assert [(item.name, item.type) for item in parsed.attachments] == [("One.eml", "message/rfc822")]


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("filename=plain.txt", "plain.txt"),
        ("filename=with space.txt", "with space.txt"),
        ('filename="semi;colon \\"quoted\\".txt"', 'semi;colon "quoted".txt'),
        ("filename*=utf-8''%e2%82%ac.txt", "€.txt"),
        ("filename=ascii.txt; filename*=iso-8859-1'en'%a3.txt", "£.txt"),
        ("filename*0*=utf-8''%e2%82; filename*1*=%ac; filename*2=\".txt\"", "€.txt"),
        ("filename*1=b.txt; filename*0=a", "ab.txt"),
        ("filename==?utf-8?q?=E2=82=AC.txt?=", "€.txt"),
        ('filename="=?utf-8?b?4oKsLnR4dA==?="', "€.txt"),
        ("filename=管理.txt", "管理.txt"),
        ("filename=../../etc/passwd", "passwd"),
        ('filename="C:\\Users\\a\\b.txt"', "b.txt"),
        ("filename=..", ""),
        ("filename*=utf-8''a%00%0Ab.txt", "ab.txt"),
        ("filename*=utf-8''a%E2%80%AEfdp.exe", "afdp.exe"),
        ("filename=" + "n" * 300 + ".pdf", "n" * 251 + ".pdf"),
        ('filename="never closed.txt', "never closed.txt"),
    ],
)
def test_a_file_name_is_decoded_and_made_safe(field: str, name: str) -> None:
    parsed = parse.parse(message("Content-Type: image/png", f"Content-Disposition: attachment; {field}", "", "x"))

    assert [item.name for item in parsed.attachments] == [name]


def test_the_name_comes_from_the_content_type_when_the_disposition_has_none() -> None:
    parsed = parse.parse(message('Content-Type: image/png; name="a.png"', "", "x"))

    assert [item.name for item in parsed.attachments] == ["a.png"]


@corpus.for_each
def test_every_message_of_the_corpus_is_parsed_and_can_be_stored(path: Path) -> None:
    parsed = parse.parse(path.read_bytes())

    assert not any("\0" in text for text in strings(parsed))
    assert "".join(strings(parsed)).encode()
