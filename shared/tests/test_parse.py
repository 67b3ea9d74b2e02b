"""Usual messages, parsed into the values that a reader is shown."""

import datetime
from pathlib import Path

import pytest
from support import corpus

from fake_email import parse
from fake_email.parsed_message import Address, ParsedMessage


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
        "Subject: Your visit",
        "Date: Fri, 1 Mar 2024 12:30:00 +0200",
        "",
        "It is 123456.",
        "Bye.",
    )

    parsed = parse.parse(content)

    assert parsed == ParsedMessage(
        subject="Your visit",
        from_header="Ada <ada@a.test>",
        from_address="ada@a.test",
        from_addresses=(Address(name="Ada", address="ada@a.test"),),
        to_addresses=(),
        cc_addresses=(),
        reply_to_addresses=(),
        date_header=datetime.datetime(2024, 3, 1, 10, 30, tzinfo=datetime.UTC),
        text="It is 123456.\nBye.",
        html=None,
        attachments=(),
        attachments_omitted=0,
        codes=(),
        links=(),
        links_omitted=0,
    )


def test_the_addresses_of_each_field_are_listed() -> None:
    parsed = parse.parse(
        message(
            "From: =?utf-8?q?J=C3=BCrgen?= <j@a.test>",
            "To: Doe, John <john@b.test>, undisclosed:;",
            "Cc: team: x@c.test, y@c.test;",
            "Reply-To: help@a.test (Help)",
            "",
            "x",
        )
    )

    lists = parsed.from_addresses, parsed.to_addresses, parsed.cc_addresses, parsed.reply_to_addresses
    assert [[(each.name, each.address) for each in found or ()] for found in lists] == [
        [("Jürgen", "j@a.test")],
        [("Doe, John", "john@b.test")],
        [("", "x@c.test"), ("", "y@c.test")],
        [("Help", "help@a.test")],
    ]


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
