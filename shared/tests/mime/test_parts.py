"""The parts of a message, and the octets of one of them."""

import pytest

from fake_email import parse
from fake_email.mime import enclosed, parts

LINES = (
    b"Content-Type: multipart/mixed; boundary=b",
    b"",
    b"--b",
    b"Content-Type: multipart/alternative; boundary=c",
    b"",
    b"--c",
    b"",
    b"one",
    b"--c",
    b"Content-Transfer-Encoding: base64",
    b"",
    b"dHdv",
    b"--c--",
    b"--b",
    b"",
    b"three",
    b"--b--",
    b"",
)
CONTENT = b"\r\n".join(LINES)


def test_every_leaf_has_its_section_and_the_section_of_the_alternative_around_it() -> None:
    leaves = parts.leaves(*parts.read(CONTENT))

    assert [(leaf.section, leaf.alternative) for leaf in leaves] == [("1.1", "1"), ("1.2", "1"), ("2", None)]


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize(("section", "octets"), [("1.1", b"one"), ("1.2", b"two"), ("2", b"three"), ("3", b"")])
def test_the_octets_of_a_part_are_decoded(line_end: bytes, section: str, octets: bytes) -> None:
    assert enclosed.octets(line_end.join(LINES), section) == octets


@pytest.mark.parametrize("declared", [b"", b"; boundary=other", b'; boundary="b "x"'])
def test_a_boundary_that_the_body_does_not_have_is_found_in_the_body(declared: bytes) -> None:
    content = b"Content-Type: multipart/mixed%b\n\n--b\nContent-Type: text/plain\n\none\n--b\n\ntwo\n--b--\n" % declared

    assert parse.parse(content).text == "one\n\ntwo"


@pytest.mark.parametrize(
    "encoded", [b"QUJD", b"QUI=", b"QQ==\r\n", b"QU JD\nRA", b"QUI=QUJD", b"QQ==\r\nQUI=\r\n", b"Q", b"", b"*"]
)
def test_a_size_is_that_of_the_decoded_octets(encoded: bytes) -> None:
    content = b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n" + encoded

    (attachment,) = parse.parse(content).attachments

    (leaf,) = parts.leaves(content, {b"content-transfer-encoding": b"base64"}, len(content) - len(encoded))
    assert attachment.size == len(leaf.beginning(content, 1_000))
