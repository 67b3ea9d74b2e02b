"""Text in `format=flowed` (RFC 3676)."""

import pytest

from fake_email import parse
from fake_email.mime import flowed


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (["one ", "two ", "three", "four"], ["one two three", "four"]),
        (["one ", "", "two"], ["one ", "two"]),
        (["one", " two", "  three"], ["one", "two", " three"]),
        ([" From a", " > b"], ["From a", "> b"]),
        (["> one ", "> two", ">> three"], ["> one two", ">> three"]),
        ([">one ", ">two "], ["> one two "]),
        (["one ", "> two"], ["one ", "> two"]),
        (["one ", "-- ", "Ann"], ["one ", "-- ", "Ann"]),
        (["> one ", "> -- ", "> Ann"], ["> one ", "> -- ", "> Ann"]),
        (["one "], ["one "]),
        ([""], [""]),
        (["one", "two"], ["one", "two"]),
    ],
)
def test_the_lines_of_a_paragraph_are_joined(lines: list[str], joined: list[str]) -> None:
    assert flowed.join("\n".join(lines), is_delsp=False) == "\n".join(joined)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ("format=flowed; delsp=yes", "https://x.test/?token=abcdef"),
        ("format=Flowed; DelSp=Yes", "https://x.test/?token=abcdef"),
        ("format=flowed", "https://x.test/?token=abc def"),
        ("format=flowed; delsp=no", "https://x.test/?token=abc def"),
        ("format=fixed", "https://x.test/?token=abc \ndef"),
        ("charset=utf-8", "https://x.test/?token=abc \ndef"),
    ],
)
def test_the_parameters_say_how_lines_are_joined(parameters: str, text: str) -> None:
    content = f"Content-Type: text/plain; {parameters}\r\n\r\nhttps://x.test/?token=abc \r\ndef\r\n".encode()

    parsed = parse.parse(content)

    assert parsed.text == text
    assert [link.url for link in parsed.links] == [text.split(maxsplit=1)[0]]
