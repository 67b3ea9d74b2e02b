"""The field Content-Disposition: the name to save an attachment under."""

import pytest

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
        ("a\\b.txt", "a_b.txt", "a%5Cb.txt"),
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
