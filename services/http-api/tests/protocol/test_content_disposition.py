"""The field Content-Disposition: the name to save an attachment under."""

import re
import sys
import unicodedata
import urllib.parse
from collections.abc import Iterable, Iterator

import pytest

from fake_email.mime import parameters
from http_api.protocol import content_disposition


@pytest.mark.parametrize("name", ["ticket.pdf", "a b.txt", "a;b=c.txt", "it's.txt", "a,b.txt", "(1)*.txt", "{}[]@.x"])
def test_a_plain_name_is_quoted_unchanged(name: str) -> None:
    assert content_disposition.attachment(name, "application/pdf") == f'attachment; filename="{name}"'


@pytest.mark.parametrize(
    ("name", "plain", "encoded"),
    [
        ("Gr\u00fc\u00dfe.txt", "Grue.txt", "Gr%C3%BC%C3%9Fe.txt"),
        ("\u00e9t\u00e9 \u20ac.txt", "ete .txt", "%C3%A9t%C3%A9%20%E2%82%AC.txt"),
        ('a"b.txt', "a_b.txt", "a%22b.txt"),
        ("100%25.txt", "100_25.txt", "100%2525.txt"),
        ("a\r\nX-Evil: 1.txt", "a__X-Evil: 1.txt", "a%0D%0AX-Evil%3A%201.txt"),
        ("\u62a5\u544a.pdf", "attachment.pdf", "%E6%8A%A5%E5%91%8A.pdf"),
        ("\u62a5\u544a", "attachment", "%E6%8A%A5%E5%91%8A"),
        ("\U0001f600.png", "attachment.png", "%F0%9F%98%80.png"),
    ],
)
def test_any_other_name_is_given_in_utf_8_and_as_similar_ascii(name: str, plain: str, encoded: str) -> None:
    told = content_disposition.attachment(name, "application/octet-stream")

    assert told == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def test_the_attr_chars_of_rfc_8187_are_not_encoded() -> None:
    told = content_disposition.attachment("\u00fc!#$&+-.^_`|~'()*", "text/plain")

    assert told.endswith("filename*=UTF-8''%C3%BC!#$&+-.^_`|~%27%28%29%2A")


@pytest.mark.parametrize(
    ("media_type", "name"),
    [
        ("application/pdf", "attachment.pdf"),
        ("message/rfc822", "attachment.eml"),
        ("application/x-nobody-knows", "attachment"),
        ("application/octet-stream", "attachment.bin"),
    ],
)
def test_a_file_without_a_name_gets_one_that_fits_its_type(media_type: str, name: str) -> None:
    assert content_disposition.attachment("", media_type) == f'attachment; filename="{name}"'


def test_a_name_that_begins_with_a_dot_stays_unchanged() -> None:
    assert content_disposition.attachment(".profile", "text/plain") == 'attachment; filename=".profile"'


def changed() -> Iterator[tuple[str, str]]:
    """Each character that normalisation (NFKD) changes, and the text that it becomes."""
    for first in range(0, sys.maxunicode, 256):
        block = "".join(map(chr, range(first, first + 256)))
        # Of most blocks all characters stay: each process of pytest would take seconds to try every character.
        if not unicodedata.is_normalized("NFKD", block):
            yield from ((each, plain) for each in block if (plain := unicodedata.normalize("NFKD", each)) != each)


CHANGED = dict(changed())


def alike(characters: Iterable[str]) -> list[str]:
    """The characters, and each that normalisation (NFKD) turns into text with one of them in it."""
    wanted = set(characters)
    return sorted(wanted | {each for each, plain in CHANGED.items() if not wanted.isdisjoint(plain)})


def names(field: str) -> list[str]:
    """The names in the field: the plain one, and the one in UTF-8 if there is one."""
    matched = re.fullmatch(r"""attachment; filename="([ !#-~]*)"(?:; filename\*=UTF-8''([!#-~]*))?""", field)
    assert matched, field
    return [matched[1], *([urllib.parse.unquote(matched[2], errors="strict")] if matched[2] else [])]


@pytest.mark.parametrize("character", alike("/\\"), ids=lambda it: f"U+{ord(it):04X}")
@pytest.mark.parametrize("name", ["..{0}..{0}x.txt", "{0}etc{0}passwd", "C:{0}x", "{0}", "a{0}b.txt", "..{0}"])
def test_no_character_of_a_name_becomes_a_folder(name: str, character: str) -> None:
    told = content_disposition.attachment(name.format(character), "text/plain")

    for each in names(told):
        assert not {"/", "\\"} & set(unicodedata.normalize("NFKD", each))


@pytest.mark.parametrize(
    "character", alike([*map(chr, range(32)), "\x7f", '"', "\\", "%"]), ids=lambda it: f"U+{ord(it):04X}"
)
def test_no_character_of_a_name_ends_the_quoted_name(character: str) -> None:
    told = content_disposition.attachment(f"a{character}; x=y.txt", "text/plain")

    assert names(told)[0] == "a_; x=y.txt"


DOTS = [each for each in alike(".") if not unicodedata.normalize("NFKD", each).strip(".")]


@pytest.mark.parametrize("dots", ["..", "...", ". .", *DOTS], ids=ascii)
@pytest.mark.parametrize("times", [1, 2])
def test_a_name_of_dots_alone_counts_as_no_name(dots: str, times: int) -> None:
    told = content_disposition.attachment(dots * times, "text/plain")

    assert told == 'attachment; filename="attachment.txt"'


@pytest.mark.parametrize("name", ["..\u62a5", "\u62a5..", ".\u62a5.", "\u2025\u62a5"], ids=ascii)
def test_a_name_whose_ascii_is_dots_alone_has_no_plain_form(name: str) -> None:
    told = content_disposition.attachment(name, "text/plain")

    assert names(told)[0] == "attachment"


@pytest.mark.parametrize("character", alike("/\\"), ids=lambda it: f"U+{ord(it):04X}")
def test_the_name_that_a_message_gives_its_attachment_names_no_folder(character: str) -> None:
    found = parameters.file_name(f"..{character}..{character}x.txt")

    assert "/" not in names(content_disposition.attachment(found, "text/plain"))[0]
