"""The values and parameters of Content-Type and Content-Disposition, as senders break them."""

import pytest

from fake_email import parse

PARTS = b"\r\nContent-Type: text/plain\r\n\r\nshown\r\n"


@pytest.mark.parametrize(
    ("field", "delimiter"),
    [
        ('boundary="=_mixed\r\n 005A2D41_="', "=_mixed 005A2D41_="),
        ('boundary="=_mixed\r\n\t005A2D41_="', "=_mixed\t005A2D41_="),
        ('boundary="=_mixed\r\n\t005A2D41_="', "=_mixed 005A2D41_="),
        ('boundary="=_mixed\r\n   005A2D41_="', "=_mixed005A2D41_="),
        ('boundary="abc" (a comment; with "quotes")', "abc"),
        ("boundary=abc (a comment)", "abc"),
        ('(a comment) boundary="abc"', "abc"),
        ('boundary = "abc"', "abc"),
        ('boundary="a(b)c"', "a(b)c"),
        ('type="text/html"; boundary="abc"; charset=x', "abc"),
        ('charset="x" boundary="abc"', "abc"),
    ],
)
def test_a_boundary_is_found(field: str, delimiter: str) -> None:
    head = f"Content-Type: multipart/mixed (see below); {field}\r\n\r\n--{delimiter}".encode()

    assert parse.parse(head + PARTS + f"--{delimiter}--\r\n".encode()).text == "shown"


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ('filename="the "final" report.pdf"', 'the "final" report.pdf'),
        ('filename="the "end""', 'the "end"'),
        ('filename="a.pdf" ; size=3', "a.pdf"),
        ('filename="a.pdf" size=3', "a.pdf"),
        ('filename="a.pdf" (the file)', "a.pdf"),
        ("filename=a.pdf (the file)", "a.pdf"),
        ("filename=report (1).pdf", "report (1).pdf"),
        ('filename="report (1).pdf"', "report (1).pdf"),
        ('filename="two\r\n words.pdf"', "two words.pdf"),
        ('filename*0="=?utf-8?B?4oKs"; filename*1="LnR4dA==?="', "€.txt"),
        ('filename*0="=?utf-8?Q?=E2=82=AC?="; filename*1=" =?utf-8?Q?.txt?="', "€.txt"),
        ("filename*=utf-8''=?utf-8?Q?=E2=82=AC.txt?=", "€.txt"),
        ('filename="=?utf-8?Q?=E2=82=AC?=\r\n =?utf-8?Q?.txt?="', "€.txt"),
    ],
)
def test_a_file_name_that_breaks_the_rules_is_read(field: str, name: str) -> None:
    content = f"Content-Type: image/png\r\nContent-Disposition: attachment; {field}\r\n\r\nx".encode()

    assert [each.name for each in parse.parse(content).attachments] == [name]


@pytest.mark.parametrize(
    ("field", "text", "is_html"),
    [
        ("text / html; charset=utf-8", "shown", True),
        ("text /html", "shown", True),
        ("html", "shown", True),
        ("HTML/text;charset=x", "shown", True),
        ("text/htm", "shown", True),
        ("plain", "<p>shown", False),
        ("plain/text", "<p>shown", False),
        ("text", "<p>shown", False),
        ("text/html/x", "<p>shown", False),
        ("html shown", "<p>shown", False),
    ],
)
def test_a_type_that_breaks_the_rules_is_what_it_means(field: str, text: str, is_html: bool) -> None:
    parsed = parse.parse(f"Content-Type: {field}\r\n\r\n<p>shown".encode())

    assert (parsed.text, parsed.html is not None) == (text, is_html)


def test_a_doubled_type_of_a_multipart_is_one() -> None:
    content = b"Content-Type: multipart/multipart/mixed; boundary=b\r\n\r\n--b" + PARTS + b"--b--\r\n"

    assert parse.parse(content).text == "shown"


@pytest.mark.parametrize("encoding", ["quoted_printable", "quotedprintable", "QUOTED-PRINTABLE;", '"quoted-printable"'])
@pytest.mark.parametrize("end", ["=", "= ", "=\t \r\n", ""])
def test_quoted_printable_is_read_under_each_of_its_names_up_to_its_end(encoding: str, end: str) -> None:
    content = f"Content-Transfer-Encoding: {encoding}\r\n\r\nGr=C3=BC=C3=9Fe{end}".encode()

    assert parse.parse(content).text == "Grüße"


@pytest.mark.parametrize("field", ["us-ascii (Plain text)", '"utf-8" (text)', "(text) utf-8"])
def test_a_comment_beside_a_charset_is_left_out(field: str) -> None:
    content = f"Content-Type: text/plain; charset={field}\r\n\r\nGrüße".encode()

    assert parse.parse(content).text == "Grüße"


@pytest.mark.parametrize("disposition", ['"attachment"', "'Attachment'", "ATTACHMENT "])
def test_a_disposition_in_quotation_marks_is_read(disposition: str) -> None:
    content = f"Content-Type: text/plain\r\nContent-Disposition: {disposition}; filename=a.txt\r\n\r\nx".encode()

    parsed = parse.parse(content)

    assert (parsed.text, [each.name for each in parsed.attachments]) == ("", ["a.txt"])
