"""Long content is read in steps; the boundary between two steps leaves no trace in the parsed message."""

import base64
import itertools
import quopri

import pytest

from fake_email import parse
from fake_email.html import text as html_text
from fake_email.mime import transfer_encoding

LINES = "".join(f"{number}: Žluťoučký kůň, 日本語, 😀 and more\r\n" for number in range(4_000))
PLAIN = b"Content-Type: text/plain"
IMAGE = b"Content-Type: image/png\n"
BASE64 = b"Content-Transfer-Encoding: base64\n\n"
QUOTED_PRINTABLE = b"Content-Transfer-Encoding: quoted-printable\n\n"


@pytest.mark.parametrize(
    "charset",
    ["utf-8", "utf-8-sig", "utf-7", "utf-16", "utf-16-le", "utf-32", "gb18030", "iso-2022-jp", "hz", "cp1250", "big5"],
)
def test_a_long_text_is_decoded_whatever_its_charset(charset: str) -> None:
    octets = LINES.encode(charset, "ignore")

    parsed = parse.parse(PLAIN + b"; charset=" + charset.encode() + b"\n\n" + octets)

    assert parsed.text == octets.decode(charset).replace("\r\n", "\n").rstrip("\n")


@pytest.mark.parametrize("charset", ["utf-8", "euc-jp", "iso-2022-jp-2", "cp1253", "utf-16"])
def test_a_long_text_of_broken_octets_is_shown(charset: str) -> None:
    octets = (LINES.encode(charset, "ignore") + b"\xff\x1bN\x81\xaa$$$$$$$$$$$$\xd8") * 2

    parsed = parse.parse(PLAIN + b"; charset=" + charset.encode() + b"\n\n" + octets)

    assert parsed.text.startswith("0: ")
    assert "\ufffd" in parsed.text


def test_crlf_is_one_line_end_wherever_a_step_ends() -> None:
    parsed = parse.parse(b"Subject: x\n\n" + b"\r\n" * 20_000 + b"end" + b"\r" * 3 + b"\0\nx")

    assert parsed.text.count("\n") == 2  # CR, and CR CR LF


@pytest.mark.parametrize(
    ("encoded", "size"),
    [
        (base64.encodebytes(b"x" * 200_000), 200_000),
        (base64.b64encode(b"x" * 200_000), 200_000),
        (b"QUJDRA==" * 50_000, 200_000),
        (b"QUJDRA==\r\n" * 50_000, 200_000),
        (b"QUJ=\n" * 50_000, 100_000),
        (b"QUJDRUI=" * 40_000, 200_000),
        (b"=QUJD*\n" * 40_000, 120_000),
        (b"=" * 200_000 + b"QU" + b" " * 100_000 + b"=" + b" " * 100_000 + b"=QUJD", 4),
        (base64.encodebytes(b"x" * 199_999) + b"-- \nthe footer of a list\n" * 5_000, 199_999),
        (base64.encodebytes(b"x" * 199_999) + base64.encodebytes(b"y" * 99_998) * 2, 399_995),
    ],
    ids=range(10),
)
def test_the_size_of_a_long_attachment_is_that_of_its_decoded_octets(encoded: bytes, size: int) -> None:
    (attachment,) = parse.parse(IMAGE + BASE64 + encoded).attachments

    assert attachment.size == size


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 7, 64])
@pytest.mark.parametrize(
    ("encoding", "encoded", "octets"),
    [
        (b"base64", b"QUJDRA==", b"ABCD"),
        (b"base64", b"QUJDRA==\r\nQUJDRA==\r\n", b"ABCDABCD"),
        (b"base64", b"QUI=QUJD", b"ABABC"),
        (b"base64", b"QUI=\n-- \na list\n", b"AB"),
        (b"base64", b"QU=\n=QUJD", b"AABC"),
        (b"base64", b"QU=JD", b"ABC"),
        (b"base64", b"QUJDR", b"ABC"),
        (b"quoted-printable", b"a=3Db=\r\nc=  \r\nd= \t\ne =\n", b"a=bcde "),
        (b"quoted-printable", b"a=\r\n =3D = x", b"a = = x"),
        (b"x-uuencode", b"text\nbegin 644 a.b\n#86)C\n!80 \n`\nend\ntext\n", b"abca"),
        (b"x-uuencode", b"begin 644 a.b\n#86)C\n!80XX\n!8\237\xff0\n\x7fxyz\nend\n", b"abca`"),
        (b"x-uuencode", b"begin 644 a.b\r\n#86)C\r\n!80\r\n \r\nend", b"abca"),
    ],
)
def test_each_encoding_is_decoded_in_pieces_as_it_is_whole(
    encoding: bytes, encoded: bytes, octets: bytes, piece: int
) -> None:
    decoder = transfer_encoding.decoder(encoding)
    starts = range(0, len(encoded), piece)

    pieces = [decoder.feed(encoded[at : at + piece], is_last=at + piece >= len(encoded)) for at in starts]

    assert b"".join(pieces) == transfer_encoding.decode(encoded, encoding) == octets


def test_base64_of_a_long_text_is_decoded() -> None:
    parsed = parse.parse(PLAIN + b"; charset=utf-8\n" + BASE64 + base64.encodebytes(LINES.encode()))

    assert parsed.text == LINES.replace("\r\n", "\n").rstrip("\n")


@pytest.mark.parametrize("line_length", ["short", "endless"])
def test_quoted_printable_of_a_long_text_is_decoded(line_length: str) -> None:
    text = LINES if line_length == "short" else LINES.replace("\r\n", "")
    encoded = quopri.encodestring(text.encode())
    if line_length == "endless":
        encoded = encoded.replace(b"=\n", b"")

    parsed = parse.parse(PLAIN + b"; charset=utf-8\n" + QUOTED_PRINTABLE + encoded)

    assert parsed.text == text.replace("\r\n", "\n").rstrip("\n")


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
def test_a_header_section_of_many_lines_is_read(line_end: bytes) -> None:
    folded = b"X-Long: x" + (line_end + b"\t" + b"y" * 70) * 2_000 + line_end

    parsed = parse.parse(folded + b"Subject: found" + line_end * 2 + b"body")

    assert (parsed.subject, parsed.text) == ("found", "body")


@pytest.mark.parametrize("distance", range(-3, 2))
def test_a_delimiter_is_found_wherever_a_step_ends(distance: int) -> None:
    start = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n"
    text = b"x" * (64 * 1024 + distance)

    parsed = parse.parse(start + text + b"\n--b\n" + IMAGE + b"\n--b--\n")

    assert (len(parsed.text), len(parsed.attachments)) == (len(text), 1)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p " + "a='>' " * 5_000 + ">seen", "seen"),
        ("<a " + "b=c " * 10_000 + "href=https://x.test/>seen</a>", "seen <https://x.test/>"),
        ("<a " + "= " * 199_998 + "href=https://x.test/>seen</a>", "seen <https://x.test/>"),
        ("<!--a--!>" * 50_000 + "seen<!-- -->", "seen"),
        ("<img src='data:" + "x" * 50_000 + "' alt=seen>", "[seen]"),
        ("<script>" + "</scrip" * 20_000 + "</script>seen", "seen"),
        ("<!--" + "-" * 50_000 + "-->seen", "seen"),
        ("word&amp;   &nbsp;ž " * 5_000, ("word&  ž " * 5_000).rstrip()),
        ("< " * 5_000, ("< " * 5_000).rstrip()),
        ("<pre>" + "a\t" * 10_000, ("a    " * 10_000).rstrip()),
        ("a\u200b\u200b\u200b " * 10_000, "a" * 10_000),
    ],
    ids=range(11),
)
def test_long_markup_is_rendered(markup: str, text: str) -> None:
    assert html_text.render(markup) == text


@pytest.mark.parametrize(
    "end", [b"", b"QQ", b"QQ==\r\n", b"QUI=", b"Q", b"=", b"QQ=\r\n\r\n=", b"QQ==\r\nfooter of a list", b"====QUJD"]
)
@pytest.mark.parametrize("inside", [b"", b"\r\n", b"!-QUJD", b"Q=\r\n", b"QQ==\r\n"])
def test_the_size_of_a_long_file_in_base64_is_that_of_its_octets(inside: bytes, end: bytes) -> None:
    line = base64.b64encode(bytes(57)) + b"\r\n"
    encoded = line * 2_000 + inside + line * 2_000 + end

    size = transfer_encoding.octet_count(encoded, 0, len(encoded), b"base64")

    assert size == len(transfer_encoding.beginning(encoded, 0, len(encoded), b"base64", len(encoded)))


def test_parts_that_are_not_read_in_time_are_left_out_and_those_before_are_shown() -> None:
    file = b"--b\nContent-Disposition: attachment; filename=%d\n\ncontent\n"
    content = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n" + b"".join(
        file % each for each in range(9)
    )
    is_over = itertools.chain([False] * 3, itertools.repeat(True)).__next__

    parsed = parse.parse(content, is_over)

    assert parsed.text == "hello"
    assert [each.name for each in parsed.attachments] == ["0", "1", "2"]


@pytest.mark.parametrize(("seconds", "names"), [(0.0, []), (3_600.0, ["a"])])
def test_the_time_to_read_ends_after_so_many_seconds_of_work(
    monkeypatch: pytest.MonkeyPatch, seconds: float, names: list[str]
) -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n--b\nContent-Type: image/png; name=a\n\n"
    monkeypatch.setattr(parse, "READING_SECONDS", seconds)

    parsed = parse.parse(content)

    assert (parsed.text, [each.name for each in parsed.attachments]) == ("hello", names)


@pytest.mark.parametrize("in_time", [0, 3])
def test_html_that_is_not_read_in_time_is_shown_as_far_as_it_was(in_time: int) -> None:
    links = "".join(f"<p><a href='https://client.test/{number}'>{number}</a></p>" for number in range(20_000))
    content = f"Content-Type: text/html\n\n{links}".encode()
    is_over = itertools.chain([False] * (1 + in_time), itertools.repeat(True)).__next__

    whole, cut = parse.parse(content), parse.parse(content, is_over)

    assert whole.text.startswith(cut.text)
    assert 1_000 < len(cut.text) < len(whole.text) / 2
    assert cut.links == whole.links[: len(cut.links)]
    assert len(cut.links) == 1
